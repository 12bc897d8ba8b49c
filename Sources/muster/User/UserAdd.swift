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

            A role that is limited to a group holds at that group's level and at its machines; with it the cluster's level can \
            be seen, and nothing of other groups.

              muster user add bob --role operator
              muster user add eve --role administrator --group eu
            """)

    @Argument(help: "The new user's name.")
    var name: String

    @Option(help: "What the user may do.")
    var role: Role

    @Option(help: ArgumentHelp("Limit the role to this group and its machines.", valueName: "name"))
    var group: String?

    @OptionGroup var manager: ManagerOptions

    func run() async throws {
        let user = try await manager.withManager { try await $0.addUser(name, role: role, group: group) }
        try manager.renderer.show(user) { _ in
            "Added \(user.name) as \(user.role.rawValue)\(user.group.map { " in the group \($0) only" } ?? ""). Make a token: muster token create --user \(user.name)"
        }
    }
}

extension Role: ExpressibleByArgument {}
