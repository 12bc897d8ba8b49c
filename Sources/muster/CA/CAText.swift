import AdminContract
import ClusterModel

extension CAView {
    /// All of it, for people.
    func text(_ style: Style) -> String {
        var pairs: [(String, Table.Cell)] = [
            ("step", .init(step.rawValue, step == .settled ? .good : .waiting)), ("CA", .init(current.text)),
            ("next CA", .init(next?.text ?? "")),
        ]
        if !endedInvitations.isEmpty { pairs.append(("invitations ended", .init(endedInvitations.joined(separator: ", "), .waiting))) }
        if !endingInvitations.isEmpty {
            pairs.append(("invitations that end with the CA", .init(endingInvitations.joined(separator: ", "))))
        }
        pairs.append(("next step", .init(moves.map { "muster ca \($0.rawValue)" }.joined(separator: ", or "))))
        let facts = Facts(pairs).text(style)
        guard !waiting.isEmpty else { return facts }
        return facts + "\n\n"
            + Table(["MACHINE", "NOT READY"], cells: waiting.map { [.init($0.machine), .init($0.reason, .waiting)] }).text(style)
    }
}

extension CACertificateView {
    fileprivate var text: String { "\(fingerprint.short), until \(notAfter)" }
}
