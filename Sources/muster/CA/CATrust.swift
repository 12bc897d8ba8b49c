import AdminClient
import AdminContract
import ArgumentParser
import ClusterModel

/// `muster ca trust`
struct CATrust: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "trust", abstract: "Have every machine trust the next CA beside the present one.",
        discussion: """
            Each machine confirms when that is on its disk; muster ca show says who has not. Invitations and tokens made from now \
            on carry both CAs.

              muster ca trust
            """)

    @OptionGroup var manager: ManagerOptions

    func run() async throws {
        let view = try await manager.withManager { try await $0.rotateCA(CARequest(move: .trust)) }
        try manager.renderer.show(view) { view.text($0) }
    }
}
