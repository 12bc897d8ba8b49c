import ClusterModel
import AdminClient
import AdminContract
import ArgumentParser

/// `muster audit list`
struct AuditList: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list", abstract: "List the log's entries, the oldest first.",
        discussion: """
              muster audit list
              muster audit list --after 1000 --limit 100
            """)

    @Option(help: ArgumentHelp("Begin after this position.", valueName: "position"))
    var after = 0

    @Option(help: ArgumentHelp("How many entries.", valueName: "count"))
    var limit = Page.standardLimit

    @OptionGroup var manager: ManagerOptions

    func validate() throws {
        guard after >= 0 else { throw ValidationError("--after takes a position of the log, 0 or more.") }
        guard (1...Page.standardLimit).contains(limit) else { throw ValidationError("--limit takes 1 to \(Page.standardLimit).") }
    }

    func run() async throws {
        let entries = try await manager.withManager { try await $0.audit(Page(after: after, limit: limit)) }
        try manager.renderer.show(list: entries, whenEmpty: "No entries after position \(after).") { style in
            Table(
                ["POSITION", "TIME", "AUTHOR", "KIND", "WHAT"],
                entries.map { [String($0.position), $0.time.description, $0.author, $0.kind, $0.summary] }
            ).text(style)
        }
    }
}
