package import ClusterLog
package import ClusterModel

/// Keeps the alerts: one value beside the log, because what they tell of is no change of the cluster (decision 10).
///
/// Each write builds on what was read, so that a watch and an administrator, or two managers, lose nothing of each other's.
package actor AlertDesk {
    private let log: any ClusterLog
    private let now: WallClock
    /// As it was last read: what has the same version need not be parsed again.
    private var known: (book: AlertBook, version: Int)?

    private static let key = "alerts"
    private static let attempts = 20

    package init(log: any ClusterLog, now: @escaping WallClock) {
        self.log = log
        self.now = now
    }

    /// The alerts as they are stored.
    package func book() async throws(Refusal) -> AlertBook {
        try await stored().book
    }

    /// Takes in all that holds of one kind; answers what that raised and cleared, once it is on the disk.
    package func take(_ conditions: [AlertCondition], of kind: Alert.Kind) async throws(Refusal) -> AlertBook.News {
        let now = now()
        return try await change { book throws(Refusal) in book.take(conditions, of: kind, at: now) }
    }

    /// Notes who has seen alerts.
    package func acknowledge(_ ids: [String], by user: String) async throws(Refusal) -> [Alert] {
        let now = now()
        return try await change { book throws(Refusal) in try book.acknowledge(ids, by: user, at: now) }
    }

    private func change<Answer>(_ decide: (inout AlertBook) throws(Refusal) -> Answer) async throws(Refusal) -> Answer {
        for _ in 0..<AlertDesk.attempts {
            let (before, version) = try await stored()
            var book = before
            let answer = try decide(&book)
            if book == before { return answer }
            if try await store(book, expecting: version) { return answer }
        }
        throw Refusal(.conflict, "The alerts are being changed at this moment. Try again.")
    }

    private func stored() async throws(Refusal) -> (book: AlertBook, version: Int) {
        let read: (book: AlertBook, version: Int)
        do {
            if let (bytes, version) = try await log.value(AlertDesk.key) {
                if let known, known.version == version { return known }
                read = (try JSONValue(parsing: bytes).decode(AlertBook.self), version)
            } else {
                read = (AlertBook(), 0)
            }
        } catch let error as LogError {
            throw Refusal(error)
        } catch {
            throw Refusal(.unreadable, "The alerts cannot be read by this version: \(error)")
        }
        known = read
        return read
    }

    /// False when another wrote in between.
    private func store(_ book: AlertBook, expecting version: Int) async throws(Refusal) -> Bool {
        do {
            let bytes = try JSONValue(encoding: book).canonicalBytes
            try await log.setValue(AlertDesk.key, bytes, expecting: version)
            return true
        } catch let error as LogError {
            if error.code == .staleValue { return false }
            throw Refusal(error)
        } catch {
            throw Refusal(.unavailable, "The alerts cannot be written down: \(error)")
        }
    }
}
