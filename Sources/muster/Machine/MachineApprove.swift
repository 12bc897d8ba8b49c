import AdminClient
import AdminContract
import ArgumentParser
import ClusterModel

/// `muster machine approve`
struct MachineApprove: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "approve", abstract: "Let a machine in that waits.",
        discussion: """
            Compare the fingerprint with what the machine shows when it asks to join. What is approved is this key; the machine gets in
            when it asks again, which it does by itself with: muster agent join --wait

              muster machine requests
              muster machine approve mx1 --fingerprint 3f9a0c51d2e7
            """)

    @Argument(help: "The machine's name.")
    var name: String

    @Option(help: ArgumentHelp("The first digits of the fingerprint, twelve at least.", valueName: "digits"))
    var fingerprint: String

    @OptionGroup var manager: ManagerOptions

    func run() async throws {
        let decided = try await manager.withManager {
            try await $0.decideJoin(JoinDecision(machine: name, fingerprint: fingerprint, approve: true))
        }
        try manager.renderer.show(decided) { _ in
            "Approved \(decided.machine) for the group \(decided.group), with the key \(decided.fingerprint). It gets in when it asks again."
        }
    }
}
