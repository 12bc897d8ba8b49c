import AdminClient
import AdminContract
import ArgumentParser

/// `muster machine show`
struct MachineShow: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "show", abstract: "Show one machine, and what each of its services was seen to serve.",
        discussion: """
              muster machine show mx1
            """)

    @Argument(help: "The machine's name.")
    var name: String

    @OptionGroup var manager: ManagerOptions

    func run() async throws {
        let machine = try await manager.withManager { try await $0.machine(name) }
        try manager.renderer.show(machine) { machine.text($0) }
    }
}
