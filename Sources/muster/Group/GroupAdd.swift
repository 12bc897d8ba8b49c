import AdminClient
import AdminContract
import ArgumentParser

/// `muster group add`
struct GroupAdd: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "add", abstract: "Add a group, at once.",
        discussion: """
              muster group add eu
            """)

    @Argument(help: "The new group's name.")
    var name: String

    @OptionGroup var manager: ManagerOptions

    func run() async throws {
        let group = try await manager.withManager { try await $0.addGroup(name) }
        try manager.renderer.show(group) { _ in "Added the group \(group.name). Let machines into it: muster invite --group \(group.name)" }
    }
}
