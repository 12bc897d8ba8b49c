import AdminClient
import AdminContract
import ArgumentParser
import ClusterModel

/// `muster ca retire`
struct CARetire: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "retire", abstract: "Trust the CA from before no more. The rotation is over then.",
        discussion: """
            Refused while a machine has no certificate of the new CA. Open invitations that know the old CA only end, and are \
            named.

              muster ca retire
            """)

    @OptionGroup var manager: ManagerOptions

    func run() async throws {
        let view = try await manager.withManager { try await $0.rotateCA(CARequest(move: .retire)) }
        try manager.renderer.show(view) { view.text($0) }
    }
}
