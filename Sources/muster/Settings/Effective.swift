import AdminClient
import AdminContract
import ArgumentParser
import ClusterModel

/// `muster effective`
struct Effective: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Show what a machine gets, and from which level.",
        discussion: """
            The nearest level wins, entry by entry: the machine, else its group, else the cluster.

              muster effective mx1
              muster effective mx1 destinations/bank.example --explain
            """)

    @Argument(help: "The machine's name.")
    var machine: String

    @Argument(help: ArgumentHelp("A section, or one entry of it. (default: everything)", valueName: "section[/entry]"))
    var path: EntryPath?

    @Flag(help: "Also say what each value shadows.")
    var explain = false

    @OptionGroup var manager: ManagerOptions

    func run() async throws {
        let query = EffectiveQuery(machine: machine, section: path?.section, entry: path?.entry)
        let entries = try await manager.withManager { try await $0.effective(query) }
        try manager.renderer.show(list: entries, whenEmpty: "\(machine) gets nothing\(path.map { " of \($0.section)" } ?? "").") { style in
            explain ? entries.map { $0.explanation(style) }.joined(separator: "\n") : table(entries, style)
        }
    }

    private func table(_ entries: [EffectiveView], _ style: Style) -> String {
        Table(
            ["ENTRY", "FROM", "REVISION", "VALUE"],
            entries.map { entry in
                [
                    "\(entry.section)/\(entry.name)", entry.level.description, String(entry.revision),
                    shortText(of: entry.value, in: entry.section),
                ]
            }
        ).text(style)
    }
}

extension EffectiveView {
    /// The value, where it comes from, and what it shadows.
    fileprivate func explanation(_ style: Style) -> String {
        let origin = revision == 0 ? "brought along by the machine" : "set by revision \(revision)"
        var lines = [
            style.paint("\(section)/\(name)".printable(), .heading), "  value: \(shortText(of: value, in: section).printable())",
            "  from \(level), \(origin)",
        ]
        if !shadows.isEmpty { lines.append("  shadows what is set at \(shadows.map(\.description).joined(separator: " and "))") }
        return lines.joined(separator: "\n")
    }
}
