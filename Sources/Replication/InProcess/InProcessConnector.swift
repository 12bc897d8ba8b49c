package import ClusterModel
import Synchronization

/// Connects members to a manager's port in the same process: the link promise without sockets or certificates.
///
/// For tests of whole clusters. The port is called on the threads of those who send; for one connection one call at a
/// time, in order.
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
        let connection = InProcessConnection(id: id, port: port, events: continuation)
        connection.open(peer)
        return (InProcessConnection.MemberEnd(connection: connection), events)
    }
}

/// An open connection: what is on its way to the port waits in a queue that one caller at a time empties.
private final class InProcessConnection: Sendable {
    private let id: ConnectionID
    private let port: any MemberPort
    private let events: AsyncStream<MemberLinkEvent>.Continuation
    private let state = Mutex(State())

    private struct State {
        var queue: [Delivery] = []
        var isDelivering = false
        var isClosed = false
    }

    private enum Delivery: Sendable {
        case opened(Peer)
        case received(MemberMessage)
        case closed
    }

    init(id: ConnectionID, port: any MemberPort, events: AsyncStream<MemberLinkEvent>.Continuation) {
        self.id = id
        self.port = port
        self.events = events
    }

    func open(_ peer: Peer) {
        enqueue { $0.queue.append(.opened(peer)) }
    }

    func close(reason: String) {
        enqueue { state in
            guard !state.isClosed else { return }
            state.isClosed = true
            state.queue.append(.closed)
            events.yield(.closed(reason: reason))
            events.finish()
        }
    }

    /// Changes the queue, and empties it unless somebody is at it already: the port may send and close from within a call.
    private func enqueue(_ change: (inout State) -> Void) {
        let isMine = state.withLock { state in
            change(&state)
            defer { state.isDelivering = true }
            return !state.isDelivering
        }
        guard isMine else { return }
        while let delivery = nextDelivery() {
            switch delivery {
            case .opened(let peer): port.opened(id, peer: peer, link: ManagerEnd(connection: self))
            case .received(let message): port.received(message, on: id)
            case .closed: port.closed(id)
            }
        }
    }

    private func nextDelivery() -> Delivery? {
        state.withLock { state in
            guard state.queue.isEmpty else { return state.queue.removeFirst() }
            state.isDelivering = false
            return nil
        }
    }

    /// What the member holds.
    final class MemberEnd: Link {
        private let connection: InProcessConnection

        init(connection: InProcessConnection) { self.connection = connection }

        func send(_ message: MemberMessage) {
            connection.enqueue { state in
                if !state.isClosed { state.queue.append(.received(message)) }
            }
        }

        func close() { connection.close(reason: "closed") }
    }

    /// What the manager holds.
    final class ManagerEnd: Link {
        private let connection: InProcessConnection

        init(connection: InProcessConnection) { self.connection = connection }

        func send(_ message: ManagerMessage) {
            connection.state.withLock { state in
                if !state.isClosed { _ = connection.events.yield(.received(message)) }
            }
        }

        func close() { connection.close(reason: "closed by the manager") }
    }
}
