import AdminClient
import AdminContract
import ArgumentParser
import ClusterModel

/// `muster diff`
struct Diff: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Show what differs in the settings of two revisions, level by level.",
        discussion: """
            With one revision: what changed since, up to now. Revision 0 is the time before the first; head is what holds now.

              muster diff 4
              muster diff 3 4
              muster diff head 3           what a rollback to revision 3 would change
            """)

    @Argument(help: ArgumentHelp("The first revision.", valueName: "revision"))
    var from: RevisionName

    @Argument(help: ArgumentHelp("The second.", valueName: "revision"))
    var to = RevisionName.head

    @OptionGroup var manager: ManagerOptions

    func run() async throws {
        let diff = try await manager.withManager { try await $0.diff(DiffQuery(from: from.number, to: to.number)) }
        try manager.renderer.show(diff) { diff.text($0) }
    }
}

extension DiffView {
    /// The differences by level, for people.
    func text(_ style: Style) -> String {
        guard !levels.isEmpty else { return "The settings of revision \(from) and revision \(to) are the same." }
        let parts = levels.map { level in
            let lines = level.changes.map { $0.text(style).indented }
            return ([style.paint("At \(level.level)\(level.remark)".printable(), .heading)] + lines).joined(separator: "\n")
        }
        return "From revision \(from) to revision \(to):\n" + parts.joined(separator: "\n")
    }
}

extension LevelDiff {
    fileprivate var remark: String {
        presenceRemark + (former.map { " (it was \($0))" } ?? "")
            + (movedFrom.map { " (moved from the group \($0) to \(movedTo ?? "another"))" } ?? "")
    }

    private var presenceRemark: String {
        switch (presence, level.kind) {
        case (.both, _): ""
        case (.added, .machine): " (the machine joined)"
        case (.added, _): " (new)"
        case (.removed, .machine): " (the machine was removed)"
        case (.removed, _): " (deleted)"
        }
    }
}

extension EntryDiff {
    fileprivate func text(_ style: Style) -> String {
        let subject = ChangeText(section: section, entry: entry, change: change, before: before, after: after)
        return ([style.paint(subject.heading, .heading)] + subject.fieldLines.map { "  " + $0 }).joined(separator: "\n")
    }
}
