import AdminClient
import AdminContract
import ArgumentParser
import ClusterModel

/// `muster ca abort`
struct CAAbort: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "abort", abstract: "Give up the next CA, before it has issued anything.",
        discussion: """
            Machines that trust it are told to trust the present one alone again.

              muster ca abort
            """)

    @OptionGroup var manager: ManagerOptions

    func run() async throws {
        let view = try await manager.withManager { try await $0.rotateCA(CARequest(move: .abort)) }
        try manager.renderer.show(view) { view.text($0) }
    }
}
