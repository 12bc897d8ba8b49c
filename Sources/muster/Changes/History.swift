import ClusterModel
import AdminClient
import AdminContract
import ArgumentParser

/// `muster history`
struct History: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "List the committed revisions, the newest first.",
        discussion: """
              muster history
              muster history --limit 10
            """)

    @Option(help: ArgumentHelp("Go on below this revision.", valueName: "revision"))
    var after: Int?

    @Option(help: ArgumentHelp("How many revisions.", valueName: "count"))
    var limit = Page.standardLimit

    @OptionGroup var manager: ManagerOptions

    func validate() throws {
        guard (after ?? 0) >= 0 else { throw ValidationError("--after takes a revision, 0 or more.") }
        guard (1...Page.standardLimit).contains(limit) else { throw ValidationError("--limit takes 1 to \(Page.standardLimit).") }
    }

    func run() async throws {
        let revisions = try await manager.withManager { try await $0.history(Page(after: after, limit: limit)) }
        try manager.renderer.show(list: revisions, whenEmpty: "Nothing has been committed yet.") { style in
            Table(
                ["REVISION", "TIME", "AUTHOR", "KIND", "COMMENT"],
                revisions.map { [String($0.revision), $0.time.description, $0.author, $0.kind, $0.comment] }
            ).text(style)
        }
    }
}
