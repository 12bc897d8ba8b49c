import ClusterModel

extension PostfixPlan {
    /// What a hand-made service was told that gives way to a listener, and that says nothing of TLS: filters, limits, restrictions of its
    /// own go on with the listener. `own` are the listener's options, which win.
    func handMadeOptions(at endpoint: Endpoint, besides own: [PostfixProcess.Option]) -> [PostfixProcess.Option] {
        let taken = Set(own.map(\.name)).union(["smtpd_use_tls", "smtpd_enforce_tls"])
        return (replaced(at: endpoint)?.options ?? []).filter { !taken.contains($0.name) && !$0.name.hasPrefix("smtpd_tls_") }
    }

    /// How many processes a hand-made service may have that gives way to a listener.
    func handMadeLimit(at endpoint: Endpoint) -> String { replaced(at: endpoint)?.columns.last ?? "-" }

    /// The service that takes mail where a listener will: at the same address before one at all addresses. Behind `postscreen` it is the
    /// one that gets what that lets through.
    private func replaced(at endpoint: Endpoint) -> PostfixProcess? {
        let socket = endpoint.postfixSocket
        let there = base.processes.filter { process in
            ["smtpd", "postscreen"].contains(process.command) && process.socket.map { socket.overlaps($0) } ?? false
        }
        let first = there.first { $0.socket == socket } ?? there.first
        guard first?.command == "postscreen" else { return first }
        return base.processes.first { $0.type == "pass" && $0.command == "smtpd" }
    }
}
