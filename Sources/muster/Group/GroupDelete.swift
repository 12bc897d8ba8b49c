import AdminClient
import AdminContract
import ArgumentParser
import ClusterModel

/// `muster group delete`
struct GroupDelete: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "delete", abstract: "Delete a group and what is set for it, at once.",
        discussion: """
            Refused while machines are in it, while a user's role is limited to it, and for the last group. Move the machines \
            first. Look before; nothing is deleted then:

              muster group delete us --preview
              muster machine move mx7 --group eu
              muster group delete us

            To keep a certificate of the group: muster cert promote NAME --from group/us --to cluster, and commit.
            """)

    @Argument(help: "The group's name.")
    var name: String

    @Flag(help: "Say what would be lost, and delete nothing.")
    var preview = false

    @OptionGroup var manager: ManagerOptions

    func run() async throws {
        let deletion = try await manager.withManager { client in
            preview ? try await client.loss(deletingGroup: name) : try await client.deleteGroup(name)
        }
        try manager.renderer.show(deletion) { deletion.text($0, isPreview: preview) }
    }
}

extension GroupDeletion {
    /// For people: what goes with the group.
    func text(_ style: Style, isPreview: Bool) -> String {
        var parts = [(isPreview ? "If the group \(name) is deleted:" : "Deleted the group \(name).").printable()]
        parts.append(LossReport(certificates: certificates, settings: settings).text(style).indented)
        if !invitations.isEmpty {
            let list = invitations.map { "\($0.id) (until \($0.expires))" }.joined(separator: ", ")
            parts.append("  Open invitations to it let nobody in any more: \(list)".printable())
        }
        if !problems.isEmpty {
            parts.append(style.paint("The deletion would be refused:", .bad))
            parts += problems.map { "  - \($0.printable())" }
        }
        return parts.joined(separator: "\n")
    }
}
