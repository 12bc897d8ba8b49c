import AdminClient
import AdminContract
import ArgumentParser

/// `muster group list`
struct GroupList: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list", abstract: "List the groups and who is in them.",
        discussion: """
              muster group list
            """)

    @OptionGroup var manager: ManagerOptions

    func run() async throws {
        let groups = try await manager.withManager { try await $0.groups() }
        try manager.renderer.show(list: groups, whenEmpty: "No groups.") { style in
            Table(["GROUP", "MACHINES"], groups.map { [$0.name, $0.machines.joined(separator: ", ")] }).text(style)
        }
    }
}
