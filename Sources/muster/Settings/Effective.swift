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
              muster effective mx1 listeners --explain --at 12
            """)

    @Argument(help: "The machine's name.")
    var machine: String

    @Argument(help: ArgumentHelp("A section, or one entry of it. (default: everything)", valueName: "section[/entry]"))
    var path: EntryPath?

    @Flag(help: "Also say who set each value and when, and what it shadows.")
    var explain = false

    @Option(help: ArgumentHelp("As it was right after this revision. (default: now)", valueName: "revision"))
    var at: Int?

    @OptionGroup var manager: ManagerOptions

    func run() async throws {
        let query = EffectiveQuery(machine: machine, section: path?.section, entry: path?.entry, revision: at)
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
        let origin =
            revision == 0
            ? (level.kind == .machine ? "brought along by the machine" : "made with the cluster")
            : "set by revision \(revision)" + (author.map { " of \($0)" } ?? "") + (time.map { ", \($0)" } ?? "")
        let lines =
            [
                style.paint("\(section)/\(name)".printable(), .heading), "  value: \(shortText(of: value, in: section).printable())",
                "  from \(level), \(origin.printable())",
            ]
            + shadowed.map { shadowed in
                let author = shadowed.author.map { " of \($0)" } ?? ""
                let value = shadowed.value == .null ? "hidden" : shortText(of: shadowed.value, in: section)
                return "  shadows \(shadowed.level): \(value), revision \(shadowed.revision)\(author)".printable()
            }
        return lines.joined(separator: "\n")
    }
}
