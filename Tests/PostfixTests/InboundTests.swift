import ClusterModel
import Gateways
import MailFixtures
import NIOPosix
import PostfixFixtures
import SMTPFixtures
import Testing

/// What senders meet at a real Postfix, for every policy (mission E1).
@Suite(
    "Senders meet their policy at Postfix", .timeLimit(.minutes(2)), .enabled(if: PostfixLab.isPossible, "Postfix obeys root only"))
struct InboundTests {
    /// What a sender finds.
    struct Found: Equatable {
        var offersTLS: Bool
        /// The answer to a recipient, without TLS and with it; nil where it is not offered.
        var clear: String
        var encrypted: String?
    }

    /// Sends to a recipient of the sender's own, and answers what it was told.
    private func send(
        _ lab: PostfixLab, from source: String, sender: String = "a@sender.test", to recipient: String = "u@inbound.test",
        showing client: TestCertificate? = nil, secured: Bool
    ) async throws -> (offersTLS: Bool, answer: String) {
        let peer = try await Peer.connect(to: lab.address, from: source)
        _ = try await peer.reply()
        let offers = try await peer.say("EHLO client.test").contains { $0.dropFirst(4) == "STARTTLS" }
        if secured {
            guard try await peer.say("STARTTLS") == ["220 2.0.0 Ready to start TLS"] else { return (offers, "no TLS") }
            _ = try await peer.handshake(showing: client)
            try await peer.say("EHLO client.test")
        }
        try await peer.say("MAIL FROM:<\(sender)>")
        var answer = try await peer.say("RCPT TO:<\(recipient)>").last ?? ""
        if answer.hasPrefix("250") {
            try await peer.say("DATA")
            answer = String(try await peer.say("Subject: test\r\n\r\ntest\r\n.").last?.prefix(3) ?? "")
        }
        await peer.close()
        return (offers, String(answer.prefix(3)))
    }

    private func find(_ lab: PostfixLab, from source: String, showing client: TestCertificate? = nil) async throws -> Found {
        let (offers, clear) = try await send(lab, from: source, secured: false)
        let encrypted = offers ? try await send(lab, from: source, showing: client, secured: true).answer : nil
        return Found(offersTLS: offers, clear: clear, encrypted: encrypted)
    }

    @Test func `a client that asks for a name gets the certificate for it, also after a renewal`() async throws {
        try await PostfixLab.with(main: "tls_server_sni_maps = texthash:/nowhere\n") { lab in
            var setup = Setup(certificate: try Issuer.selfSigned("mx1.example.com"))
            setup.address = lab.address
            setup.certificates["brand"] = try Issuer.selfSigned("mx.brand.example")
            setup.certificates["shop"] = try Issuer.selfSigned("mx.shop.example")
            setup.listeners["public"]?.serverNames = [
                ServerName(name: "mx.brand.example", certificate: "brand"), ServerName(name: "mx.shop.example", certificate: "shop"),
            ]
            setup.listeners["private"] = setup.listeners["public"]
            setup.listeners["private"]?.port = 2526
            setup.listeners["private"]?.serverNames = []
            let prober = TLSProber(group: MultiThreadedEventLoopGroup.singleton)
            for renewed in [nil, "brand"] {
                if let renewed { setup.certificates[renewed] = try Issuer.selfSigned("mx.brand.example") }
                try await lab.gateway.apply(try setup.configuration)
                var intended = try setup.configuration.settings.intendedServices()
                let mail = try #require(setup.certificates["mail"]).leaf
                for (port, name) in [(2525, "other.example"), (2526, "mx.brand.example")] {
                    intended.append(
                        IntendedService(
                            service: "other", certificate: "mail", fingerprint: mail,
                            probe: .startTLS(address: lab.address, port: port, serverName: name)))
                }
                #expect(intended.count == 6)
                #expect(await prober.prove(intended).map(\.served) == intended.map(\.fingerprint))
            }
        }
    }

    @Test func `every policy holds for its own senders, in the order of the groups`() async throws {
        try await PostfixLab.with { lab in
            let (issuer, rogue) = (try Issuer("Good"), try Issuer("Rogue"))
            let net = lab.network
            var setup = Setup(certificate: try issuer.issue("mx1.example.com"))
            setup.address = lab.address
            setup.authorities["partners"] = try issuer.list
            setup.addGroup("exempt", ["\(net).40"], MailFlowPolicySetting(tls: .preferred))
            setup.addGroup("plain", ["\(net).32/28"], MailFlowPolicySetting(tls: .off))
            setup.addGroup("strict", ["\(net).48/28"], MailFlowPolicySetting(tls: .required))
            setup.addGroup("known", ["\(net).64/28"], MailFlowPolicySetting(tls: .required, verifyClientCertificate: true))
            setup.addGroup("checked", ["\(net).80/28"], MailFlowPolicySetting(tls: .preferred, verifyClientCertificate: true))
            try await lab.gateway.apply(try setup.configuration)

            #expect(try await find(lab, from: "\(net).2") == Found(offersTLS: true, clear: "250", encrypted: "250"))
            #expect(try await find(lab, from: "\(net).40") == Found(offersTLS: true, clear: "250", encrypted: "250"))
            #expect(try await find(lab, from: "\(net).41") == Found(offersTLS: false, clear: "250", encrypted: nil))
            #expect(try await send(lab, from: "\(net).41", secured: true).answer == "no TLS")
            #expect(try await find(lab, from: "\(net).50") == Found(offersTLS: true, clear: "530", encrypted: "250"))
            let (good, bad) = (try issuer.issue("mta.partner.test"), try rogue.issue("mta.partner.test"))
            let late = try issuer.issue("mta.partner.test", days: -1)
            #expect(try await find(lab, from: "\(net).66", showing: good) == Found(offersTLS: true, clear: "530", encrypted: "250"))
            for client in [nil, bad, late] {
                #expect(try await find(lab, from: "\(net).66", showing: client) == Found(offersTLS: true, clear: "530", encrypted: "554"))
            }
            #expect(try await find(lab, from: "\(net).82", showing: good) == Found(offersTLS: true, clear: "250", encrypted: "250"))
            #expect(try await find(lab, from: "\(net).82") == Found(offersTLS: true, clear: "250", encrypted: "250"))
            #expect(try await find(lab, from: "\(net).82", showing: bad) == Found(offersTLS: true, clear: "250", encrypted: "554"))
        }
    }

    @Test func `senders for whom TLS is mandatory need it where others need not`() async throws {
        try await PostfixLab.with { lab in
            var policy = MailFlowPolicySetting(tls: .preferred)
            policy.tlsMandatorySenders = ["Bank.test", ".gov.test", "chief@firm.test", "alarm@"]
            var setup = Setup(policy, certificate: try Issuer.selfSigned("mx1.example.com"))
            setup.address = lab.address
            try await lab.gateway.apply(try setup.configuration)
            for (sender, answer) in [
                ("a@bank.test", "530"), ("a@x.bank.test", "250"), ("a@gov.test", "250"), ("A@Tax.GOV.test", "530"),
                ("chief@firm.test", "530"),
                ("a@firm.test", "250"), ("alarm@any.test", "530"), ("", "250"),
            ] {
                #expect(try await send(lab, from: "\(lab.network).2", sender: sender, secured: false).answer == answer, "\(sender)")
                #expect(try await send(lab, from: "\(lab.network).2", sender: sender, secured: true).answer == "250", "\(sender)")
            }
        }
    }

    @Test func `what was accepted is delivered, and each listener has its own certificate and name in the log`() async throws {
        try await PostfixLab.with { lab in
            var setup = Setup(certificate: try Issuer.selfSigned("mx1.example.com"))
            setup.address = lab.address
            setup.certificates["inside"] = try Issuer.selfSigned("inside.example.com")
            var inside = try #require(setup.listeners["public"])
            (inside.port, inside.certificate) = (2526, "inside")
            setup.listeners["private"] = inside
            try await lab.gateway.apply(try setup.configuration)
            for (port, certificate, name) in [(2525, "mail", "public"), (2526, "inside", "private")] {
                let peer = try await Peer.connect(to: lab.address, port: port, from: "\(lab.network).2")
                #expect(try await peer.reply() == ["220 mx1.example.com ESMTP"])
                try await peer.say("EHLO client.test")
                try await peer.say("STARTTLS")
                #expect(try await peer.handshake() == setup.certificates[certificate]?.leaf)
                for line in ["EHLO client.test", "MAIL FROM:<a@sender.test>", "RCPT TO:<\(name)@inbound.test>", "DATA"] {
                    try await peer.say(line)
                }
                #expect(try await peer.say("Subject: test\r\n\r\ntest\r\n.").last?.hasPrefix("250") == true)
                await peer.close()
                #expect(try await lab.outcome(of: "\(name)@inbound.test").hasPrefix("sent"))
                _ = try await lab.logged("TLS at \(name)") {
                    $0.contains("postfix/\(name)/smtpd") && $0.contains("TLS connection established")
                }
            }
        }
    }

    @Test func `versions and ciphers are those of the profile`() async throws {
        try await PostfixLab.with { lab in
            var setup = Setup(certificate: try Issuer.selfSigned("mx1.example.com"))
            setup.address = lab.address
            setup.profiles["inbound"] = TLSProfileSetting(minimum: .tls12, maximum: .tls12, ciphers: "ECDHE-ECDSA-AES256-GCM-SHA384")
            try await lab.gateway.apply(try setup.configuration)
            let log = try await lab.logged("TLS") { $0.contains("TLS connection established") }
            #expect(log.contains("TLSv1.2 with cipher ECDHE-ECDSA-AES256-GCM-SHA384"))
            setup.profiles["inbound"] = TLSProfileSetting(minimum: .tls13)
            try await lab.gateway.apply(try setup.configuration)
            _ = try await lab.logged("TLS 1.3") { $0.contains("TLS connection established") && $0.contains("TLSv1.3") }
        }
    }

    @Test func `hosts are known by the name that leads back to their address`() async throws {
        let resolver = "127.\(Int.random(in: 16...250)).\(Int.random(in: 1...250)).53"
        try await PostfixLab.with(resolver: resolver) { lab in
            let net = lab.network
            let records = ["--host-record=mta.partner.test,\(net).30", "--ptr-record=\(net.reversedName("31")),mta.partner.test"]
            try await DNSMasq.with(records, at: resolver) { _ in
                var setup = Setup(certificate: try Issuer.selfSigned("mx1.example.com"))
                setup.address = lab.address
                setup.addGroup("partners", [".partner.test"], MailFlowPolicySetting(tls: .required))
                try await lab.gateway.apply(try setup.configuration)
                #expect(try await send(lab, from: "\(net).30", secured: false).answer == "530")
                #expect(try await send(lab, from: "\(net).30", secured: true).answer == "250")
                // Whoever keeps the reverse zone may write any name there; it does not lead back.
                #expect(try await send(lab, from: "\(net).31", secured: false).answer == "250")
            }
        }
    }

    @Test func `hand-made restrictions go on to hold beside the policies`() async throws {
        let main =
            "smtpd_client_restrictions = check_client_access inline:{\n  unwanted=REJECT}, check_sender_access inline:{bad@sender.test=REJECT}\n"
        try await PostfixLab.with(main: main) { lab in
            var setup = Setup(MailFlowPolicySetting(tls: .required), certificate: try Issuer.selfSigned("mx1.example.com"))
            setup.address = lab.address
            try await lab.gateway.apply(try setup.configuration)
            #expect(try await send(lab, from: "\(lab.network).2", sender: "bad@sender.test", secured: true).answer == "554")
            #expect(try await send(lab, from: "\(lab.network).2", sender: "good@sender.test", secured: true).answer == "250")
            #expect(try await send(lab, from: "\(lab.network).2", sender: "good@sender.test", secured: false).answer == "530")
        }
    }
}

extension String {
    /// For a network such as `127.1.2`, the name that the address with this last number has in the reverse zone.
    fileprivate func reversedName(_ last: String) -> String {
        ([last] + split(separator: ".").reversed().map(String.init)).joined(separator: ".") + ".in-addr.arpa"
    }
}
