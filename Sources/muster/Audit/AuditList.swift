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

            What was refused changed nothing and is not in the log. The newest refusals are kept beside it: who asked for what, \
            when, and why not. Only so many are kept.

              muster audit list --refused
            """)

    @Option(help: ArgumentHelp("Begin after this position.", valueName: "position"))
    var after = 0

    @Option(help: ArgumentHelp("How many entries.", valueName: "count"))
    var limit = Page.standardLimit

    @Flag(help: "List the changes that were refused instead, the newest last.")
    var refused = false

    @OptionGroup var manager: ManagerOptions

    func validate() throws {
        guard !refused || after == 0 else { throw ValidationError("Choose --refused or --after.") }
        guard after >= 0 else { throw ValidationError("--after takes a position of the log, 0 or more.") }
        guard (1...Page.standardLimit).contains(limit) else { throw ValidationError("--limit takes 1 to \(Page.standardLimit).") }
    }

    func run() async throws {
        if refused { return try await showRefused() }
        let entries = try await manager.withManager { try await $0.audit(Page(after: after, limit: limit)) }
        try manager.renderer.show(list: entries, whenEmpty: "No entries after position \(after).") { style in
            Table(
                ["POSITION", "TIME", "AUTHOR", "KIND", "WHAT"],
                entries.map { [String($0.position), $0.time.description, $0.author, $0.kind, $0.summary] }
            ).text(style)
        }
    }

    private func showRefused() async throws {
        let attempts = try await manager.withManager { try await $0.refusedAttempts() }.suffix(limit)
        try manager.renderer.show(list: Array(attempts), whenEmpty: "Nothing was refused.") { style in
            Table(
                ["TIME", "WHO", "WHAT", "TIMES", "WHY"],
                attempts.map { [$0.time.description, $0.who, $0.what, String($0.count), "\($0.code.rawValue): \($0.reason)"] }
            ).text(style)
        }
    }
}
