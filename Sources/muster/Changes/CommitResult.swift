import AdminContract
import ArgumentParser

/// What a commit did, and with `--wait` what became of it: the commit's own keys, and four lists of machines.
struct CommitResult: Encodable {
    var commit: CommitView
    var wait: CommitWait?

    private enum Key: String, CodingKey { case proved, rejected, late, absent }

    func encode(to encoder: any Encoder) throws {
        try commit.encode(to: encoder)
        guard let wait else { return }
        var container = encoder.container(keyedBy: Key.self)
        try container.encode(wait.machines { $0 == .proved }, forKey: .proved)
        try container.encode(wait.machines { if case .rejected = $0 { true } else { false } }, forKey: .rejected)
        try container.encode(wait.machines { if case .late = $0 { true } else { false } }, forKey: .late)
        try container.encode(wait.machines { $0 == .absent }, forKey: .absent)
    }
}

extension CommitView {
    /// What was committed, for people.
    func text(_ style: Style) -> String {
        guard let revision else { return "Nothing to commit." }
        let count = machines.count
        var parts = [
            "Committed revision \(revision). It changes \(count == 0 ? "no machine" : count == 1 ? "1 machine" : "\(count) machines")."
        ]
        if !machines.isEmpty { parts.append(impactTable(machines, style).indented) }
        if !notices.isEmpty { parts.append(noticeText(notices, style)) }
        return parts.joined(separator: "\n")
    }
}

/// What changes for which machines, the machines with the same changes on one line.
func impactTable(_ machines: [MachineImpact], _ style: Style) -> String {
    let same = Dictionary(grouping: machines, by: \.changes).map { changes, machines in
        (machines: machines.map(\.machine).sorted(), changes: changes)
    }.sorted { ($0.machines.first ?? "") < ($1.machines.first ?? "") }
    return Table(
        ["MACHINES", "CHANGES"],
        same.map { machines, changes in
            let names =
                machines.count > 4
                ? "\(machines.prefix(3).joined(separator: ", ")) and \(machines.count - 3) more" : machines.joined(separator: ", ")
            let shown = changes.prefix(6).map { "\($0.section)/\($0.name) \($0.change.rawValue)" }.joined(separator: ", ")
            return [names, changes.count > 6 ? "\(shown) and \(changes.count - 6) more" : shown]
        }
    ).text(style)
}

extension ManagerOptions {
    /// Shows a commit, waits for the machines if that was asked for, and ends with the exit status that follows.
    func finish(_ commit: CommitView, _ waiting: WaitOptions) async throws {
        let style = renderer.style
        if isForPeople { Output.line(commit.text(style)) }
        var result = CommitResult(commit: commit)
        if waiting.wait, commit.revision != nil {
            result.wait = try await withManager { try await waiting.waited($0, showing: isForPeople, style: style) }
        }
        if !isForPeople { try renderer.show(result) { _ in "" } }
        if let wait = result.wait, !wait.isGood {
            Output.error("The commit stands, but not every connected machine has proved it. Look with: muster status")
            throw ExitCode.failure
        }
    }
}
