import ClusterModel
import Gateways
import PostfixFixtures
import SMTPFixtures
import Testing

/// Sessions do not notice that the configuration changes.
@Suite(
    "Sessions outlive a change at Postfix", .timeLimit(.minutes(2)), .enabled(if: PostfixLab.isPossible, "Postfix obeys root only"))
struct ReloadTests {
    @Test func `a session in the middle of its message ends as it began, and the next meets the new certificate`() async throws {
        try await PostfixLab.with { lab in
            var setup = Setup(certificate: try Issuer.selfSigned("mx1.example.com"))
            setup.address = lab.address
            try await lab.gateway.apply(try setup.configuration)
            let peer = try await Peer.connect(to: lab.address, from: "\(lab.network).2")
            #expect(try await peer.secure() == setup.certificates["mail"]?.leaf)
            for line in ["MAIL FROM:<a@sender.test>", "RCPT TO:<u@inbound.test>", "DATA"] { try await peer.say(line) }
            try await peer.send("Subject: half\r\n\r\none\r\n")
            setup.certificates["mail"] = try Issuer.selfSigned("mx1.example.com")
            try await lab.gateway.apply(try setup.configuration)
            #expect(try await peer.say("two\r\n.").last?.hasPrefix("250") == true)
            #expect(try await peer.say("NOOP").last?.hasPrefix("250") == true)
            await peer.close()
            let next = try await Peer.connect(to: lab.address, from: "\(lab.network).2")
            #expect(try await next.secure() == setup.certificates["mail"]?.leaf)
            await next.close()
            #expect(try await lab.outcome(of: "u@inbound.test").hasPrefix("sent"))
        }
    }

    @Test func `twenty changes of a certificate under constant mail, and no session fails`() async throws {
        try await PostfixLab.with { lab in
            var setup = Setup(certificate: try Issuer.selfSigned("mx1.example.com"))
            setup.address = lab.address
            try await lab.gateway.apply(try setup.configuration)
            let count = try await MailLoad.during(lab) {
                for _ in 1...20 {
                    setup.certificates["mail"] = try Issuer.selfSigned("mx1.example.com")
                    try await lab.gateway.apply(try setup.configuration)
                }
            }
            #expect(count.failures == [])
            #expect(count.sessions > 20)
        }
    }
}
