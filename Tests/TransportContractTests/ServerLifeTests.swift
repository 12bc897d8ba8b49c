import Certificates
import ClusterModel
import FoundationEssentials
import Logging
import NIOCore
import NIOPosix
import Replication
import ReplicationTransport
import Subprocess
import Testing

@Suite(.timeLimit(.minutes(2))) struct ServerLifeTests {
    private let cluster: TestCluster

    init() throws { cluster = try TestCluster() }

    @Test func `a stop lets what is queued be written, closes, and takes nobody any more`() async throws {
        let port = RecordingPort()
        try await cluster.withPort(port) { server, address in
            var heard = PortEvents(port)
            let (_, events) = try await cluster.connector().connect(to: address, as: cluster.member(), trusting: cluster.trust)
            var stream = LinkEvents(events)
            let (connection, _, back) = try await heard.opened()
            let update = Samples.update(ofBytes: 4 << 20)
            back.send(.update(update))
            await server.stop()
            #expect(try await stream.received() == .update(update))
            _ = try await stream.closed()
            #expect(try await heard.closed() == connection)
            await #expect(throws: Refusal(.unavailable, "")) {
                try await cluster.connector().connect(to: address, as: cluster.member(), trusting: cluster.trust)
            }
            await server.stop()
            await #expect(throws: Refusal(.conflict, "")) { try await server.start() }
        }
    }

    @Test func `an address that is taken is said so`() async throws {
        try await cluster.withPort(RecordingPort()) { _, address in
            let port = try #require(Int(address.split(separator: ":")[1]))
            let second = try MemberPortServer(
                host: "127.0.0.1", port: port, identity: cluster.manager(), authorities: cluster.authority.certificatePEM,
                clusterID: TestCluster.id, delegate: RecordingPort(), group: MultiThreadedEventLoopGroup.singleton,
                now: cluster.clock.now, logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
            await #expect(throws: Refusal(.unavailable, "")) { try await second.start() }
        }
    }

    @Test func `a member that stops listening closes its connection`() async throws {
        let port = RecordingPort()
        try await cluster.withPort(port) { _, address in
            var heard = PortEvents(port)
            let connector = cluster.connector()
            let (trust, identity) = (cluster.trust, try cluster.member())
            let listening = Task {
                let (_, events) = try await connector.connect(to: address, as: identity, trusting: trust)
                for await _ in events {}
            }
            let (connection, _, _) = try await heard.opened()
            listening.cancel()
            #expect(try await heard.closed() == connection)
        }
    }

    @Test func `an attempt to connect ends when it is cancelled`() async throws {
        // It accepts and never says a word.
        let silent = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton).bind(host: "127.0.0.1", port: 0).get()
        let port = try #require(silent.localAddress?.port)
        let connector = cluster.connector()
        let trust = cluster.trust
        let attempt = Task { _ = try await connector.connect(to: "127.0.0.1:\(port)", as: nil, trusting: trust) }
        attempt.cancel()
        await #expect(throws: Refusal(.unavailable, "")) { try await attempt.value }
        try await silent.close()
    }

    /// Runs `openssl s_client` as a member until the manager closes; returns what it says of the session.
    private func session(_ arguments: [String], _ address: String) async throws -> String {
        let fixed = ["s_client", "-connect", address, "-tls1_3", "-alpn", "muster/1", "-ign_eof"]
        let result = try await run(
            .name("openssl"), arguments: .init(fixed + arguments), output: .string(limit: 1 << 20), error: .string(limit: 1 << 16))
        return result.standardOutput
    }

    @Test func `a resumed session is judged like a new one`() async throws {
        let directory = "/tmp/muster-transport-\(UUID().uuidString)"
        try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: false)
        defer { try? FileManager.default.removeItem(atPath: directory) }  // what is left in /tmp hurts nobody
        let second = MembershipID(rawValue: "m-2")
        for (name, identity) in [("1", try cluster.member(days: 1)), ("2", try cluster.member(second))] {
            try Data(identity.certificate.utf8).write(to: URL(filePath: "\(directory)/\(name).pem"))
            try Data(identity.key.utf8).write(to: URL(filePath: "\(directory)/\(name).key"))
        }
        let first = ["-cert", "\(directory)/1.pem", "-key", "\(directory)/1.key", "-sess_out", "\(directory)/session"]
        // Without the certificate: what is known of the peer then comes from the session.
        let again = ["-sess_in", "\(directory)/session"]

        let port = RecordingPort { _, link in
            link.send(.welcome(Samples.head))
            link.close()
        }
        try await cluster.withPort(port) { server, address in
            var heard = PortEvents(port)
            #expect(try await session(first, address).contains("New, TLSv1.3"))
            #expect(try await heard.opened().peer == .member(TestCluster.membership))
            _ = try await heard.closed()

            #expect(try await session(again, address).contains("Reused, TLSv1.3"))
            #expect(try await heard.opened().peer == .member(TestCluster.membership))
            _ = try await heard.closed()

            cluster.clock.set(TestCluster.start.adding(days: 2))
            #expect(try await session(again, address).contains("Reused, TLSv1.3"))
            #expect(try await heard.opened().peer == .returning(TestCluster.membership), "its certificate has expired meanwhile")
            _ = try await heard.closed()
            cluster.clock.set(TestCluster.start)
            let other = ["-cert", "\(directory)/2.pem", "-key", "\(directory)/2.key"]
            #expect(try await session(other, address).contains("New, TLSv1.3"))
            #expect(try await heard.opened().peer == .member(second))

            try server.replace(authorities: TestCluster().authority.certificatePEM)
            let foreign = try await session(again, address)
            #expect(foreign.contains("Reused, TLSv1.3") && foreign.contains("is not signed by the cluster's authority"))
        }
    }
}
