import ClusterModel
import Gateways
import SMTPFixtures
import Synchronization
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

    /// Mail that goes on for as long as it is wanted.
    private final class Load: Sendable {
        let state = Mutex((sessions: 0, isOver: false))
    }

    @Test func `twenty changes of a certificate under constant mail, and no session fails`() async throws {
        try await PostfixLab.with { lab in
            var setup = Setup(certificate: try Issuer.selfSigned("mx1.example.com"))
            setup.address = lab.address
            try await lab.gateway.apply(try setup.configuration)
            let load = Load()
            try await withThrowingTaskGroup(of: Void.self) { tasks in
                for number in 1...3 {
                    tasks.addTask {
                        while !load.state.withLock({ $0.isOver }) {
                            let peer = try await Peer.connect(to: lab.address, from: "\(lab.network).\(number + 1)")
                            _ = try await peer.secure()
                            for line in ["MAIL FROM:<a@sender.test>", "RCPT TO:<u@inbound.test>", "DATA"] {
                                try await peer.say(line)
                            }
                            guard try await peer.say("Subject: test\r\n\r\ntest\r\n.").last?.hasPrefix("250") == true else {
                                throw Peer.Closed()
                            }
                            await peer.close()
                            load.state.withLock { $0.sessions += 1 }
                        }
                    }
                }
                for _ in 1...20 {
                    setup.certificates["mail"] = try Issuer.selfSigned("mx1.example.com")
                    try await lab.gateway.apply(try setup.configuration)
                }
                load.state.withLock { $0.isOver = true }
                try await tasks.waitForAll()
            }
            #expect(load.state.withLock { $0.sessions } > 20)
        }
    }
}
