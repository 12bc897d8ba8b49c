import Certificates
import ClusterModel
import NIOCore
import NIOPosix
import NIOSSL
import Replication
import ReplicationTransport
import Testing

/// Who is let in, and as whom.
@Suite(.timeLimit(.minutes(2))) struct PeerTests {
    private let cluster: TestCluster

    init() throws { cluster = try TestCluster() }

    // MARK: - Members

    /// Connects with an identity, and returns what the manager says to it, having checked that its port heard nothing of it.
    private func refusals(of identity: MemberIdentity) async throws -> [Refusal.Code] {
        let port = RecordingPort()
        return try await cluster.withPort(port) { server, address in
            let peer = try await RawPeer(address, tls: RawPeer.tls(identity))
            let refusals = try await peer.refusals()
            // The next who comes is the first of whom the port hears.
            var heard = PortEvents(port)
            try await cluster.visit(address, &heard)
            return refusals
        }
    }

    @Test func `a certificate of a foreign authority is refused, with the reason`() async throws {
        // The same cluster id: only the key differs.
        #expect(try await refusals(of: TestCluster().member()) == [.unauthenticated])
    }

    @Test func `a member of another cluster is refused`() async throws {
        #expect(try await refusals(of: TestCluster(id: "another").member()) == [.unauthenticated])
    }

    @Test func `an expired identity is refused`() async throws {
        let identity = try cluster.member(days: 1)
        cluster.clock.set(TestCluster.start.adding(days: 2))
        let port = RecordingPort()
        try await cluster.withPort(port) { _, address in
            var heard = PortEvents(port)
            let (link, events) = try await cluster.connector().connect(to: address, as: identity, trusting: cluster.trust)
            let (_, peer, _) = try await heard.opened()
            #expect(peer == .returning(TestCluster.membership))
            link.send(.hello(Samples.hello))
            var said = LinkEvents(events)
            #expect(try await said.refused().code == .certificateExpired)
        }
    }

    @Test func `an expired identity may ask for another certificate, once`() async throws {
        let identity = try cluster.member(days: 1)
        cluster.clock.set(TestCluster.start.adding(days: 2))
        let port = RecordingPort()
        try await cluster.withPort(port) { _, address in
            var heard = PortEvents(port)
            let (link, events) = try await cluster.connector().connect(to: address, as: identity, trusting: cluster.trust)
            _ = try await heard.opened()
            link.send(.renewal(certificateRequest: [0x30, 0]))
            #expect(try await heard.received() == .renewal(certificateRequest: [0x30, 0]))
            link.send(.renewal(certificateRequest: [0x30, 0]))
            var said = LinkEvents(events)
            #expect(try await said.refused().code == .limit)
        }
    }

    @Test func `a stranger may not ask for a member's certificate`() async throws {
        let port = RecordingPort()
        try await cluster.withPort(port) { _, address in
            let (link, events) = try await cluster.connector().connect(to: address, as: nil, trusting: cluster.trust)
            link.send(.renewal(certificateRequest: [0x30, 0]))
            var said = LinkEvents(events)
            #expect(try await said.refused().code == .unauthenticated)
        }
    }

    // MARK: - Two CAs

    @Test func `while two CAs are trusted, whoever was given either or both gets in`() async throws {
        let next = try TestCluster()
        let both = cluster.authority.certificatePEM + next.authority.certificatePEM
        let port = RecordingPort()
        try await cluster.withPort(port) { server, address in
            try server.replace(authorities: both)
            var heard = PortEvents(port)
            let trusts = [cluster.trust, .authorities(pem: both, clusterID: TestCluster.id)]
            for trust in trusts {
                for identity in [try cluster.member(), try next.member()] {
                    let (link, events) = try await cluster.connector().connect(to: address, as: identity, trusting: trust)
                    #expect(try await heard.opened().peer == .member(TestCluster.membership))
                    link.close()
                    _ = try await heard.closed()
                    withExtendedLifetime(events) {}
                }
            }
            let pins = [[cluster.authority.fingerprint], [cluster.authority.fingerprint, next.authority.fingerprint]]
            for pin in pins + [[next.authority.fingerprint, cluster.authority.fingerprint]] {
                let (link, events) = try await cluster.connector().connect(
                    to: address, as: nil, trusting: .fingerprints(pin, clusterID: TestCluster.id))
                #expect(try await heard.opened().peer == .stranger)
                link.close()
                _ = try await heard.closed()
                withExtendedLifetime(events) {}
            }
        }
    }

    @Test func `once the old CA is retired, nobody gets in by it, and who knows it alone takes no manager for one`() async throws {
        let next = try TestCluster()
        let both = cluster.authority.certificatePEM + next.authority.certificatePEM
        let port = RecordingPort()
        try await cluster.withPort(port) { server, address in
            try server.replace(identity: next.manager(), authorities: next.authority.certificatePEM)
            var heard = PortEvents(port)
            try await next.visit(address, &heard)
            let (_, events) = try await cluster.connector().connect(
                to: address, as: cluster.member(), trusting: .authorities(pem: both, clusterID: TestCluster.id))
            var said = LinkEvents(events)
            #expect(try await said.refused().code == .unauthenticated)
            for trust in [cluster.trust, .fingerprints([cluster.authority.fingerprint], clusterID: TestCluster.id)] {
                let refusal = await #expect(throws: Refusal(.forbidden, "")) {
                    try await cluster.connector().connect(to: address, as: nil, trusting: trust)
                }
                #expect(refusal?.reason.contains("not a manager of this cluster") == true)
            }
        }
    }

    @Test func `a self-signed certificate is refused`() async throws {
        let own = try makeSelfSigned(SelfSignedRequest(commonName: "m-1"), now: TestCluster.start)
        #expect(try await refusals(of: MemberIdentity(certificate: own.chain.pem, key: own.key.pem)) == [.unauthenticated])
    }

    @Test func `a manager is no member`() async throws {
        let manager = try cluster.issue(.manager("manager-2"))
        #expect(try await refusals(of: MemberIdentity(certificate: manager.certificate, key: manager.key)) == [.forbidden])
    }

    @Test func `a member without its key is not let through the handshake`() async throws {
        let other = try cluster.member()
        let mixed = MemberIdentity(certificate: try cluster.member().certificate, key: other.key)
        await #expect(throws: Refusal(.unreadable, "")) {
            try await cluster.connector().connect(to: "127.0.0.1:1", as: mixed, trusting: cluster.trust)
        }
    }

    @Test func `an authority that is replaced is trusted from the next connection on`() async throws {
        let next = try TestCluster()
        let port = RecordingPort()
        try await cluster.withPort(port) { server, address in
            var heard = PortEvents(port)
            let (link, events) = try await cluster.connector().connect(to: address, as: cluster.member(), trusting: cluster.trust)
            let (first, _, back) = try await heard.opened()
            try server.replace(identity: next.manager(), authorities: next.authority.certificatePEM)
            // The open connection stays.
            back.send(.ping)
            #expect(try await heard.received() == .pong)
            #expect(try await next.visit(address, &heard) != first)
            let refused = try await RawPeer(address, tls: RawPeer.tls(cluster.member())).refusals()
            #expect(refused == [.unauthenticated])
            link.close()
            #expect(try await heard.closed() == first)
            withExtendedLifetime(events) {}
            #expect(throws: Refusal(.unreadable, "")) { try server.replace(authorities: "nonsense") }
        }
    }

    // MARK: - Other versions

    @Test func `a member of another version is told so, and so are people`() async throws {
        let port = RecordingPort()
        try await cluster.withPort(port) { _, address in
            let peer = try await RawPeer(address, tls: RawPeer.tls(cluster.member(), protocols: ["muster/2"]))
            #expect(try await peer.refusals() == [.version])
            var heard = PortEvents(port)
            guard case .turnedAway(TestCluster.membership, let reason) = try await heard.next() else {
                return _ = Issue.record("nobody was told")
            }
            #expect(reason.contains("does not speak muster/1"))
            // Of somebody without a certificate there is nothing to tell.
            #expect(try await RawPeer(address, tls: RawPeer.tls(nil, protocols: ["muster/2"])).refusals() == [.version])
            try await cluster.visit(address, &heard)
        }
    }

    @Test func `a manager of another version is no stranger, and the agent says what it is`() async throws {
        let identity = try cluster.manager()
        var tls = TLSConfiguration.makeServerConfiguration(
            certificateChain: try NIOSSLCertificate.fromPEMBytes(Array(identity.certificate.utf8)).map { .certificate($0) },
            privateKey: .privateKey(try NIOSSLPrivateKey(bytes: Array(identity.key.utf8), format: .pem)))
        tls.applicationProtocols = ["muster/2"]
        let context = try NIOSSLContext(configuration: tls)
        let server = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(NIOSSLServerHandler(context: context))
                }
            }
            .bind(host: "127.0.0.1", port: 0).get()
        let address = "127.0.0.1:\(server.localAddress?.port ?? 0)"
        let refusal = await #expect(throws: Refusal(.version, "")) { try await connect(to: address, trusting: cluster.trust) }
        #expect(refusal?.reason.contains("does not speak muster/1") == true)
        try await server.close()
    }

    // MARK: - Strangers

    @Test(arguments: [MemberMessage.hello(Samples.hello), Samples.memberMessages[2]])
    func `a stranger may say nothing but join`(_ message: MemberMessage) async throws {
        let port = RecordingPort()
        try await cluster.withPort(port) { _, address in
            var heard = PortEvents(port)
            let peer = try await RawPeer(address, tls: RawPeer.tls(nil))
            peer.send(frame: try WireCodec.encode(message))
            #expect(try await peer.refusals() == [.unauthenticated])
            let (connection, who, _) = try await heard.opened()
            #expect(who == .stranger)
            #expect(try await heard.closed() == connection)
        }
    }

    @Test func `a stranger may join once, after one preview`() async throws {
        let port = RecordingPort()
        try await cluster.withPort(port) { _, address in
            for isPreview in [[true, false, false], [true, true], [false, true], [false, false]] {
                let peer = try await RawPeer(address, tls: RawPeer.tls(nil))
                for isPreview in isPreview { peer.send(frame: try WireCodec.encode(.join(Samples.join(isPreview: isPreview)))) }
                #expect(try await peer.refusals() == [.limit])
            }
        }
    }

    @Test func `a stranger's frames are small`() async throws {
        try await cluster.withPort(RecordingPort()) { _, address in
            let stranger = try await RawPeer(address, tls: RawPeer.tls(nil))
            stranger.send([0, 4, 0, 1])
            #expect(try await stranger.refusals() == [.limit])
            let member = try await RawPeer(address, tls: RawPeer.tls(cluster.member()))
            member.send([0, 16, 0, 1])
            #expect(try await member.refusals() == [.limit])
        }
    }

    @Test func `strangers do not take the places of members`() async throws {
        var terms = TransportTerms()
        terms.strangers = 2
        let port = RecordingPort()
        try await cluster.withPort(port, terms: terms) { server, address in
            var heard = PortEvents(port)
            let tls = try RawPeer.tls(nil)
            let first = try await RawPeer(address, tls: tls)
            let connection = try await heard.opened().connection
            _ = try await RawPeer(address, tls: tls)
            _ = try await heard.opened()
            #expect(try await RawPeer(address, tls: tls).refusals() == [.limit])
            #expect(server.connections == (0, 2))
            try await cluster.visit(address, &heard)
            first.close()
            #expect(try await heard.closed() == connection)
            _ = try await RawPeer(address, tls: tls)
            #expect(try await heard.opened().peer == .stranger)
        }
    }

    // MARK: - Managers

    private func connect(to address: String, trusting trust: ManagerTrust) async throws {
        let (link, _) = try await cluster.connector().connect(to: address, as: nil, trusting: trust)
        link.close()
    }

    @Test func `a member connects to a manager of its cluster only`() async throws {
        let foreign = try TestCluster()
        let other = try TestCluster(id: "another")
        let pinned = ManagerTrust.fingerprints([cluster.authority.fingerprint], clusterID: TestCluster.id)
        try await cluster.withPort(RecordingPort()) { _, address in
            try await connect(to: address, trusting: cluster.trust)
            try await connect(to: address, trusting: pinned)
            let both = foreign.authority.certificatePEM + cluster.authority.certificatePEM
            try await connect(to: address, trusting: .authorities(pem: both, clusterID: TestCluster.id))
            let wrong: [ManagerTrust] = [
                foreign.trust, other.trust, .authorities(pem: cluster.authority.certificatePEM, clusterID: "another"),
                .fingerprints([foreign.authority.fingerprint], clusterID: TestCluster.id),
                .fingerprints([cluster.authority.fingerprint], clusterID: "another"),
            ]
            for trust in wrong {
                await #expect(throws: Refusal(.forbidden, "")) { try await connect(to: address, trusting: trust) }
            }
            cluster.clock.set(TestCluster.start.adding(days: 31))
            await #expect(throws: Refusal(.forbidden, "")) { try await connect(to: address, trusting: cluster.trust) }
        }
    }

    @Test func `a member that poses as a manager is found out`() async throws {
        try await cluster.withPort(RecordingPort(), identity: cluster.manager(.machine(TestCluster.membership))) { _, address in
            await #expect(throws: Refusal(.forbidden, "")) { try await connect(to: address, trusting: cluster.trust) }
            let pinned = ManagerTrust.fingerprints([cluster.authority.fingerprint], clusterID: TestCluster.id)
            await #expect(throws: Refusal(.forbidden, "")) { try await connect(to: address, trusting: pinned) }
        }
    }

    @Test func `a pinned authority that did not sign the manager proves nothing`() async throws {
        // A foreign manager that sends the pinned certificate along.
        let foreign = try TestCluster()
        let leaf = try foreign.issue(.manager("manager-1"))
        let end = "-----END CERTIFICATE-----\n"
        let first = try #require(leaf.certificate.split(separator: end).first) + end
        let identity = ManagerIdentity(certificate: first + cluster.authority.certificatePEM, key: leaf.key)
        try await cluster.withPort(RecordingPort(), identity: identity) { _, address in
            let pinned = ManagerTrust.fingerprints([cluster.authority.fingerprint], clusterID: TestCluster.id)
            await #expect(throws: Refusal(.forbidden, "")) { try await connect(to: address, trusting: pinned) }
        }
    }

    @Test func `nobody there, and addresses that are none`() async throws {
        let address = try await cluster.withPort(RecordingPort()) { _, address in address }
        await #expect(throws: Refusal(.unavailable, "")) { try await connect(to: address, trusting: cluster.trust) }
        for text in ["", "manager", "manager:", ":8443", "manager:0", "manager:65536", "a b:1", "::1:8443", "[127.0.0.1]:1", "[::1:1"] {
            await #expect(throws: Refusal(.invalid, "")) { try await connect(to: text, trusting: cluster.trust) }
        }
    }
}
