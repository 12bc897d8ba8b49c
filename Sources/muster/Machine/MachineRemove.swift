import AdminClient
import AdminContract
import ArgumentParser
import ClusterModel

/// `muster machine remove`
struct MachineRemove: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "remove", abstract: "Remove a machine from the cluster, at once.",
        discussion: """
            The machine goes on serving what it serves now, standalone. The cluster forgets what was set for this machine \
            alone: if it joins again, its machine-level certificates are gone. Look first; nothing is removed then:

              muster machine remove mx1 --preview
              muster machine remove mx1

            To have it back when the machine has joined again, keep it in an archive:

              muster machine remove mx1 --archive
              muster machine restore mx1

            To keep a certificate for others, promote it before: muster cert promote NAME --from machine/mx1 --to cluster
            """)

    @Argument(help: "The machine's name.")
    var name: String

    @Flag(help: "Say what would be lost, and remove nothing.")
    var preview = false

    @Flag(help: "Keep what is set for this machine alone, sealed, for muster machine restore.")
    var archive = false

    @OptionGroup var manager: ManagerOptions

    func run() async throws {
        if preview {
            let loss = try await manager.withManager { try await $0.loss(removing: name) }
            return try manager.renderer.show(loss) { style in
                """
                If \(name) is removed, and joins again later:
                \(loss.text(style).indented)\(loss.isEmpty ? "" : "\n" + hint)
                """
            }
        }
        let removal = try await manager.withManager { try await $0.removeMachine(name, archive: archive) }
        try manager.renderer.show(removal) { removal.text($0, machine: name, isArchiveWanted: archive) }
    }

    private var hint: String {
        archive
            ? "The archive would keep what is lost here. After the next join: muster machine restore \(name)"
            : "To be able to restore it then: muster machine remove \(name) --archive"
    }
}

extension MachineRemoval {
    fileprivate func text(_ style: Style, machine: String, isArchiveWanted: Bool) -> String {
        guard let archive else {
            let remark = isArchiveWanted ? " Nothing was set for it alone, so there is no archive." : ""
            return "Removed \(machine). It serves on, standalone.\(remark) If it joins again later:\n" + loss.text(style).indented
        }
        return """
            Removed \(machine). It serves on, standalone. What was set for it alone (\(archive.entriesText)) is kept in the archive \(archive.id).
            When it has joined again: muster machine restore \(machine)
            If it joins again later, until that:
            \(loss.text(style).indented)
            """
    }
}
