import AdminClient
import AdminContract
import ArgumentParser
import ClusterModel

/// `muster rollback`
struct RollbackCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "rollback", abstract: "Bring the settings back to an earlier revision, as a new one.",
        discussion: """
            The settings of the cluster, its groups and the machines that were there then and still are become what they were. \
            Network settings stay, what was set for machines that were removed stays gone, and machines that joined later keep \
            their own settings; machines that were moved stay where they are. All that is named. It is a commit like any other, \
            and can be rolled back itself.

              muster diff head 3
              muster rollback 3 --preview
              muster rollback 3 -m "The new policy loses mail" --wait
            """,
        aliases: ["rollbackconfig"])

    @Argument(help: "The revision whose settings shall hold again.")
    var revision: Int

    @Option(name: .shortAndLong, help: ArgumentHelp("Why, for the history.", valueName: "text"))
    var message = ""

    @Flag(help: "Say what would change, and change nothing.")
    var preview = false

    @OptionGroup var waiting: WaitOptions
    @OptionGroup var manager: ManagerOptions

    func validate() throws {
        guard revision >= 0 else { throw ValidationError("A revision is 0 or more.") }
        guard !preview || !waiting.wait else { throw ValidationError("Choose --preview or --wait.") }
    }

    func run() async throws {
        let view = try await manager.withManager {
            try await $0.rollback(RollbackRequest(revision: revision, comment: message, preview: preview))
        }
        guard preview else { return try await manager.finish(view, waiting) }
        try manager.renderer.show(view) { style in
            var parts = [
                view.machines.isEmpty
                    ? "A rollback to revision \(revision) would change no machine."
                    : "A rollback to revision \(revision) would change:"
            ]
            if !view.machines.isEmpty { parts.append(impactText(view.machines, style).indented) }
            if let leftOut = view.leftOut, !leftOut.isEmpty { parts.append(leftOutText(leftOut, style)) }
            return parts.joined(separator: "\n")
        }
    }
}

/// What is not as it was at that revision, for people.
func leftOutText(_ leftOut: [Rollback.LeftOut], _ style: Style) -> String {
    (["Not as it was then:"] + leftOut.map { "  \($0.level): \($0.remark)".printable() }).joined(separator: "\n")
}

extension Rollback.LeftOut {
    fileprivate var remark: String {
        let list = shortList(entries)
        return switch reason {
        case .ended: "the machine of then was removed, and what was set for it is gone with it: \(list)"
        case .groupGone: "the group was deleted" + (entries.isEmpty ? "" : ", and what was set for it is gone with it: \(list)")
        case .moved: "the machine was in \(list) then, and stays in the group that it is in now"
        case .joinedLater: "the machine joined later, and keeps what is set for it: \(list)"
        case .network: "network settings stay as they are: \(list)"
        }
    }
}
