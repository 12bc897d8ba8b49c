import AdminClient
import AdminContract
import ArgumentParser
import ClusterModel

/// `muster machine deny`
struct MachineDeny: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "deny", abstract: "Turn a machine away that waits to be let in.",
        discussion: """
            It is told so when it asks again, and the key that it asked with gets in no more. The invitation stays good for others.

              muster machine requests
              muster machine deny mx1
            """)

    @Argument(help: "The machine's name.")
    var name: String

    @Option(help: ArgumentHelp("The first digits of the fingerprint, if several of this name wait.", valueName: "digits"))
    var fingerprint: String?

    @OptionGroup var manager: ManagerOptions

    func run() async throws {
        let decided = try await manager.withManager {
            try await $0.decideJoin(JoinDecision(machine: name, fingerprint: fingerprint, approve: false))
        }
        try manager.renderer.show(decided) { _ in "Denied \(decided.machine) with the key \(decided.fingerprint)." }
    }
}
