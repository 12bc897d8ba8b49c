import ClusterModel

extension PostfixPlan {
    /// What a hand-made service was told that gives way to a listener: filters, limits, restrictions of its own go on with the listener,
    /// and so does what it says of TLS where Muster says nothing. `own` are the listener's options, which win.
    func handMadeOptions(at endpoint: Endpoint, besides own: [PostfixProcess.Option]) -> [PostfixProcess.Option] {
        let taken = Set(own.map(\.name)).union(PostfixPlan.ofCertificates)
        return (replaced(at: endpoint)?.options ?? []).filter { !taken.contains($0.name) }
    }

    /// What a listener without a certificate must not find again, and the words of old for its level.
    private static let ofCertificates: Set<String> = [
        "smtpd_tls_chain_files", "smtpd_tls_cert_file", "smtpd_tls_key_file", "smtpd_tls_dcert_file", "smtpd_tls_dkey_file",
        "smtpd_tls_eccert_file", "smtpd_tls_eckey_file", "smtpd_use_tls", "smtpd_enforce_tls",
    ]

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
