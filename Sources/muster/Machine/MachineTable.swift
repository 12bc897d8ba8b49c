import ClusterModel
import AdminContract

/// The fleet as a table: a line for each machine.
struct MachineTable {
    private let machines: [MachineView]

    init(_ machines: [MachineView]) {
        self.machines = machines
    }

    func text(_ style: Style) -> String {
        Table(
            ["MACHINE", "GROUP", "STATE", "REVISION", "SERVICES", "REASON"],
            cells: machines.map { machine in
                [
                    .init(machine.name), .init(machine.group), .init(machine.state.rawValue, machine.state.tone),
                    .init(machine.revisionText), .init(machine.servicesText), .init(machine.reasons.first ?? ""),
                ]
            }
        ).text(style)
    }
}

extension MachineView {
    /// `3`, or `2 of 3` on the way, or `none of 3`.
    var revisionText: String {
        guard appliedDigest != targetDigest || appliedRevision == nil else { return String(targetRevision) }
        return "\(appliedRevision.map { String($0) } ?? "none") of \(targetRevision)"
    }

    /// How many of the services that can be probed were seen to serve what they should, and how many are not opened.
    var servicesText: String { provedText + (disabled.isEmpty ? "" : ", \(disabled.count) disabled") }

    private var provedText: String {
        let provable = services.filter { $0.unprovable == nil }
        guard !services.isEmpty else { return "none" }
        guard !provable.isEmpty else { return "none to prove" }
        return "\(provable.count { $0.served == $0.fingerprint }) of \(provable.count) proved"
    }

    /// All that is known, for people.
    func text(_ style: Style) -> String {
        var pairs: [(String, Table.Cell)] = [
            ("machine", .init(name)), ("calls itself", .init(ownName ?? "")), ("group", .init(group)),
            ("state", .init(state.rawValue, state.tone)),
            ("target", .init("revision \(targetRevision), digest \(targetDigest.short)")),
            ("applied", .init(appliedText)), ("last seen", .init(lastSeen?.description ?? "never")),
            ("agent", .init(agentVersion ?? "has not said")),
            ("gateway", .init(gateway?.rawValue ?? "has not said, or is of a kind that this manager does not know")),
            ("last received", .init(lastReceived?.text ?? "")), ("last applied", .init(lastApplied?.text ?? "")),
            ("last rejected", .init(lastRejected?.text ?? "", .bad)),
        ]
        pairs += reasons.enumerated().map { ($0 == 0 ? "reason" : "", .init($1)) }
        pairs += lacks.enumerated().map { ($0 == 0 ? "too new" : "", .init($1, .bad)) }
        pairs += disabled.enumerated().map { ($0 == 0 ? "disabled" : "", .init("\($1.service): \($1.reason)", .waiting)) }
        let facts = Facts(pairs).text(style)
        guard !services.isEmpty else { return facts }
        let table = Table(
            ["SERVICE", "CERTIFICATE", "FINGERPRINT", "SERVED"],
            cells: services.map { [.init($0.service), .init($0.certificate), .init($0.fingerprint.short), $0.servedCell] })
        return facts + "\n\n" + table.text(style)
    }

    private var appliedText: String {
        guard let appliedDigest else { return "nothing yet" }
        return "revision \(appliedRevision.map { String($0) } ?? "?"), digest \(appliedDigest.short)"
    }
}

extension ReceiptView {
    /// One line for people.
    fileprivate var text: String {
        let what = "revision \(revision) (position \(position), digest \(digest.short)) \(outcome) at \(time)"
        return reasons.isEmpty ? what : "\(what): \(reasons.joined(separator: "; "))"
    }
}

extension ServiceView {
    /// What the proof saw, judged.
    var servedCell: Table.Cell {
        if let unprovable { return .init("cannot be probed: \(unprovable)", .faint) }
        guard let served else { return .init("not seen", .bad) }
        return served == fingerprint ? .init("the same", .good) : .init("another: \(served.short)", .bad)
    }
}
