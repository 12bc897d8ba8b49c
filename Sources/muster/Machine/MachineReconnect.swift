import AdminClient
import AdminContract
import ArgumentParser

/// `muster machine reconnect`
struct MachineReconnect: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "reconnect", abstract: "Let a disconnected machine follow again, at once.",
        discussion: """
            It gets what was committed meanwhile. If its settings were edited on the machine itself, it keeps serving them until \
            each edit is decided: taken into the machine's level and committed, or dropped. Nothing is merged by age.

              muster machine reconnect mx1
              muster machine conflicts mx1
            """)

    @Argument(help: "The machine's name.")
    var name: String

    @OptionGroup var manager: ManagerOptions

    func run() async throws {
        let machine = try await manager.withManager { try await $0.reconnectMachine(name) }
        try manager.renderer.show(machine) { machine.text($0) }
    }
}
