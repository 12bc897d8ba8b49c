import AdminClient
import AdminContract
import ArgumentParser
import ClusterModel

/// `muster show`
struct Show: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Show what is set at a level, your uncommitted edits included.",
        discussion: """
            Sections are named as in a cluster document: \(Section.all.map(\.name.rawValue).joined(separator: ", ")).

              muster show
              muster show listeners/public
              muster show destinations --group eu --output yaml
            """)

    @Argument(help: ArgumentHelp("A section, or one entry of it. (default: everything)", valueName: "section[/entry]"))
    var path: EntryPath?

    @OptionGroup var place: LevelOptions
    @OptionGroup var manager: ManagerOptions

    func run() async throws {
        let entries = try await manager.withManager { client in
            var level = place.level
            if let section = path?.section { level = try place.level(for: section) }
            return try await client.show(SettingsQuery(level: level, section: path?.section, entry: path?.entry))
        }
        let remark =
            "Nothing is set at \(place.level)\(path.map { " for \($0.section)" } ?? ""). What a machine gets: muster effective MACHINE"
        try manager.renderer.show(list: entries, whenEmpty: remark) { style in
            if path?.entry != nil, let entry = entries.first, entries.count == 1 { return entry.text(style) }
            return Table(
                ["ENTRY", "LEVEL", "REVISION", "VALUE"],
                cells: entries.map { entry in
                    [
                        .init("\(entry.section)/\(entry.name)"), .init(entry.level.description),
                        entry.uncommitted ? .init("uncommitted", .waiting) : .init(String(entry.revision)), .init(entry.valueText),
                    ]
                }
            ).text(style)
        }
    }
}
