import ClusterModel
import Replication
import Synchronization

/// A member port that answers joins, and leaves everything else to the test.
final class TalkingPort: MemberPort {
    struct Event: Sendable {
        var message: MemberMessage
        var link: any Link<ManagerMessage>
    }

    private struct Inner {
        var links: [ConnectionID: any Link<ManagerMessage>] = [:]
        var messages: [MemberMessage] = []
        var answer: (@Sendable (JoinRequest) throws -> JoinAnswer)?
    }

    /// What members say, but for joins and pings.
    let events: AsyncStream<Event>
    private let continuation: AsyncStream<Event>.Continuation
    private let inner = Mutex(Inner())

    init() { (events, continuation) = AsyncStream.makeStream() }

    func onJoin(_ answer: @escaping @Sendable (JoinRequest) throws -> JoinAnswer) { inner.withLock { $0.answer = answer } }

    /// Everything that was said so far.
    func messages() -> [MemberMessage] { inner.withLock(\.messages) }

    func opened(_ connection: ConnectionID, peer: Peer, link: any Link<ManagerMessage>) {
        inner.withLock { $0.links[connection] = link }
    }

    func received(_ message: MemberMessage, on connection: ConnectionID) {
        let (link, answer) = inner.withLock { inner in
            inner.messages.append(message)
            return (inner.links[connection], inner.answer)
        }
        guard let link else { return }
        switch message {
        case .ping: break
        case .join(let request):
            // A request that cannot be answered is closed, which fails the test.
            if let joined = try? answer?(request) { link.send(.joined(joined)) }
            link.close()
        case .hello, .receipt, .localEdits, .inventory, .papers, .renewal, .pong: continuation.yield(Event(message: message, link: link))
        }
    }

    func closed(_ connection: ConnectionID) { inner.withLock { $0.links[connection] = nil } }
}
