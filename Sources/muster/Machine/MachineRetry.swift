import AdminClient
import AdminContract
import ArgumentParser

/// `muster machine retry`
struct MachineRetry: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "retry", abstract: "Send a machine the target that it rejected, or drifted from, once more.",
        discussion: """
            A rejected configuration is not sent again by itself until it changes. Use this when the cause was on the machine. A \
            machine that drifted is sent everything anew; muster check says what differs.

              muster machine show mx1      why it was rejected
              muster machine retry mx1
            """)

    @Argument(help: "The machine's name.")
    var name: String

    @OptionGroup var manager: ManagerOptions

    func run() async throws {
        let machine = try await manager.withManager { try await $0.retryMachine(name) }
        try manager.renderer.show(machine) { machine.text($0) }
    }
}
