import AdminClient
import AdminContract
import ArgumentParser
import ClusterModel

/// `muster machine move`
struct MachineMove: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "move", abstract: "Move a machine to another group, at once.",
        discussion: """
            The machine gets what is set for that group instead of what is set for its group of today; its own settings stay. \
            Refused when it would not hold together there. Look first; nothing is moved then:

              muster machine move mx1 --group us --preview
              muster machine move mx1 --group us --wait
            """)

    @Argument(help: "The machine's name.")
    var name: String

    @Option(help: ArgumentHelp("The group that it shall be in.", valueName: "name"))
    var group: String

    @Flag(help: "Say what the machine would gain, lose and serve, and move nothing.")
    var preview = false

    @OptionGroup var waiting: WaitOptions
    @OptionGroup var manager: ManagerOptions

    func validate() throws {
        guard !preview || !waiting.wait else { throw ValidationError("Choose --preview or --wait.") }
    }

    func run() async throws {
        let move = try await manager.withManager { try await $0.moveMachine(name, MoveRequest(group: group, preview: preview)) }
        if preview || !waiting.wait { return try manager.renderer.show(move) { move.text($0, isPreview: preview) } }
        let style = manager.renderer.style
        if manager.isForPeople { Output.line(move.text(style, isPreview: false)) }
        let wait = try await manager.withManager {
            try await waiting.waited($0, for: [move.machine], showing: manager.isForPeople, style: style)
        }
        if manager.isForPeople {
            Output.line(wait.summary)
        } else {
            try manager.renderer.show(MoveResult(move: move, wait: wait)) { _ in "" }
        }
        guard wait.isGood else {
            Output.error("The move stands, but the machine has not proved its new settings. Look with: muster machine show \(move.machine)")
            throw ExitCode.failure
        }
    }
}

/// What a move did, and what became of it: the move's own keys, and those of a commit that is waited for.
private struct MoveResult: Encodable {
    var move: MoveView
    var wait: CommitWait

    func encode(to encoder: any Encoder) throws {
        try move.encode(to: encoder)
        try wait.encodeOutcomes(to: encoder)
    }
}

extension MoveView {
    /// For people: what the machine gains, loses and serves.
    func text(_ style: Style, isPreview: Bool) -> String {
        guard from != to else { return "\(machine) is in the group \(to) already. Nothing was moved.".printable() }
        let heading =
            isPreview ? "If \(machine) is moved from the group \(from) to \(to):" : "Moved \(machine) from the group \(from) to \(to)."
        var parts = [heading.printable()]
        let changes = machines.flatMap(\.changes)
        for (kind, word) in [(EntryImpact.Kind.added, "gains"), (.removed, "loses"), (.changed, "gets changed")] {
            let names = changes.filter { $0.change == kind }.map { "\($0.section)/\($0.name)" }
            if !names.isEmpty { parts.append("  it \(word): \(names.joined(separator: ", "))".printable()) }
        }
        parts += machines.flatMap(\.services).map { "  \($0.text)".printable() }
        if changes.isEmpty { parts.append("  nothing changes for it: the two groups give it the same") }
        if !notices.isEmpty { parts.append(noticeText(notices, style)) }
        if !problems.isEmpty {
            parts.append(style.paint("The move would be refused:", .bad))
            parts += problems.map { "  - \($0.printable())" }
        }
        return parts.joined(separator: "\n")
    }
}
