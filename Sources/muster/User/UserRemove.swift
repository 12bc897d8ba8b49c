import AdminClient
import AdminContract
import ArgumentParser

/// `muster user remove`
struct UserRemove: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "remove", abstract: "Remove a user, at once: the user's tokens end, and uncommitted changes go.",
        discussion: """
            What the user committed stays, and so does the name in the history. The last administrator cannot be removed.

              muster user remove bob
            """)

    @Argument(help: "The user's name.")
    var name: String

    @OptionGroup var manager: ManagerOptions

    func run() async throws {
        let removal = try await manager.withManager { try await $0.removeUser(name) }
        try manager.renderer.show(removal) { _ in
            "Removed \(removal.name). \(removal.tokens) token\(removal.tokens == 1 ? "" : "s") ended; "
                + "\(removal.discarded) uncommitted change\(removal.discarded == 1 ? "" : "s") went with the user."
        }
    }
}
