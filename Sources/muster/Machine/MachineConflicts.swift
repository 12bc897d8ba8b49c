import AdminClient
import AdminContract
import ArgumentParser
import ClusterModel

/// `muster machine conflicts`
struct MachineConflicts: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "conflicts",
        abstract: "Show what was edited on a machine itself while it was disconnected, beside the cluster's version.",
        discussion: """
            Each entry is taken or dropped. A taken one is an uncommitted change at the machine's level, and is decided by your commit.

              muster machine conflicts mx1
              muster machine take mx1 listeners/public
              muster machine drop mx1 --all
            """)

    @Argument(help: "The machine's name.")
    var name: String

    @OptionGroup var manager: ManagerOptions

    func run() async throws {
        let conflicts = try await manager.withManager { try await $0.localConflicts(of: name) }
        try manager.renderer.show(list: conflicts, whenEmpty: LocalConflictText.none(name)) { LocalConflictText(conflicts).text($0) }
    }
}

/// Local edits for people, an entry after the other.
struct LocalConflictText {
    private let conflicts: [LocalConflictView]

    init(_ conflicts: [LocalConflictView]) {
        self.conflicts = conflicts
    }

    static func none(_ machine: String) -> String { "There is no local edit on \(machine) to decide." }

    func text(_ style: Style) -> String {
        conflicts.map { conflict in
            let heading = style.paint("\(conflict.section)/\(conflict.name)".printable(), .heading)
            let local = conflict.change == "remove" ? "taken away" : shortText(of: conflict.local, in: conflict.section)
            let cluster = conflict.cluster == .null ? "nothing" : shortText(of: conflict.cluster, in: conflict.section)
            let level = conflict.level.map { ", from \($0)" } ?? ""
            var lines = [
                "machine: \(local) (edited at \(conflict.time))",
                "cluster: \(cluster)\(level)\(conflict.moved ? ", changed since the edit began" : ", as when the edit began")",
            ]
            if conflict.uncommitted { lines.append("your uncommitted changes have an edit of it: muster changes") }
            return ([heading] + lines.map { "  \($0.printable())" }).joined(separator: "\n")
        }
        .joined(separator: "\n")
    }
}

/// The entries of local edits that a command is about.
struct LocalEditOptions: ParsableArguments {
    @Argument(help: "The machine's name.")
    var name: String

    @Argument(help: ArgumentHelp("Entries that were edited on it.", valueName: "section/entry"))
    var entries: [EntryPath] = []

    @Flag(help: "All that are to be decided.")
    var all = false

    func validate() throws {
        guard all != !entries.isEmpty else { throw ValidationError("Name entries, as muster machine conflicts lists them, or give --all.") }
    }

    func choice() throws -> LocalConflictChoice {
        try LocalConflictChoice(entries: all ? nil : entries.map { "\($0.section)/\(try $0.requiredEntry())" })
    }
}
