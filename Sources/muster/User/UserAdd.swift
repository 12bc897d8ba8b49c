import AdminClient
import AdminContract
import ArgumentParser
import ClusterModel

/// `muster user add`
struct UserAdd: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "add", abstract: "Add a user, at once.",
        discussion: """
            A user needs a token to do anything: muster token create --user NAME

              muster user add bob --role operator
            """)

    @Argument(help: "The new user's name.")
    var name: String

    @Option(help: "What the user may do.")
    var role: Role

    @OptionGroup var manager: ManagerOptions

    func run() async throws {
        let user = try await manager.withManager { try await $0.addUser(name, role: role) }
        try manager.renderer.show(user) { _ in
            "Added \(user.name) as \(user.role.rawValue). Make a token: muster token create --user \(user.name)"
        }
    }
}

extension Role: ExpressibleByArgument {}
