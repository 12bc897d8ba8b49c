import AdminClient
import AdminContract
import ArgumentParser
import ClusterModel

/// `muster user list`
struct UserList: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list", abstract: "List the users, with their roles.",
        discussion: """
              muster user list
            """)

    @OptionGroup var manager: ManagerOptions

    func run() async throws {
        let users = try await manager.withManager { try await $0.users() }
        try manager.renderer.show(list: users, whenEmpty: "No users.") { style in
            Table(
                ["USER", "ROLE", "GROUP", "TOKENS", "SINCE", "ADDED BY"],
                users.map { [$0.name, $0.role.rawValue, $0.group ?? "all", String($0.tokens), $0.added.description, $0.addedBy] }
            ).text(style)
        }
    }
}
