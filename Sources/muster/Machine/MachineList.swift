import AdminClient
import AdminContract
import ArgumentParser

/// `muster machine list`
struct MachineList: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list", abstract: "List every machine with its group, state and revision.",
        discussion: """
              muster machine list
              muster machine list --output json
            """)

    @OptionGroup var manager: ManagerOptions

    func run() async throws {
        let machines = try await manager.withManager { try await $0.machines() }
        try manager.renderer.show(list: machines, whenEmpty: "No machines yet. Let one in: muster invite") {
            MachineTable(machines).text($0)
        }
    }
}
