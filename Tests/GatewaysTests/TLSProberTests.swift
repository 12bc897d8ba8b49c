import ClusterModel
import Gateways
import NIOCore
import NIOPosix
import NIOSSL
import SMTPFixtures
import Testing

@Suite(.timeLimit(.minutes(1))) struct TLSProberTests {
    private let prober = TLSProber(group: MultiThreadedEventLoopGroup.singleton)

    @Test func `a proof says for each service, in order, what it was seen to serve`() async throws {
        var fixture = Fixture(certificate: try await .make("mx1.example.com"))
        fixture.certificates["web"] = try await .make("www.example.com")
        fixture.https = HTTPSService(port: 8443, certificate: "web")
        for index in 0..<Limits.parallelProbes + 3 {
            var listener = try #require(fixture.listeners["public"])
            listener.port = 3000 + index
            if index == 1 { listener.defaultPolicy = nil }
            fixture.listeners["more\(index)"] = listener
        }
        let intended = try fixture.configuration.settings.intendedServices()
        try await withGateway(fixture) { _ in
            let proofs = await prober.prove(intended)
            #expect(proofs.map(\.service) == intended.map(\.service))
            for (proof, service) in zip(proofs, intended) {
                if service.service == "listener/more1" {
                    #expect(proof.served == nil && proof.unprovable?.contains("offers no TLS") == true)
                } else {
                    #expect(proof.served == service.fingerprint && proof.unprovable == nil)
                }
            }
        }
        #expect(await prober.prove(intended).allSatisfy { $0.served == nil })
    }

    @Test(arguments: [false, true])
    func `a client that asks for a name gets the certificate for it, all others get the listener's`(_ asksForCertificate: Bool) async throws
    {
        var policy = MailFlowPolicySetting(tls: .preferred)
        policy.verifyClientCertificate = asksForCertificate
        var fixture = Fixture(policy, certificate: try await .make("mx1.example.com"))
        fixture.certificates["brand"] = try await .make("mx.brand.example")
        fixture.listeners["public"]?.serverNames = [ServerName(name: "mx.brand.example", certificate: "brand")]
        let intended = try fixture.configuration.settings.intendedServices()
        let other = IntendedService(
            service: "other", certificate: "mail", fingerprint: intended[0].fingerprint,
            probe: .startTLS(address: fixture.address, port: 2525, serverName: "other.example"))
        try await withGateway(fixture) { gateway in
            let proofs = await prober.prove(intended + [other])
            #expect(proofs.map(\.served) == (intended + [other]).map(\.fingerprint))
            #expect(proofs[0].served != proofs[1].served)
            let configuration = try fixture.configuration
            #expect(await gateway.observe(configuration).compactMap(\.objection) == [])
        }
    }

    @Test func `the policy it meets is the one for the listener's own address`() async throws {
        var fixture = Fixture(certificate: try await .make("mx1.example.com"))
        fixture.listeners["public"]?.defaultPolicy = nil
        fixture.listeners["public"]?.senderGroups = [SenderGroup(name: "SELF", senders: [fixture.address], policy: "all")]
        try await withGateway(fixture) { _ in
            let intended = try fixture.configuration.settings.intendedServices()
            #expect(await prober.prove(intended).first?.served == intended.first?.fingerprint)
        }
    }

    @Test func `a server that demands a client certificate has proved its own by then`() async throws {
        let certificate = try await TestCertificate.make("mx1.example.com")
        let address = Fixture.randomAddress()
        var configuration = TLSConfiguration.makeServerConfiguration(
            certificateChain: [.certificate(try certificate.certificate)],
            privateKey: .privateKey(try NIOSSLPrivateKey(bytes: Array(certificate.key.utf8), format: .pem)))
        configuration.certificateVerification = .noHostnameVerification
        let context = try NIOSSLContext(configuration: configuration)
        let server = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton).childChannelInitializer { channel in
            channel.eventLoop.makeCompletedFuture {
                try channel.pipeline.syncOperations.addHandler(NIOSSLServerHandler(context: context))
            }
        }.bind(host: address, port: 8443).get()
        #expect(try await prober.prove([web(at: address)]).first?.served == certificate.fingerprint)
        try await server.close()
    }

    @Test func `a server that says nothing is given up`() async throws {
        let address = Fixture.randomAddress()
        let server = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton).bind(host: address, port: 8443).get()
        let hasty = TLSProber(group: MultiThreadedEventLoopGroup.singleton, deadline: .milliseconds(50))
        let mail = IntendedService(
            service: "listener/public", certificate: "mail", fingerprint: Digest(hashing: []),
            probe: .startTLS(address: address, port: 8443))
        #expect(await hasty.prove([web(at: address), mail]).allSatisfy { $0.served == nil && $0.unprovable == nil })
        try await server.close()
    }

    private func web(at address: String) -> IntendedService {
        IntendedService(
            service: "https/data1", certificate: "web", fingerprint: Digest(hashing: []),
            probe: .tls(address: address, port: 8443, serverName: "mx1.example.com"))
    }
}

@Suite struct ProbeDialogueTests {
    @Test func `it leads through multi-line replies to the handshake`() {
        var dialogue = ProbeDialogue(name: "[127.0.0.1]")
        let heard = ["220-mx1", "220 hello", "250-mx1", "250-PIPELINING", "250-starttls", "250 SIZE", "220 go"]
        #expect(
            heard.map { dialogue.hear($0, limit: 20) }
                == [.wait, .send("EHLO [127.0.0.1]"), .wait, .wait, .wait, .send("STARTTLS"), .handshake])
    }

    @Test(arguments: [
        ["554 no"], ["220 hi", "250 mx1"], ["220 hi", "500 what"], ["220 hi", "250-a", "250 STARTTLS", "454 later"], ["?"],
    ])
    func `it gives up where there is no way to TLS`(_ heard: [String]) {
        var dialogue = ProbeDialogue(name: "[127.0.0.1]")
        #expect(heard.map { dialogue.hear($0, limit: 20) }.last == .giveUp)
    }

    @Test func `it does not listen forever`() {
        var dialogue = ProbeDialogue(name: "[127.0.0.1]")
        #expect((0..<5).map { _ in dialogue.hear("220-more", limit: 4) }.last == .giveUp)
    }
}
