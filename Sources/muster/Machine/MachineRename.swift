import AdminClient
import AdminContract
import ArgumentParser

/// `muster machine rename`
struct MachineRename: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "rename", abstract: "Give a machine another name in the cluster, at once.",
        discussion: """
            Nothing changes for the machine: its settings, its certificate for the cluster and your uncommitted edits follow the \
            membership, not the name. On the machine itself, muster agent status goes on showing the name under which it joined. \
            Host names that it serves are settings: muster interface set.

              muster machine rename mx1 edge-mx1
            """)

    @Argument(help: "The machine's name of today.")
    var name: String

    @Argument(help: "The new name.")
    var new: String

    @OptionGroup var manager: ManagerOptions

    func run() async throws {
        let machine = try await manager.withManager { try await $0.renameMachine(name, to: new) }
        try manager.renderer.show(machine) { _ in "Renamed the machine \(name) to \(machine.name).".printable() }
    }
}
