import AdminClient
import AdminContract
import ArgumentParser
import ClusterModel

/// `muster machine restore`
struct MachineRestore: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "restore", abstract: "Put what was archived of a machine back, as uncommitted edits.",
        discussion: """
            For a machine that was removed with --archive and has joined again. Its own certificates come back with their keys. Network \
            settings are left as the machine brought them along. Nothing is committed: look, discard what you do not want, commit.

              muster machine restore mx1
              muster changes --preview
              muster commit --wait

            Without --archive, the newest archive of a machine of this name is taken. A machine that joined under another name:

              muster machine restore mx9 --from mx1
            """)

    @Argument(help: "The machine's name today.")
    var name: String

    @Option(help: ArgumentHelp("The archive: its first digits are enough. List them with: muster machine archives", valueName: "id"))
    var archive: String?

    @Option(help: ArgumentHelp("The name that the machine had when it was removed.", valueName: "name"))
    var from: String?

    @OptionGroup var manager: ManagerOptions

    func validate() throws {
        guard archive == nil || from == nil else { throw ValidationError("Give --archive or --from, not both.") }
    }

    func run() async throws {
        let restored = try await manager.withManager {
            try await $0.restoreMachine(name, RestoreRequest(archive: archive, from: from))
        }
        try manager.renderer.show(restored) { restored.text($0) }
    }
}

extension RestoreView {
    fileprivate func text(_ style: Style) -> String {
        let count = entries.count { $0.outcome == .added || $0.outcome == .replaced }
        var parts = ["From the archive \(archive.id) of \(archive.machine), removed by \(archive.by) at \(archive.time):".printable()]
        parts.append(
            Table(["ENTRY", "AT machine/\(machine)"], cells: entries.map { [.init($0.path), .init($0.outcome.text, $0.outcome.tone)] })
                .text(style).indented)
        parts += notices.map { $0.printable() }
        parts.append(
            count == 0
                ? "There is nothing to commit."
                : "\(count) \(count == 1 ? "edit waits" : "edits wait") to be committed. Look with muster changes --preview, then: muster commit --wait"
        )
        return parts.joined(separator: "\n")
    }
}

extension RestoredEntry.Outcome {
    fileprivate var text: String {
        switch self {
        case .added: "put back"
        case .replaced: "put back in the place of another value, see muster changes"
        case .equal: "so already"
        case .network: "left as the machine brought it along"
        }
    }

    fileprivate var tone: Style.Tone {
        switch self {
        case .added: .good
        case .replaced: .waiting
        case .equal, .network: .faint
        }
    }
}
