import AdminClient
import AdminContract
import ArgumentParser

/// `muster machine remove`
struct MachineRemove: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "remove", abstract: "Remove a machine from the cluster, at once.",
        discussion: """
            The machine goes on serving what it serves now, standalone. The cluster forgets what was set for this machine \
            alone: if it joins again, its machine-level certificates are gone. Look first; nothing is removed then:

              muster machine remove mx1 --preview
              muster machine remove mx1

            To keep a certificate of the machine, promote it before: muster cert promote NAME --from machine/mx1 --to cluster
            """)

    @Argument(help: "The machine's name.")
    var name: String

    @Flag(help: "Say what would be lost, and remove nothing.")
    var preview = false

    @OptionGroup var manager: ManagerOptions

    func run() async throws {
        let loss = try await manager.withManager { client in
            preview ? try await client.loss(removing: name) : try await client.removeMachine(name)
        }
        try manager.renderer.show(loss) { style in
            let heading =
                preview
                ? "If \(name) is removed, and joins again later:" : "Removed \(name). It serves on, standalone. If it joins again later:"
            return heading + "\n" + loss.text(style).indented
        }
    }
}
