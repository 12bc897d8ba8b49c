import ClusterModel
import NIOCore
import NIOSSL
import Replication
import ReplicationTransport
import Testing

/// Bytes that no member sends.
@Suite(.timeLimit(.minutes(2))) struct HostileBytesTests {
    private let cluster: TestCluster

    init() throws { cluster = try TestCluster() }

    /// A generator whose bytes are the same in every run.
    private struct Fixed: RandomNumberGenerator {
        var state: UInt64

        mutating func next() -> UInt64 {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return state ^ (state >> 29)
        }
    }

    private static func noise(_ seed: UInt64, _ count: Int) -> [UInt8] {
        var generator = Fixed(state: seed)
        return (0..<count).map { _ in UInt8.random(in: .min ... .max, using: &generator) }
    }

    /// The port still takes members.
    private func expectAlive(_ address: String) async throws {
        _ = try await cluster.connector().connect(to: address, as: cluster.member(), trusting: cluster.trust)
    }

    @Test func `TLS 1.2 is not spoken`() async throws {
        try await cluster.withPort(RecordingPort()) { _, address in
            let peer = try await RawPeer(address, tls: RawPeer.tls(cluster.member(), version: .tlsv12))
            #expect(try await peer.bytes().isEmpty)
            try await expectAlive(address)
        }
    }

    @Test(arguments: [[], ["h2"]] as [[String]])
    func `another protocol is refused as another version`(_ protocols: [String]) async throws {
        try await cluster.withPort(RecordingPort()) { _, address in
            let peer = try await RawPeer(address, tls: RawPeer.tls(cluster.member(), protocols: protocols))
            #expect(try await peer.refusals() == [.version])
        }
    }

    @Test(arguments: [1, 2, 3, 4, 5] as [UInt64])
    func `noise instead of TLS ends the connection`(_ seed: UInt64) async throws {
        try await cluster.withPort(RecordingPort()) { _, address in
            let peer = try await RawPeer(address, tls: nil)
            peer.send(Self.noise(seed, 1000))
            _ = try await peer.bytes()
            try await expectAlive(address)
        }
    }

    @Test(arguments: [1, 2, 3, 4, 5, 6, 7, 8] as [UInt64])
    func `noise within a frame is refused`(_ seed: UInt64) async throws {
        let port = RecordingPort()
        try await cluster.withPort(port) { _, address in
            let peer = try await RawPeer(address, tls: RawPeer.tls(cluster.member()))
            peer.send(frame: Self.noise(seed, 1000))
            let refusals = try await peer.refusals()
            #expect(refusals == [.invalid] || refusals == [.version])
        }
    }

    @Test func `a frame of a later version is answered, and the port lives on`() async throws {
        let port = RecordingPort()
        try await cluster.withPort(port) { _, address in
            for frame in MalformedFrameTests.future {
                let peer = try await RawPeer(address, tls: RawPeer.tls(cluster.member()))
                peer.send(frame: frame)
                #expect(try await peer.refusals() == [.version])
            }
            try await expectAlive(address)
        }
    }

    @Test func `a stream that ends anywhere is heard up to its last whole frame`() async throws {
        let frame = try WireCodec.encode(
            .hello(Hello(knowledge: AgentKnowledge(agent: "a", sections: [:]), clock: Samples.time, running: nil)))
        let stream = [0, 0, 0, UInt8(frame.count)] + frame
        let port = RecordingPort()
        try await cluster.withPort(port) { _, address in
            var heard = PortEvents(port)
            let tls = try RawPeer.tls(cluster.member())
            for count in 1..<2 * stream.count {
                let peer = try await RawPeer(address, tls: tls)
                let (connection, _, _) = try await heard.opened()
                peer.send(Array((stream + stream).prefix(count)))
                peer.close()
                if count >= stream.count { #expect(try await heard.received() != .ping) }
                #expect(try await heard.closed() == connection, "after \(count) bytes")
            }
        }
    }

    @Test func `a peer that opens and says nothing is closed in time`() async throws {
        var terms = TransportTerms()
        terms.hello = .seconds(2)
        let port = RecordingPort()
        try await cluster.withPort(port, terms: terms) { server, address in
            let tls = try RawPeer.tls(cluster.member())
            let silent = try await RawPeer(address, tls: nil)
            let half = try await RawPeer(address, tls: nil)
            half.send([0x16, 3, 1, 2, 0, 1])
            let shaken = try await RawPeer(address, tls: tls)
            #expect(try await silent.bytes().isEmpty)
            #expect(try await half.bytes().isEmpty)
            #expect(try await shaken.refusals() == [.unavailable])
        }
    }

    @Test func `connections beyond the limit are turned away before TLS`() async throws {
        var terms = TransportTerms()
        terms.handshakes = 1
        try await cluster.withPort(RecordingPort(), terms: terms) { _, address in
            // Whichever is met first has the one place: each connection is on a thread of its own.
            let peers = [try await RawPeer(address, tls: nil), try await RawPeer(address, tls: nil)]
            try await withThrowingTaskGroup(of: [UInt8].self) { ends in
                for peer in peers { ends.addTask { try await peer.bytes() } }
                let turnedAway = try await ends.next()
                #expect(turnedAway?.isEmpty == true)
                await #expect(throws: Refusal(.unavailable, "")) { try await expectAlive(address) }
                for peer in peers { peer.close() }
            }
        }
    }
}
