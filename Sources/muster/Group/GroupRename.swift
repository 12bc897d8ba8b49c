import AdminClient
import AdminContract
import ArgumentParser

/// `muster group rename`
struct GroupRename: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "rename", abstract: "Give a group another name, at once.",
        discussion: """
            Nothing changes for its machines: settings, edits, invitations and limited roles follow the group, not its name.

              muster group rename eu europe
            """)

    @Argument(help: "The group's name of today.")
    var name: String

    @Argument(help: "The new name.")
    var new: String

    @OptionGroup var manager: ManagerOptions

    func run() async throws {
        let group = try await manager.withManager { try await $0.renameGroup(name, to: new) }
        try manager.renderer.show(group) { _ in "Renamed the group \(name) to \(group.name).".printable() }
    }
}
