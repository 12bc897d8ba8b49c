import AdminClient
import AdminContract
import ArgumentParser
import ClusterModel

/// `muster whoami`
struct WhoAmI: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "whoami", abstract: "Say who you are to the manager, and what you may do.",
        discussion: """
              muster whoami
            """)

    @OptionGroup var manager: ManagerOptions

    func run() async throws {
        let view = try await manager.withManager { try await $0.whoAmI() }
        try manager.renderer.show(view) { style in
            Facts([
                ("user", .init(view.user)), ("role", .init(view.role.rawValue)), ("in group", .init(view.group.map { "\($0) only" } ?? "")),
                ("cluster", .init(view.cluster)),
            ]).text(style)
        }
    }
}
