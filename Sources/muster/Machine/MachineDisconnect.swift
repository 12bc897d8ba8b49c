import AdminClient
import AdminContract
import ArgumentParser

/// `muster machine disconnect`
struct MachineDisconnect: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "disconnect", abstract: "Keep a machine from following, at once; it stays a member.",
        discussion: """
            The machine goes on serving what it serves and keeps its level. What is committed meanwhile is checked for it as ever, \
            and waits. On the machine itself settings can be edited until it is reconnected: muster agent set.

              muster machine disconnect mx1
            """)

    @Argument(help: "The machine's name.")
    var name: String

    @OptionGroup var manager: ManagerOptions

    func run() async throws {
        let machine = try await manager.withManager { try await $0.disconnectMachine(name) }
        try manager.renderer.show(machine) { machine.text($0) }
    }
}
