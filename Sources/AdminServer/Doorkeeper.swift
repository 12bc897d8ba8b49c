import NIOCore
import Synchronization

/// Counts the connections of the admin port. Whoever shows no valid token has to make room for others who come.
final class Doorkeeper: Sendable {
    private struct State {
        var next = 0
        /// In the order in which they came, since numbers only grow.
        var strangers: [Int: any Channel] = [:]
        var oldest = 0
        var callers: Set<Int> = []
    }

    private let terms: AdminTerms
    private let state = Mutex(State())

    init(_ terms: AdminTerms) {
        self.terms = terms
    }

    /// A connection was accepted; answers its number. The stranger that has been there for longest leaves if there are too many.
    func enter(_ channel: any Channel) -> Int {
        let (number, displaced) = state.withLock { state -> (Int, (any Channel)?) in
            state.next += 1
            state.strangers[state.next] = channel
            guard state.strangers.count > terms.strangers else { return (state.next, nil) }
            while state.strangers[state.oldest] == nil { state.oldest += 1 }
            return (state.next, state.strangers.removeValue(forKey: state.oldest))
        }
        displaced?.pipeline.fireUserInboundEventTriggered(VisitEvent.displaced)
        return number
    }

    /// A connection has shown a valid token. False when there are too many of them.
    func recognize(_ number: Int) -> Bool {
        state.withLock { state in
            guard state.callers.count < terms.callers else { return false }
            // Nil: it had to make room just now, and is about to hear of it.
            guard state.strangers.removeValue(forKey: number) != nil else { return true }
            state.callers.insert(number)
            return true
        }
    }

    /// A connection is gone.
    func leave(_ number: Int) {
        state.withLock { state in
            state.strangers[number] = nil
            state.callers.remove(number)
        }
    }
}

/// What a connection is told from elsewhere.
enum VisitEvent: Sendable {
    /// Too many came after it.
    case displaced
    /// A request on it had a valid token.
    case recognized
}
