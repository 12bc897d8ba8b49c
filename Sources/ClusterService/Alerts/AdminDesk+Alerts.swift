package import AdminContract
package import ClusterModel

extension AdminDesk {
    package func alerts(all: Bool, for caller: Caller) async throws(Refusal) -> [AlertView] {
        let book = try await alertDesk.book()
        let rest = book.unlisted.sorted { $0.key < $1.key }.map { AlertView(unlisted: $0.value, of: Alert.Kind(rawValue: $0.key)) }
        return book.active.map(AlertView.init) + rest + (all ? book.cleared.map(AlertView.init) : [])
    }

    package func acknowledgeAlerts(_ request: AlertAcknowledgement, for caller: Caller) async throws(Refusal) -> [AlertView] {
        try require(.operator, of: caller)
        guard request.ids.count <= Limits.alerts else {
            throw Refusal(.limit, "\(request.ids.count) alerts in one request; there are at most \(Limits.alerts).")
        }
        return try await alertDesk.acknowledge(request.ids, by: caller.user).map(AlertView.init)
    }

    /// What `muster status` says of the alerts.
    func alertSummary() async throws(Refusal) -> AlertSummary {
        let book = try await alertDesk.book()
        let active = book.active
        return AlertSummary(
            active: active.count + book.unlisted.values.reduce(0, +), unacknowledged: active.count { $0.acknowledged == nil },
            worst: active.first?.condition.severity)
    }
}
