import AdminClient
import AdminContract
import ArgumentParser
import ClusterModel

extension RepairRequest.Kept: ExpressibleByArgument {}

/// `muster check`
struct Check: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Compare what machines really hold with what the cluster holds for them, and put it right.",
        discussion: """
            Each machine reads its own store again, says what its gateway has in force, and makes a handshake with each of its \
            services. Every difference is named by section and entry, with what the cluster has and what the machine has. Ends with 1 \
            when something differs, and when a machine could not be compared: nothing is taken for right that was not looked at.

              muster check
              muster check mx1
              muster check mx1 --keep cluster     the machine lays out anew what the cluster holds for it
              muster check mx1 --keep machine     what the machine has becomes uncommitted changes at its level

            Machines look by themselves, too, and say at once what they find: muster alert list
            """,
        aliases: ["clustercheck"])

    @Argument(help: "The machine's name; left out for all of them.")
    var machine: String?

    @Option(help: "Put the machine's differences right: keep what the cluster has, or what the machine has.")
    var keep: RepairRequest.Kept?

    @OptionGroup var manager: ManagerOptions

    func validate() throws {
        guard keep == nil || machine != nil else { throw ValidationError("--keep goes with a machine's name.") }
    }

    func run() async throws {
        let isRight: Bool
        if let keep, let machine {
            let repair = try await manager.withManager { try await $0.repairMachine(machine, keeping: keep) }
            try manager.renderer.show(repair) { repair.text($0) }
            isRight = repair.isRight
        } else {
            let checks = try await manager.withManager { try await $0.checkConsistency(of: machine) }
            try manager.renderer.show(list: checks, whenEmpty: "No machines yet. Let one in: muster invite") { consistencyText(checks, $0) }
            isRight = checks.allSatisfy { $0.outcome == .agrees && $0.reason == nil }
        }
        if !isRight { throw ExitCode.failure }
    }
}

/// Machines in one table, and what differs below it.
private func consistencyText(_ checks: [ConsistencyView], _ style: Style) -> String {
    let table = Table(
        ["MACHINE", "RESULT", "REASON"],
        cells: checks.map { [.init($0.machine), .init($0.result, $0.tone), .init($0.reason ?? "")] })
    return ([table.text(style)] + checks.filter { !$0.differences.isEmpty }.map { $0.text(style) }).joined(separator: "\n\n")
}

extension ConsistencyView {
    fileprivate var result: String {
        let count = differences.count + moreDifferences
        return switch outcome {
        case .agrees: "agrees"
        case .differs: "\(count) difference\(count == 1 ? "" : "s")"
        case .notCompared: "not compared"
        }
    }

    fileprivate var tone: Style.Tone {
        switch outcome {
        case .agrees: reason == nil ? .good : .waiting
        case .differs: .bad
        case .notCompared: .waiting
        }
    }

    /// What differs, with the ways out.
    fileprivate func text(_ style: Style) -> String {
        var lines = [style.paint(machine, .heading)]
        for difference in differences {
            lines.append("  \(difference.place.rawValue): \(difference.text.printable())")
            if let cluster = difference.cluster { lines.append("    the cluster has  \(cluster.printable())") }
            if let stored = difference.stored { lines.append("    the machine has  \(stored.printable())") }
        }
        if moreDifferences > 0 { lines.append("  and \(moreDifferences) more") }
        var seen: Set<String> = []
        let cures = differences.flatMap(\.cures).filter { seen.insert($0).inserted }
        lines += cures.enumerated().map { ($0 == 0 ? "  To put it right: " : "               or: ") + $1 }
        return lines.joined(separator: "\n")
    }
}

extension RepairView {
    fileprivate var isRight: Bool {
        switch outcome {
        case .applied: check.map { $0.outcome != .differs } ?? true
        case .taken: reasons.isEmpty
        case .nothing: reasons.isEmpty
        case .rejected, .unanswered: false
        }
    }

    fileprivate func text(_ style: Style) -> String {
        var lines: [String]
        switch outcome {
        case .applied: lines = ["\(machine) laid out anew what the cluster holds for it, and \(style.paint("applied", .good)) it."]
        case .rejected: lines = ["\(machine) \(style.paint("rejected", .bad)) it; what it served before is in force."]
        case .unanswered: lines = ["\(machine) has \(style.paint("not answered", .bad)) so far."]
        case .taken: lines = ["Taken from \(machine):", changeText(changes, style).indented]
        case .nothing: lines = ["Nothing of \(machine)'s store was taken."]
        }
        lines += reasons.map { "  - \($0.printable())" }
        if outcome == .taken { lines.append(commitReminder) }
        if let check, check.outcome == .differs { lines += ["It still differs:", check.text(style).indented] }
        return lines.joined(separator: "\n")
    }
}
