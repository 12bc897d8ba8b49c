import Certificates
import ClusterModel
import Logging
import NIOCore
import NIOPosix
import Replication
import ReplicationTransport
import Synchronization
import Testing

/// A cluster with an authority, and identities as the test needs them.
struct TestCluster: Sendable {
    static let id = "0123456789abcdef0123456789abcdef"
    static let start = Timestamp(seconds: 1_790_000_000)
    static let membership = MembershipID(rawValue: "m-1")

    let authority: ClusterAuthority
    let clock = TestClock(TestCluster.start)

    init(id: String = TestCluster.id) throws {
        authority = try ClusterAuthority.create(clusterID: id, clusterName: "Example mail", now: TestCluster.start)
    }

    var trust: ManagerTrust { .authorities(pem: authority.certificatePEM, clusterID: authority.clusterID) }

    func issue(_ identity: Identity, days: Int = 30) throws -> (certificate: String, key: String) {
        let key = try PrivateKey.generate(.ecdsaP256)
        return (try authority.issue(identity, for: key, lifetimeDays: days, now: TestCluster.start).pem, key.pem)
    }

    func member(_ membership: MembershipID = TestCluster.membership, days: Int = 30) throws -> MemberIdentity {
        let issued = try issue(.machine(membership), days: days)
        return MemberIdentity(certificate: issued.certificate, key: issued.key)
    }

    func manager(_ identity: Identity = .manager("manager-1")) throws -> ManagerIdentity {
        let issued = try issue(identity)
        return ManagerIdentity(certificate: issued.certificate, key: issued.key)
    }

    func connector(_ terms: TransportTerms = TransportTerms()) -> TLSManagerConnector {
        TLSManagerConnector(group: MultiThreadedEventLoopGroup.singleton, terms: terms, now: clock.now)
    }

    /// A member connects, the port hears of it as the next, and it goes.
    @discardableResult
    func visit(_ address: String, _ heard: inout PortEvents, as identity: MemberIdentity? = nil) async throws -> ConnectionID {
        let (link, events) = try await connector().connect(to: address, as: identity ?? member(), trusting: trust)
        let (connection, peer, _) = try await heard.opened()
        #expect(peer == .member(TestCluster.membership))
        link.close()
        #expect(try await heard.closed() == connection)
        // Letting go of it before would have closed the connection.
        withExtendedLifetime(events) {}
        return connection
    }

    /// Runs a member port of the cluster while the body runs.
    func withPort<Result>(
        _ delegate: any MemberPort, identity: ManagerIdentity? = nil, terms: TransportTerms = TransportTerms(),
        _ body: (MemberPortServer, _ address: String) async throws -> Result
    ) async throws -> Result {
        let server = try MemberPortServer(
            host: "127.0.0.1", port: 0, identity: identity ?? manager(), authorities: authority.certificatePEM,
            clusterID: authority.clusterID, delegate: delegate, group: MultiThreadedEventLoopGroup.singleton, terms: terms,
            now: clock.now, logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
        let port = try await server.start()
        do {
            let result = try await body(server, "127.0.0.1:\(port)")
            await server.stop()
            return result
        } catch {
            await server.stop()
            throw error
        }
    }
}

/// A wall clock that the test sets.
final class TestClock: Sendable {
    private let time: Mutex<Timestamp>

    init(_ start: Timestamp) { time = Mutex(start) }

    var now: WallClock { { self.time.withLock(\.self) } }
    func set(_ moment: Timestamp) { time.withLock { $0 = moment } }
}

/// A member port that writes down what it hears, and does what the test says on hearing it.
final class RecordingPort: MemberPort {
    enum Event: Sendable {
        case opened(ConnectionID, Peer, any Link<ManagerMessage>)
        case received(MemberMessage, ConnectionID)
        case closed(ConnectionID)
        case turnedAway(MembershipID, String)
    }

    let events: AsyncStream<Event>
    private let continuation: AsyncStream<Event>.Continuation
    private let onOpened: @Sendable (Peer, any Link<ManagerMessage>) -> Void

    init(onOpened: @escaping @Sendable (Peer, any Link<ManagerMessage>) -> Void = { _, _ in }) {
        (events, continuation) = AsyncStream.makeStream(of: Event.self)
        self.onOpened = onOpened
    }

    func opened(_ connection: ConnectionID, peer: Peer, link: any Link<ManagerMessage>) {
        continuation.yield(.opened(connection, peer, link))
        onOpened(peer, link)
    }

    func received(_ message: MemberMessage, on connection: ConnectionID) { continuation.yield(.received(message, connection)) }
    func closed(_ connection: ConnectionID) { continuation.yield(.closed(connection)) }

    func turnedAway(_ membership: MembershipID, because reason: String) { continuation.yield(.turnedAway(membership, reason)) }
}

/// Reads the events of one port in their order.
struct PortEvents {
    private var iterator: AsyncStream<RecordingPort.Event>.AsyncIterator

    init(_ port: RecordingPort) { iterator = port.events.makeAsyncIterator() }

    mutating func next() async throws -> RecordingPort.Event {
        let event = await iterator.next(isolation: #isolation)
        return try #require(event)
    }

    mutating func opened() async throws -> (connection: ConnectionID, peer: Peer, link: any Link<ManagerMessage>) {
        let event = try await next()
        guard case .opened(let connection, let peer, let link) = event else { throw Unexpected(event: "\(event)") }
        return (connection, peer, link)
    }

    mutating func received() async throws -> MemberMessage {
        let event = try await next()
        guard case .received(let message, _) = event else { throw Unexpected(event: "\(event)") }
        return message
    }

    mutating func closed() async throws -> ConnectionID {
        let event = try await next()
        guard case .closed(let connection) = event else { throw Unexpected(event: "\(event)") }
        return connection
    }
}

struct Unexpected: Error {
    var event: String
}

/// Reads the events of one member's connection in their order.
struct LinkEvents {
    private var iterator: AsyncStream<MemberLinkEvent>.AsyncIterator

    init(_ events: AsyncStream<MemberLinkEvent>) { iterator = events.makeAsyncIterator() }

    mutating func next() async -> MemberLinkEvent? { await iterator.next(isolation: #isolation) }

    mutating func received() async throws -> ManagerMessage {
        let event = await next()
        guard case .received(let message) = event else { throw Unexpected(event: "\(String(describing: event))") }
        return message
    }

    /// The reason of the close, which must be the last that is heard.
    mutating func closed() async throws -> String {
        let event = await next()
        guard case .closed(let reason) = event else { throw Unexpected(event: "\(String(describing: event))") }
        let more = await next()
        #expect(more == nil)
        return reason
    }

    mutating func refused() async throws -> Refusal {
        let message = try await received()
        guard case .refused(let code, let reason) = message else { throw Unexpected(event: "\(message)") }
        return Refusal(code, reason)
    }
}
