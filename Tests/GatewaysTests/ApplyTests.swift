import ClusterModel
import Gateways
import NIOCore
import NIOPosix
import SMTPFixtures
import Testing

@Suite(.timeLimit(.minutes(1))) struct ApplyTests {
    @Test func `a certificate changes under an open session, which goes on`() async throws {
        let old = try await TestCertificate.make("old.example")
        let new = try await TestCertificate.make("new.example")
        var fixture = Fixture(certificate: old)
        try await withGateway(fixture) { gateway in
            let secured = try await Peer.connect(to: fixture.address)
            #expect(try await secured.secure() == old.fingerprint)
            let undecided = try await Peer.connect(to: fixture.address)
            _ = try await undecided.reply()
            fixture.certificates["mail"] = new
            try await gateway.apply(try fixture.configuration)
            #expect(try await secured.say("NOOP") == ["250 2.0.0 Ok"])
            try await undecided.say("STARTTLS")
            #expect(try await undecided.handshake() == new.fingerprint)
            let later = try await Peer.connect(to: fixture.address)
            #expect(try await later.secure() == new.fingerprint)
        }
    }

    @Test func `a policy changes for those who come, not for those who are there`() async throws {
        var fixture = Fixture(certificate: try await .make("mx1.example.com"))
        try await withGateway(fixture) { gateway in
            let before = try await Peer.connect(to: fixture.address)
            _ = try await before.reply()
            fixture.policies["all"] = MailFlowPolicySetting(tls: .required)
            try await gateway.apply(try fixture.configuration)
            try await before.say("EHLO c")
            #expect(try await before.say("MAIL FROM:<>").first?.prefix(3) == "250")
            let after = try await Peer.connect(to: fixture.address)
            _ = try await after.reply()
            try await after.say("EHLO c")
            #expect(try await after.say("MAIL FROM:<>").first?.prefix(3) == "530")
        }
    }

    @Test func `two listeners swap their ports without a moment of silence`() async throws {
        var fixture = Fixture(certificate: try await .make("one.example"))
        fixture.certificates["two"] = try await .make("two.example")
        var other = try #require(fixture.listeners["public"])
        other.certificate = "two"
        other.port = 2526
        fixture.listeners["private"] = other
        try await withGateway(fixture) { gateway in
            let open = try await Peer.connect(to: fixture.address)
            _ = try await open.reply()
            fixture.listeners["public"]?.port = 2526
            fixture.listeners["private"]?.port = 2525
            try await gateway.apply(try fixture.configuration)
            #expect(try await open.say("NOOP") == ["250 2.0.0 Ok"])
            for (port, name) in [(2525, "two"), (2526, "mail")] {
                let peer = try await Peer.connect(to: fixture.address, port: port)
                #expect(try await peer.secure() == fixture.certificates[name]?.fingerprint)
            }
        }
    }

    @Test func `mail and HTTPS may take over each other's port`() async throws {
        var fixture = Fixture(certificate: try await .make("mx1.example.com"))
        fixture.https = HTTPSService(port: 8443, certificate: "mail")
        try await withGateway(fixture) { gateway in
            fixture.listeners["public"]?.port = 8443
            fixture.https?.port = 2525
            try await gateway.apply(try fixture.configuration)
            #expect(try await Peer.connect(to: fixture.address, port: 8443).reply().first?.hasPrefix("220") == true)
            #expect(try await Peer.connect(to: fixture.address, port: 2525).handshake() == fixture.certificates["mail"]?.fingerprint)
        }
    }

    @Test func `a listener that moves or goes lets its sessions finish`() async throws {
        var fixture = Fixture()
        try await withGateway(fixture) { gateway in
            let peer = try await Peer.connect(to: fixture.address)
            _ = try await peer.reply()
            fixture.listeners["public"]?.port = 2526
            try await gateway.apply(try fixture.configuration)
            #expect(await Peer.isNobody(to: fixture.address))
            let moved = try await Peer.connect(to: fixture.address, port: 2526)
            _ = try await moved.reply()
            fixture.listeners = [:]
            try await gateway.apply(try fixture.configuration)
            #expect(await Peer.isNobody(to: fixture.address, port: 2526))
            #expect(try await peer.say("NOOP") == ["250 2.0.0 Ok"])
            #expect(try await moved.say("QUIT") == ["221 2.0.0 Bye"])
        }
    }

    @Test func `a listener whose interface is missing is not opened`() async throws {
        var fixture = Fixture()
        fixture.listeners["public"]?.interface = "data2"
        try await withGateway(fixture) { _ in
            #expect(await Peer.isNobody(to: fixture.address))
        }
    }

    @Test func `a port that is taken refuses the whole configuration and keeps the one before`() async throws {
        let certificate = try await TestCertificate.make("mx1.example.com")
        var fixture = Fixture(certificate: certificate)
        let squatter = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .bind(host: fixture.address, port: 2600).get()
        try await withGateway(fixture) { gateway in
            fixture.certificates["mail"] = try await .make("other.example")
            var listener = try #require(fixture.listeners["public"])
            listener.port = 2600
            fixture.listeners["b-taken"] = listener
            listener.port = 2599
            fixture.listeners["a-free"] = listener
            let refusal = await #expect(throws: Refusal(.unavailable, "")) { try await gateway.apply(try fixture.configuration) }
            #expect(refusal?.details.count == 1)
            #expect(refusal?.details.first?.hasPrefix("listener/b-taken at \(fixture.address):2600: the port is in use") == true)
            #expect(await Peer.isNobody(to: fixture.address, port: 2599))
            let peer = try await Peer.connect(to: fixture.address)
            #expect(try await peer.secure() == certificate.fingerprint)
            try await squatter.close()
            // Until no process that another test is starting holds a copy of that socket any more.
            while (try? await Peer.connect(to: fixture.address, port: 2600)) != nil {}
            try await gateway.apply(try fixture.configuration)
            for port in [2525, 2599, 2600] {
                let peer = try await Peer.connect(to: fixture.address, port: port)
                #expect(try await peer.secure() == fixture.certificates["mail"]?.fingerprint)
            }
        }
    }

    @Test func `an address that the machine lacks is named`() async throws {
        var fixture = Fixture()
        fixture.address = "192.0.2.77"
        let gateway = EmbeddedGateway(group: MultiThreadedEventLoopGroup.singleton, logger: quiet)
        let refusal = await #expect(throws: Refusal(.unavailable, "")) { try await gateway.apply(try fixture.configuration) }
        #expect(refusal?.details == ["listener/public at 192.0.2.77:2525: this machine does not have the address 192.0.2.77"])
        await gateway.stop()
    }

    @Test func `every service that cannot be is named with its reason, and the one before goes on`() async throws {
        let good = try await TestCertificate.make("mx1.example.com")
        let other = try await TestCertificate.make("other.example")
        let fixture = Fixture(certificate: good)
        try await withGateway(fixture) { gateway in
            var broken = fixture
            broken.certificates = [
                "mismatched": TestCertificate(chain: good.chain, key: other.key),
                "garbled": TestCertificate(chain: "nothing", key: good.key),
                "keyless": TestCertificate(chain: good.chain, key: "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"),
            ]
            var listener = try #require(fixture.listeners["public"])
            broken.listeners = [:]
            for (index, name) in ["garbled", "keyless", "mismatched", "missing"].enumerated() {
                listener.certificate = name
                listener.port = 2530 + index
                broken.listeners[name] = listener
            }
            listener.certificate = nil
            listener.defaultPolicy = "unheard-of"
            broken.listeners["policy"] = listener
            let refusal = await #expect(throws: Refusal(.invalid, "")) { try await gateway.apply(try broken.configuration) }
            #expect(
                refusal?.details == [
                    "listener/garbled: certificate \"garbled\": the certificate chain is not readable PEM text",
                    "listener/keyless: certificate \"keyless\": the private key is not readable PEM text without a passphrase",
                    "listener/mismatched: certificate \"mismatched\": the private key does not belong to the certificate",
                    "listener/missing: there is no certificate \"missing\"",
                    "listener/policy: there is no mail flow policy \"unheard-of\"",
                    "listener/policy: listener/missing has \(fixture.address):2533 already; give one of them another port",
                ])
            let peer = try await Peer.connect(to: fixture.address)
            #expect(try await peer.secure() == good.fingerprint)
        }
    }

    @Test func `material that did not come is named`() async throws {
        let certificate = try await TestCertificate.make("mx1.example.com")
        var configuration = try Fixture(certificate: certificate).configuration
        configuration.keys = [:]
        let incomplete = configuration
        let gateway = EmbeddedGateway(group: MultiThreadedEventLoopGroup.singleton, logger: quiet)
        let refusal = await #expect(throws: Refusal(.invalid, "")) { try await gateway.apply(incomplete) }
        #expect(refusal?.details == ["listener/public: the private key of certificate \"mail\" did not come with the configuration"])
        await gateway.stop()
    }
}
