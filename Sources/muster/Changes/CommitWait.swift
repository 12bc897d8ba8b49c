import ClusterModel
import AdminContract

/// Decides when a commit has arrived: fed with the fleet's status, it says what became of each machine.
///
/// Counted is the roster: the machines that the cluster had when the commit was taken. Each has proved what it should run by now, which
/// is at least that commit, or is named with the reason why not.
struct CommitWait: Sendable {
    /// What became of a machine.
    enum Outcome: Sendable, Equatable {
        /// It proved the target.
        case proved
        case rejected(reasons: [String])
        /// It has no connection, or is disconnected on purpose: it takes the target when it comes back.
        case absent(MachineState, lastSeen: Timestamp?)
        /// It was removed from the cluster meanwhile.
        case removed
        /// The time ran out on it.
        case late(MachineState, reasons: [String])
    }

    private(set) var outcomes: [String: Outcome] = [:]
    private(set) var waiting: [String] = []
    private let roster: Set<String>

    /// An empty roster is everybody.
    init(roster: [String]) {
        self.roster = Set(roster)
    }

    /// Takes in a newer status; answers the machines whose outcome is new, sorted by name.
    mutating func observe(_ machines: [MachineView]) -> [(machine: String, outcome: Outcome)] {
        let counted = machines.filter { roster.isEmpty || roster.contains($0.name) }
        var seen: [String: Outcome] = [:]
        for name in roster.subtracting(counted.map(\.name)) { seen[name] = .removed }
        waiting = []
        for machine in counted.sorted(by: { $0.name < $1.name }) {
            if let outcome = CommitWait.outcome(of: machine) { seen[machine.name] = outcome } else { waiting.append(machine.name) }
        }
        let news = seen.sorted { $0.key < $1.key }.filter { outcomes[$0.key] != $0.value }.map { (machine: $0.key, outcome: $0.value) }
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
                case .proved, .absent, .removed: true
                case .rejected, .late: false
                }
            }
    }

    /// How many machines proved the commit, and who is missing and why; one line for people.
    var summary: String {
        let missing = outcomes.filter { $0.value != .proved }.sorted { $0.key < $1.key }.map { "\($0.key) (\($0.value.word))" }
        let count = outcomes.count + waiting.count
        let proved = "Proved by \(outcomes.count - missing.count) of \(count) machine\(count == 1 ? "" : "s")."
        return missing.isEmpty ? proved : "\(proved) Missing: \(missing.joined(separator: ", "))"
    }

    /// What a terminal shows meanwhile.
    var progress: String {
        "Proved by \(machines { $0 == .proved }.count) of \(outcomes.count + waiting.count) machines; waiting for \(shortList(waiting)) ..."
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
        case .offline, .disconnected: .absent(machine.state, lastSeen: machine.lastSeen)
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
        case .absent(let state, let lastSeen):
            "\(machine): \(style.paint("absent", .faint)): \(CommitWait.Outcome.absence(state, lastSeen)); it gets the change when it comes back"
        case .removed: "\(machine): \(style.paint("removed", .faint)): it is not in the cluster any more"
        case .late(let state, let reasons): "\(machine): \(style.paint("still \(state.rawValue)", .bad))\(CommitWait.Outcome.text(reasons))"
        }
    }

    /// One word, or a few, for the summary.
    fileprivate var word: String {
        switch self {
        case .proved: "proved"
        case .rejected: "rejected"
        case .absent(let state, _): state.rawValue
        case .removed: "removed"
        case .late(let state, _): "still \(state.rawValue)"
        }
    }

    private static func absence(_ state: MachineState, _ lastSeen: Timestamp?) -> String {
        if state == .disconnected { return "it is disconnected on purpose" }
        return "it has no connection, last seen \(lastSeen?.description ?? "never")"
    }

    private static func text(_ reasons: [String]) -> String {
        reasons.isEmpty ? "" : ": " + reasons.map { $0.printable() }.joined(separator: "; ")
    }
}
