import AdminClient
import AdminContract
import ArgumentParser

/// `muster changes`
struct Changes: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Show your uncommitted changes, and what others changed under them.",
        discussion: """
            They wait on the manager until you commit or discard them.

              muster changes
            """,
        aliases: ["showchanges"])

    @OptionGroup var manager: ManagerOptions

    func run() async throws {
        let changes = try await manager.withManager { try await $0.changes() }
        try manager.renderer.show(list: changes, whenEmpty: "You have no uncommitted changes.") { style in
            changes.map { $0.text(style) }.joined(separator: "\n")
        }
    }
}
