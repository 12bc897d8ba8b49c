import ClusterModel
import Synchronization

/// What administrators asked for and were answered, and what was found to be wrong; for every loop of a test.
final class Chronicle: Sendable {
    struct Change: Sendable {
        var comment: String
        /// Of the certificate that every machine has to serve.
        var fingerprint: String
        /// The revision that the answer named.
        var revision: Int64?

        var isAnswered: Bool { revision != nil }
    }

    private struct State {
        var changes: [Change] = []
        var findings: [String] = []
        var tally = Tally()
    }

    private let state = Mutex(State())
    private let start = ContinuousClock.now

    /// Before anything is sent: from here on it may become a target.
    func attempt(_ change: Change) { state.withLock { $0.changes.append(change) } }

    /// The commit was answered: from here on it must be in the log.
    func answered(_ comment: String, as revision: Int64) {
        state.withLock { state in
            for index in state.changes.indices where state.changes[index].comment == comment { state.changes[index].revision = revision }
        }
    }

    var changes: [Change] { state.withLock { $0.changes } }

    /// The place of a certificate among those that were meant, by age; nil for one that never was.
    func age(of fingerprint: String) -> Int? { changes.lastIndex { $0.fingerprint == fingerprint } }

    /// The newest change that was answered.
    var newestAnswered: Int? { changes.lastIndex(where: \.isAnswered) }

    func found(_ text: String) {
        note("FOUND: \(text)")
        state.withLock { $0.findings.append(text) }
    }

    var findings: [String] { state.withLock { $0.findings } }

    func count(_ event: String) { state.withLock { $0.tally.count(event) } }

    var tally: Tally { state.withLock { $0.tally } }

    private let story = Mutex<[String]>([])

    /// One line of the story.
    func note(_ text: String) {
        let seconds = (ContinuousClock.now - start).components.seconds
        story.withLock { $0.append("\(seconds) s: \(text)") }
    }

    /// The end of the story, for whoever reads a failure.
    var lines: [String] { story.withLock { $0 } }
}
