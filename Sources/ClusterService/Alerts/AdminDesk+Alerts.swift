package import AdminContract
package import ClusterModel

extension AdminDesk {
    package func alerts(all: Bool, for caller: Caller) async throws(Refusal) -> [AlertView] {
        let book = try await alertDesk.book()
        if caller.group != nil {
            let seen = await seen(by: caller)
            return (book.active + (all ? book.cleared : [])).filter { $0.isAbout(seen) }.map(AlertView.init)
        }
        let rest = book.unlisted.sorted { $0.key < $1.key }.map { AlertView(unlisted: $0.value, of: Alert.Kind(rawValue: $0.key)) }
        return book.active.map(AlertView.init) + rest + (all ? book.cleared.map(AlertView.init) : [])
    }

    package func acknowledgeAlerts(_ request: AlertAcknowledgement, for caller: Caller) async throws(Refusal) -> [AlertView] {
        try await requireSomewhere(.operator, of: caller)
        guard request.ids.count <= Limits.alerts else {
            throw Refusal(.limit, "\(request.ids.count) alerts in one request; there are at most \(Limits.alerts).")
        }
        if caller.group != nil {
            let known = Set(try await alerts(all: true, for: caller).map(\.id))
            if let foreign = request.ids.first(where: { !known.contains($0) }) {
                throw Refusal(
                    .notFound,
                    "There is no alert \"\(foreign.prefix(Limits.nameLength))\" about your machines. List them with: muster alert list")
            }
        }
        return try await alertDesk.acknowledge(request.ids, by: caller.user).map(AlertView.init)
    }

    /// What `muster status` says of the alerts.
    func alertSummary(for caller: Caller) async throws(Refusal) -> AlertSummary {
        let book = try await alertDesk.book()
        let seen = await seen(by: caller)
        let active = book.active.filter { caller.group == nil || $0.isAbout(seen) }
        return AlertSummary(
            active: active.count + (caller.group == nil ? book.unlisted.values.reduce(0, +) : 0),
            unacknowledged: active.count { $0.acknowledged == nil },
            worst: active.first?.condition.severity)
    }
}

extension Alert {
    /// Whether it is about a machine of this state.
    fileprivate func isAbout(_ state: ClusterState) -> Bool {
        condition.machine.map { state.membership(named: $0) != nil } ?? false
    }
}
