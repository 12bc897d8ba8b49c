import AdminClient
import AdminContract
import ArgumentParser
import ClusterModel

/// `muster changes`
struct Changes: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Show your uncommitted changes, the machines they would change, and what others changed under them.",
        discussion: """
            They wait on the manager until you commit or discard them. Where somebody else committed a change of the same entry \
            meanwhile, both versions are shown, and a commit is refused until you decided: keep yours, take theirs (with \
            muster discard), or edit the entry again, which keeps what you then have.

              muster changes
              muster changes --keep destinations/bank.example --group eu
              muster changes --preview --output json
            """,
        aliases: ["showchanges"])

    @Option(help: ArgumentHelp("Keep your edit of this entry, or section, over what others committed.", valueName: "section[/entry]"))
    var keep: EntryPath?

    @Flag(help: "Only what a commit would do: machines, notices, and why it would be refused.")
    var preview = false

    @OptionGroup var place: LevelOptions
    @OptionGroup var manager: ManagerOptions

    func validate() throws {
        guard keep != nil || place.named == nil else { throw ValidationError("A level goes with --keep.") }
        guard keep == nil || !preview else { throw ValidationError("Choose --keep or --preview.") }
    }

    func run() async throws {
        if let keep { return try await keepMine(keep) }
        if preview {
            let preview = try await manager.withManager { try await $0.previewChanges() }
            return try manager.renderer.show(preview) { preview.text($0) }
        }
        let changes = try await manager.withManager { try await $0.changes() }
        try manager.renderer.show(list: changes, whenEmpty: "You have no uncommitted changes.") { changeText(changes, $0) }
        guard manager.isForPeople else { return }
        let preview = try await manager.withManager { try await $0.previewChanges() }
        let conflicts = changes.count { $0.conflict != nil }
        if !changes.isEmpty { Output.line("\n" + preview.text(manager.renderer.style, shownConflicts: conflicts)) }
        if changes.isEmpty, !preview.notices.isEmpty { Output.error(preview.notices.map { $0.printable() }.joined(separator: "\n")) }
    }

    private func keepMine(_ path: EntryPath) async throws {
        let kept = try await manager.withManager {
            try await $0.keep(KeepRequest(level: place.named, section: path.section, entry: path.entry))
        }
        try manager.renderer.show(list: kept, whenEmpty: "Nobody changed that under you: there is nothing to decide.") { style in
            "Kept yours, over what others committed:\n" + changeText(kept, style).indented + "\n" + commitReminder
        }
    }
}

/// Changes by level, for people.
func changeText(_ changes: [ChangeView], _ style: Style) -> String {
    Dictionary(grouping: changes, by: \.level).sorted { $0.key < $1.key }.map { level, changes in
        ([style.paint("At \(level)", .heading)] + changes.map { $0.text(style, withLevel: false).indented }).joined(separator: "\n")
    }.joined(separator: "\n")
}

extension ChangesPreview {
    /// For people; conflicts that were shown just before are not said again.
    func text(_ style: Style, shownConflicts: Int = 0) -> String {
        let count = machines.count
        var parts = [
            count == 0 ? "A commit would change no machine." : "A commit would change \(count == 1 ? "1 machine" : "\(count) machines"):"
        ]
        if !machines.isEmpty { parts.append(impactText(machines, style).indented) }
        if !notices.isEmpty { parts.append(noticeText(notices, style)) }
        if shownConflicts > 0 {
            let those = shownConflicts == 1 ? "the conflict" : "the \(shownConflicts) conflicts"
            parts.append(style.paint("A commit would be refused until you decided on \(those) above.", .bad))
        } else if !problems.isEmpty {
            parts.append(style.paint("A commit would be refused:", .bad))
            parts += problems.map { "  - \($0.printable())" }
        }
        return parts.joined(separator: "\n")
    }
}
