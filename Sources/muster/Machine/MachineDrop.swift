import AdminClient
import AdminContract
import ArgumentParser

/// `muster machine drop`
struct MachineDrop: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "drop", abstract: "Give up what was edited on a machine itself, at once: it gets the cluster's version.",
        discussion: """
            The machine gets it when nothing is left to decide.

              muster machine drop mx1 listeners/public
              muster machine drop mx1 --all
            """)

    @OptionGroup var edits: LocalEditOptions
    @OptionGroup var manager: ManagerOptions

    func run() async throws {
        let choice = try edits.choice()
        let left = try await manager.withManager { try await $0.dropLocalEdits(choice, of: edits.name) }
        try manager.renderer.show(list: left, whenEmpty: LocalConflictText.none(edits.name)) { style in
            "Left to decide:\n" + LocalConflictText(left).text(style).indented
        }
    }
}
