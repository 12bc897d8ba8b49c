import AdminClient
import AdminContract
import ArgumentParser

/// `muster machine forget`
struct MachineForget: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "forget", abstract: "Give up an archive of a removed machine, for good.",
        discussion: """
            Its entries cannot be restored any more; only a backup of the manager still has them.

              muster machine archives
              muster machine forget 3f9a0c51d2e7
            """)

    @Argument(help: "The archive: its first digits are enough.")
    var archive: String

    @OptionGroup var manager: ManagerOptions

    func run() async throws {
        let forgotten = try await manager.withManager { try await $0.forgetArchive(archive) }
        try manager.renderer.show(forgotten) { _ in
            "Forgot the archive \(forgotten.id) of \(forgotten.machine), with \(forgotten.entriesText)."
        }
    }
}

extension ArchiveView {
    /// `3 entries`
    var entriesText: String { "\(entries) \(entries == 1 ? "entry" : "entries")" }
}
