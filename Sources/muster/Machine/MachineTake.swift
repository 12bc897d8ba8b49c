import AdminClient
import AdminContract
import ArgumentParser

/// `muster machine take`
struct MachineTake: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "take", abstract: "Take what was edited on a machine itself into your uncommitted changes, at the machine's level.",
        discussion: """
              muster machine take mx1 listeners/public
              muster commit
            """)

    @OptionGroup var edits: LocalEditOptions
    @OptionGroup var manager: ManagerOptions

    func run() async throws {
        let choice = try edits.choice()
        let summary = try await manager.withManager { try await $0.takeLocalEdits(choice, of: edits.name) }
        try manager.show(summary)
    }
}
