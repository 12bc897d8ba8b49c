package import ClusterLog
package import ClusterModel

/// Keeps the changes that were refused: who, when, what and why (mission B8).
///
/// Written at most once a second, however many there are: strangers can ask for as many as they like. What came since is written with the
/// next, when somebody reads, or when the fleet's service looks after it.
package actor RefusalDesk {
    private let kept: KeptBook<RefusedBook>
    private let now: WallClock
    private var waiting: [RefusedAttempt] = []
    private var lastWritten: Int64?

    package init(log: any ClusterLog, now: @escaping WallClock) {
        kept = KeptBook(log: log, key: "refused", name: "refused attempts", empty: RefusedBook())
        self.now = now
    }

    /// Takes one in. It is never in the way of the refusal itself.
    package func note(_ refusal: Refusal, _ what: String, by who: String) async {
        let time = now()
        waiting.append(RefusedAttempt(time: time, who: who, what: what, code: refusal.code, reason: refusal.reason))
        waiting.removeFirst(max(0, waiting.count - Limits.refusedAttempts))
        if time.seconds != lastWritten { await flush() }
    }

    /// Writes what waits; what cannot be written waits on.
    package func flush() async {
        guard !waiting.isEmpty else { return }
        let taken = waiting
        waiting = []
        do throws(Refusal) {
            try await kept.change { book throws(Refusal) in for attempt in taken { book.take(attempt) } }
            lastWritten = now().seconds
        } catch {
            waiting = Array((taken + waiting).suffix(Limits.refusedAttempts))
        }
    }

    /// The newest last.
    package func attempts() async throws(Refusal) -> [RefusedAttempt] {
        await flush()
        return try await kept.book().attempts
    }
}
