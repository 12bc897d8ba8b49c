package import ClusterLog
package import ClusterModel

/// Keeps the alerts: one value beside the log, because what they tell of is no change of the cluster (decision 10).
///
/// Each write builds on what was read, so that a watch and an administrator, or two managers, lose nothing of each other's.
package actor AlertDesk {
    private let kept: KeptBook<AlertBook>
    private let now: WallClock

    package init(log: any ClusterLog, now: @escaping WallClock) {
        kept = KeptBook(log: log, key: "alerts", name: "alerts", empty: AlertBook())
        self.now = now
    }

    /// The alerts as they are stored.
    package func book() async throws(Refusal) -> AlertBook {
        try await kept.book()
    }

    /// Takes in all that holds of one kind; answers what that raised and cleared, once it is on the disk.
    package func take(_ conditions: [AlertCondition], of kind: Alert.Kind) async throws(Refusal) -> AlertBook.News {
        let now = now()
        return try await kept.change { book throws(Refusal) in book.take(conditions, of: kind, at: now) }
    }

    /// Notes who has seen alerts.
    package func acknowledge(_ ids: [String], by user: String) async throws(Refusal) -> [Alert] {
        let now = now()
        return try await kept.change { book throws(Refusal) in try book.acknowledge(ids, by: user, at: now) }
    }
}
