import AdminContract
import ArgumentParser

/// What a commit did, and with `--wait` what became of it: the commit's own keys, and five lists of machines.
struct CommitResult: Encodable {
    var commit: CommitView
    var wait: CommitWait?

    func encode(to encoder: any Encoder) throws {
        try commit.encode(to: encoder)
        try wait?.encodeOutcomes(to: encoder)
    }
}

extension CommitWait {
    private enum Key: String, CodingKey { case proved, rejected, late, absent, removed }

    /// Five lists of machines, beside the keys of what was waited for.
    func encodeOutcomes(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: Key.self)
        try container.encode(machines { $0 == .proved }, forKey: .proved)
        try container.encode(machines { if case .rejected = $0 { true } else { false } }, forKey: .rejected)
        try container.encode(machines { if case .late = $0 { true } else { false } }, forKey: .late)
        try container.encode(machines { if case .absent = $0 { true } else { false } }, forKey: .absent)
        try container.encode(machines { $0 == .removed }, forKey: .removed)
    }
}

extension CommitView {
    /// What was committed, for people.
    func text(_ style: Style) -> String {
        guard let revision else {
            guard let leftOut else { return "Nothing to commit." }
            let same = "Nothing to roll back: the settings are those of that revision already."
            return leftOut.isEmpty ? same : same + "\n" + leftOutText(leftOut, style)
        }
        let count = machines.count
        var parts = [
            "\(leftOut == nil ? "Committed" : "Rolled back, as") revision \(revision). "
                + "It changes \(count == 0 ? "no machine" : count == 1 ? "1 machine" : "\(count) machines")."
        ]
        if !machines.isEmpty { parts.append(impactText(machines, style).indented) }
        if let leftOut, !leftOut.isEmpty { parts.append(leftOutText(leftOut, style)) }
        if !notices.isEmpty { parts.append(noticeText(notices, style)) }
        return parts.joined(separator: "\n")
    }
}

extension ManagerOptions {
    /// Shows a commit, waits for the machines if that was asked for, and ends with the exit status that follows.
    func finish(_ commit: CommitView, _ waiting: WaitOptions) async throws {
        let style = renderer.style
        if isForPeople { Output.line(commit.text(style)) }
        var result = CommitResult(commit: commit)
        if waiting.wait, commit.revision != nil {
            result.wait = try await withManager { try await waiting.waited($0, for: commit.roster, showing: isForPeople, style: style) }
        }
        if !isForPeople { try renderer.show(result) { _ in "" } }
        if let wait = result.wait, isForPeople { Output.line(wait.summary) }
        if let wait = result.wait, !wait.isGood {
            Output.error("The commit stands, but not every connected machine has proved it. Look with: muster status")
            throw ExitCode.failure
        }
    }
}
