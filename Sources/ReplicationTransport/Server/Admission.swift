import ClusterModel
import Synchronization

/// Counts the connections of the member port, so that strangers cannot take the places of members.
final class Admission: Sendable {
    enum Stage: Hashable, Sendable {
        case handshake
        case stranger
        case member
    }

    private let terms: TransportTerms
    private let counts = Mutex<[Stage: Int]>([:])

    init(_ terms: TransportTerms) {
        self.terms = terms
    }

    /// Whether a new connection may begin its handshake; it is counted if so.
    func admit() -> Bool {
        counts.withLock { counts in
            guard counts[.handshake, default: 0] < terms.handshakes, counts.values.reduce(0, +) < terms.connections else { return false }
            counts[.handshake, default: 0] += 1
            return true
        }
    }

    /// A handshake is over.
    func settle(_ stage: Stage) throws(Refusal) {
        let isFull = counts.withLock { counts in
            guard stage != .stranger || counts[.stranger, default: 0] < terms.strangers else { return true }
            counts[.handshake, default: 0] -= 1
            counts[stage, default: 0] += 1
            return false
        }
        if isFull { throw Refusal(.limit, "Too many machines are joining right now. Try again in a minute.") }
    }

    /// A connection is gone.
    func leave(_ stage: Stage) {
        counts.withLock { $0[stage, default: 0] -= 1 }
    }

    /// How many connections are at a stage.
    func count(_ stage: Stage) -> Int { counts.withLock { $0[stage, default: 0] } }
}
