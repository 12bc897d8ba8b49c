import Certificates
import ClusterModel
import Gateways
import NIOCore
import NIOPosix
import SMTPFixtures
import Subprocess
import Testing

@Suite(.timeLimit(.minutes(1))) struct EmbeddedGatewayTests {
    @Test func `a session goes from clear text to TLS and is refused mail politely`() async throws {
        let certificate = try await TestCertificate.make("mx1.example.com")
        let fixture = Fixture(certificate: certificate)
        try await withGateway(fixture) { _ in
            let peer = try await Peer.connect(to: fixture.address)
            #expect(try await peer.reply() == ["220 mx1.example.com ESMTP Muster"])
            #expect(try await peer.say("EHLO c").contains { $0.hasSuffix("STARTTLS") })
            #expect(try await peer.say("STARTTLS") == ["220 2.0.0 Ready to start TLS"])
            #expect(try await peer.handshake() == certificate.fingerprint)
            #expect(try await peer.say("MAIL FROM:<a@b.example>") == ["503 5.5.1 Send EHLO first"])
            #expect(try await !peer.say("EHLO c").contains { $0.hasSuffix("STARTTLS") })
            #expect(try await peer.say("MAIL FROM:<a@b.example>") == ["250 2.1.0 Ok"])
            #expect(try await peer.say("RCPT TO:<c@d.example>").first?.hasPrefix("550 5.7.1 This gateway takes no mail") == true)
            #expect(try await peer.say("QUIT") == ["221 2.0.0 Bye"])
            #expect(await peer.ends())
        }
    }

    @Test(arguments: [["ed25519"], ["rsa:2048"], ["ec", "-pkeyopt", "ec_paramgen_curve:P-384"]])
    func `the real openssl sees the certificate, whatever its key`(_ algorithm: [String]) async throws {
        let fixture = Fixture(certificate: try await .make("mx1.example.com", algorithm: algorithm))
        try await withGateway(fixture) { _ in
            let result = try await run(
                .name("openssl"),
                arguments: ["s_client", "-starttls", "smtp", "-connect", "\(fixture.address):2525", "-servername", "mx1.example.com"],
                input: .string("QUIT\r\n"), output: .string(limit: 1 << 16))
            let text = result.standardOutput
            #expect(text.contains(fixture.certificates["mail"]?.chain ?? "-"))
            #expect(text.contains("TLSv1.3"))
            let service = try fixture.configuration.settings.intendedServices()
            #expect(
                await TLSProber(group: MultiThreadedEventLoopGroup.singleton).prove(service).first?.served == service.first?.fingerprint)
        }
    }

    @Test func `TLS 1.1 is not spoken`() async throws {
        let fixture = Fixture(certificate: try await .make("mx1.example.com"))
        try await withGateway(fixture) { _ in
            let result = try await run(
                .name("openssl"),
                arguments: [
                    "s_client", "-starttls", "smtp", "-connect", "\(fixture.address):2525", "-tls1_1", "-cipher", "ALL:@SECLEVEL=0",
                ],
                input: .string("QUIT\r\n"), output: .string(limit: 1 << 16))
            #expect(result.standardOutput.contains("BEGIN CERTIFICATE") == false)
        }
    }

    @Test func `the first group that matches a sender decides`() async throws {
        var fixture = Fixture(certificate: try await .make("mx1.example.com"))
        fixture.policies["none"] = MailFlowPolicySetting(tls: .off)
        fixture.policies["must"] = MailFlowPolicySetting(tls: .required)
        fixture.listeners["public"]?.senderGroups = [
            SenderGroup(name: "ONE", senders: ["127.0.0.9"], policy: "none"),
            SenderGroup(name: "NAMED", senders: [".partner.example"], policy: "none"),
            SenderGroup(name: "NET", senders: ["127.0.0.0/24"], policy: "must"),
        ]
        let names = FixedNames(names: ["127.0.0.7": "mx.partner.example", "127.0.0.8": "mx.partner.example.evil.example"])
        try await withGateway(fixture, names: names) { _ in
            func meets(_ source: String) async throws -> String {
                let peer = try await Peer.connect(to: fixture.address, from: source)
                _ = try await peer.reply()
                let offer = try await peer.say("EHLO c").contains { $0.hasSuffix("STARTTLS") }
                let mail = try await peer.say("MAIL FROM:<>").first?.prefix(3) ?? ""
                await peer.close()
                return "\(offer ? "TLS" : "no TLS"), \(mail)"
            }
            for (source, expected) in [
                ("127.0.0.9", "no TLS, 250"), ("127.0.0.7", "no TLS, 250"), ("127.0.0.8", "TLS, 530"), ("127.0.1.9", "TLS, 250"),
            ] {
                let met = try await meets(source)
                #expect(met == expected, "from \(source)")
            }
        }
    }

    @Test func `a client certificate is asked for, judged, and talked about after the handshake`() async throws {
        let fixture = Fixture(
            MailFlowPolicySetting(tls: .required, verifyClientCertificate: true), certificate: try await .make("mx1.example.com"))
        let partner = try await TestCertificate.make("partner.example")
        let stranger = try await TestCertificate.make("stranger.example")
        try await withGateway(fixture, system: try TrustedAuthorities([partner.list])) { _ in
            for (shown, heard) in [(partner, "250 2.1.0"), (stranger, "550 5.7.1"), (nil, "550 5.7.1"), (partner, "250 2.1.0")] {
                let peer = try await Peer.connect(to: fixture.address)
                _ = try await peer.secure(showing: shown)
                #expect(try await peer.say("MAIL FROM:<>").first?.hasPrefix(heard) == true)
                await peer.close()
            }
        }
    }

    @Test func `HTTPS answers with one line of text`() async throws {
        var fixture = Fixture()
        fixture.certificates["web"] = try await .make("mx1.example.com")
        fixture.https = HTTPSService(port: 8443, certificate: "web")
        try await withGateway(fixture) { _ in
            let peer = try await Peer.connect(to: fixture.address, port: 8443)
            #expect(try await peer.handshake() == fixture.certificates["web"]?.fingerprint)
            try await peer.send("GET / HTTP/1.1\r\nHost: mx1.example.com\r\n\r\n")
            #expect(try await peer.line() == "HTTP/1.1 200 OK")
            while try await !peer.line().isEmpty {}
            #expect(try await peer.line() == "Muster gateway mx1.example.com")
            #expect(await peer.ends())
        }
    }

    @Test func `stop ends listeners and sessions, and nothing is applied after it`() async throws {
        let fixture = Fixture(certificate: try await .make("mx1.example.com"))
        try await withGateway(fixture) { gateway in
            let clear = try await Peer.connect(to: fixture.address)
            _ = try await clear.reply()
            let secured = try await Peer.connect(to: fixture.address)
            _ = try await secured.secure()
            await gateway.stop()
            #expect(await clear.ends())
            #expect(await secured.ends())
            #expect(await Peer.isNobody(to: fixture.address))
            await #expect(throws: Refusal(.unavailable, "")) { try await gateway.apply(try fixture.configuration) }
            #expect(await Peer.isNobody(to: fixture.address))
        }
    }

    @Test func `a service has room for so many connections, and says so to the next`() async throws {
        var allowance = SessionAllowance()
        allowance.connections = 2
        let fixture = Fixture()
        try await withGateway(fixture, allowance: allowance) { _ in
            let first = try await Peer.connect(to: fixture.address)
            _ = try await first.reply()
            let second = try await Peer.connect(to: fixture.address)
            _ = try await second.reply()
            let third = try await Peer.connect(to: fixture.address)
            #expect(try await third.reply() == ["421 4.3.2 Too many connections, try again later"])
            #expect(await third.ends())
            try await first.say("QUIT")
            #expect(await first.ends())
            // The client may see the end a moment before it is counted.
            while try await Peer.connect(to: fixture.address).reply().first?.hasPrefix("220") != true {}
        }
    }

    @Test func `HTTPS has as much room, and takes new connections when there is some`() async throws {
        var allowance = SessionAllowance()
        allowance.connections = 1
        var fixture = Fixture(certificate: try await .make("mx1.example.com"))
        fixture.https = HTTPSService(port: 8443, certificate: "mail")
        try await withGateway(fixture, allowance: allowance) { _ in
            let first = try await Peer.connect(to: fixture.address, port: 8443)
            _ = try await first.handshake()
            #expect(await Peer.isNobody(to: fixture.address, port: 8443))
            try await first.send("GET / HTTP/1.0\r\n\r\n")
            while await !first.ends() {}
            while (try? await Peer.connect(to: fixture.address, port: 8443).handshake()) == nil {}
        }
    }

    @Test func `the system's own name for this machine is confirmed`() async throws {
        let eventLoop = MultiThreadedEventLoopGroup.singleton.next()
        let address = try #require(IPAddress("127.0.0.1"))
        let name = try await SystemHostNames().hostName(of: address, on: eventLoop).get()
        // There may be none; if there is one, it is a name and not the address again.
        #expect(name.map { HostName.accepts($0) && IPAddress($0) == nil } ?? true)
    }
}

struct FixedNames: HostNames {
    var names: [String: String]

    func hostName(of address: IPAddress, on eventLoop: any EventLoop) -> EventLoopFuture<String?> {
        eventLoop.makeSucceededFuture(names[address.description])
    }
}
