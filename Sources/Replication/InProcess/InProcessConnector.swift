package import ClusterModel
import Synchronization

/// Connects members to a manager's port in the same process: the link promise without sockets or certificates.
///
/// For tests of whole clusters. For one connection the port is called in order, never on the thread of those who send.
package final class InProcessConnector: ManagerConnector {
    private let port: any MemberPort
    private let membership: @Sendable (MemberIdentity) -> MembershipID?
    private static let connections = Atomic<UInt64>(0)

    /// A connector to this port; `membership` says who has an identity, nil for one that is not of this cluster.
    package init(port: any MemberPort, membership: @escaping @Sendable (MemberIdentity) -> MembershipID?) {
        self.port = port
        self.membership = membership
    }

    package func connect(to manager: String, as identity: MemberIdentity?, trusting trust: ManagerTrust) async throws(Refusal)
        -> (link: any Link<MemberMessage>, events: AsyncStream<MemberLinkEvent>)
    {
        var peer = Peer.stranger
        if let identity {
            guard let member = membership(identity) else {
                throw Refusal(.forbidden, "The manager \(manager) does not know this identity.")
            }
            peer = .member(member)
        }
        let id = ConnectionID(rawValue: Self.connections.add(1, ordering: .relaxed).newValue)
        let (events, continuation) = AsyncStream.makeStream(of: MemberLinkEvent.self)
        let connection = InProcessConnection(id: id, peer: peer, port: port, events: continuation)
        return (InProcessConnection.MemberEnd(connection: connection), events)
    }
}

/// An open connection: what is on its way to the port waits in a queue that a task of its own empties, as a transport's thread would.
private final class InProcessConnection: Sendable {
    private let events: AsyncStream<MemberLinkEvent>.Continuation
    private let deliveries: AsyncStream<Delivery>.Continuation
    private let isClosed = Mutex(false)

    private enum Delivery: Sendable {
        case received(MemberMessage)
        case closed
    }

    init(id: ConnectionID, peer: Peer, port: any MemberPort, events: AsyncStream<MemberLinkEvent>.Continuation) {
        let (stream, deliveries) = AsyncStream.makeStream(of: Delivery.self)
        self.events = events
        self.deliveries = deliveries
        // Ends with the connection: `closed` is the last delivery.
        Task(name: "in-process connection \(id.rawValue)") {
            port.opened(id, peer: peer, link: ManagerEnd(connection: self))
            for await delivery in stream {
                switch delivery {
                case .received(let message): port.received(message, on: id)
                case .closed: port.closed(id)
                }
            }
        }
    }

    func close(reason: String) {
        isClosed.withLock { isClosed in
            guard !isClosed else { return }
            isClosed = true
            deliveries.yield(.closed)
            deliveries.finish()
            events.yield(.closed(reason: reason))
            events.finish()
        }
    }

    /// What the member holds.
    final class MemberEnd: Link {
        private let connection: InProcessConnection

        init(connection: InProcessConnection) { self.connection = connection }

        func send(_ message: MemberMessage) { connection.deliveries.yield(.received(message)) }

        func close() { connection.close(reason: "closed") }
    }

    /// What the manager holds.
    final class ManagerEnd: Link {
        private let connection: InProcessConnection

        init(connection: InProcessConnection) { self.connection = connection }

        func send(_ message: ManagerMessage) { connection.events.yield(.received(message)) }

        func close() { connection.close(reason: "closed by the manager") }
    }
}
