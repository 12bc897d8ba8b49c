import ClusterModel
import AdminContract

/// Decides when a commit has arrived: fed with the fleet's status, it says what became of each machine.
struct CommitWait: Sendable {
    /// What became of a machine.
    enum Outcome: Sendable, Equatable {
        /// It proved the target.
        case proved
        case rejected(reasons: [String])
        /// It has no connection, or is disconnected on purpose: it takes the target when it comes back.
        case absent
        /// The time ran out on it.
        case late(MachineState, reasons: [String])
    }

    private(set) var outcomes: [String: Outcome] = [:]
    private(set) var waiting: [String] = []

    /// Takes in a newer status; answers the machines whose outcome is new, sorted by name.
    mutating func observe(_ machines: [MachineView]) -> [(machine: String, outcome: Outcome)] {
        var news: [(machine: String, outcome: Outcome)] = []
        var seen: [String: Outcome] = [:]
        waiting = []
        for machine in machines.sorted(by: { $0.name < $1.name }) {
            guard let outcome = CommitWait.outcome(of: machine) else {
                waiting.append(machine.name)
                continue
            }
            seen[machine.name] = outcome
            if outcomes[machine.name] != outcome { news.append((machine.name, outcome)) }
        }
        outcomes = seen
        return news
    }

    /// The time ran out: whoever is still waited for is late.
    mutating func giveUp(_ machines: [MachineView]) -> [(machine: String, outcome: Outcome)] {
        let late = machines.filter { waiting.contains($0.name) }.sorted { $0.name < $1.name }
        for machine in late { outcomes[machine.name] = .late(machine.state, reasons: machine.reasons) }
        waiting = []
        return late.map { ($0.name, .late($0.state, reasons: $0.reasons)) }
    }

    /// Whether every machine that is connected proved the target.
    var isGood: Bool {
        waiting.isEmpty
            && outcomes.values.allSatisfy { outcome in
                switch outcome {
                case .proved, .absent: true
                case .rejected, .late: false
                }
            }
    }

    /// Machines with an outcome that a test picks, sorted.
    func machines(where isMeant: (Outcome) -> Bool) -> [String] {
        outcomes.filter { isMeant($0.value) }.map(\.key).sorted()
    }

    /// Nil while the machine may still get there. A drifted one may: its services are being changed.
    private static func outcome(of machine: MachineView) -> Outcome? {
        switch machine.state {
        case .synced: .proved
        case .rejected: .rejected(reasons: machine.reasons)
        case .offline, .disconnected: .absent
        case .pending, .drifted: nil
        }
    }
}

extension CommitWait.Outcome {
    /// One line for people.
    func text(_ machine: String, _ style: Style) -> String {
        switch self {
        case .proved: "\(machine): \(style.paint("proved", .good))"
        case .rejected(let reasons): "\(machine): \(style.paint("rejected", .bad))\(CommitWait.Outcome.text(reasons))"
        case .absent: "\(machine): \(style.paint("absent", .faint)): it has no connection, and gets the change when it comes back"
        case .late(let state, let reasons): "\(machine): \(style.paint("still \(state.rawValue)", .bad))\(CommitWait.Outcome.text(reasons))"
        }
    }

    private static func text(_ reasons: [String]) -> String {
        reasons.isEmpty ? "" : ": " + reasons.map { $0.printable() }.joined(separator: "; ")
    }
}
