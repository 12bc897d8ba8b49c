import AdminClient
import AdminContract
import ArgumentParser

/// `muster discard`
struct Discard: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Drop your uncommitted changes: all, or those of an entry, a section, a level.",
        discussion: """
            Where somebody else changed an entry meanwhile, discarding your edit of it takes theirs.

              muster discard
              muster discard listeners/public
              muster discard --machine mx1
            """,
        aliases: ["clearchanges"])

    @Argument(help: ArgumentHelp("A section, or one entry of it. (default: everything)", valueName: "section[/entry]"))
    var path: EntryPath?

    @OptionGroup var place: LevelOptions
    @OptionGroup var manager: ManagerOptions

    func run() async throws {
        let query = DiscardQuery(level: place.named, section: path?.section, entry: path?.entry)
        let summary = try await manager.withManager { try await $0.discard(query) }
        try manager.renderer.show(summary) { _ in
            let left = summary.uncommitted == 0 ? "None are left." : "\(summary.uncommitted) are left: muster changes"
            return "Discarded \(summary.discarded) uncommitted change\(summary.discarded == 1 ? "" : "s"). \(left)"
        }
    }
}
