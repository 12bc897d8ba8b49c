import AdminClient
import AdminContract
import ArgumentParser
import ClusterModel

/// `muster ca prepare`
struct CAPrepare: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "prepare", abstract: "Make the next CA. Nobody is told of it yet.",
        discussion: """
            Its key is sealed and never leaves the manager.

              muster ca prepare
            """)

    @OptionGroup var manager: ManagerOptions

    func run() async throws {
        let view = try await manager.withManager { try await $0.rotateCA(CARequest(move: .prepare)) }
        try manager.renderer.show(view) { view.text($0) }
    }
}
