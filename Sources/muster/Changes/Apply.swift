import AdminClient
import AdminContract
import ArgumentParser
import ClusterDocuments
import ClusterModel

/// `muster apply`
struct Apply: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Take a cluster document into your uncommitted changes, or commit it at once.",
        discussion: """
            Replaces exactly the sections that the document names, at the levels where it names them, and leaves the rest. Files \
            that it names are read from beside it. What is wrong with it is listed line by line. A document of another cluster is \
            refused; one with sealed keys (muster save --include-secrets) needs its password.

              muster apply -f cluster.yaml --dry-run
              muster apply -f cluster.yaml --commit -m "From the repository" --wait
            """,
        aliases: ["loadconfig"])

    @Option(name: .shortAndLong, help: ArgumentHelp("The document, YAML or JSON; - for standard input.", valueName: "file"))
    var file: String

    @Option(help: ArgumentHelp("A file whose first line is the password of the sealed keys in the document.", valueName: "file"))
    var passwordFile: String?

    @Flag(help: "Say what would change, and change nothing.")
    var dryRun = false

    @Flag(help: "Commit at once, together with your other uncommitted changes.")
    var commit = false

    @Option(name: .shortAndLong, help: ArgumentHelp("Why, for the history; with --commit.", valueName: "text"))
    var message = ""

    @OptionGroup var waiting: WaitOptions
    @OptionGroup var manager: ManagerOptions

    func validate() throws {
        guard !(dryRun && commit) else { throw ValidationError("Choose --dry-run or --commit.") }
        guard commit || (!waiting.wait && message.isEmpty) else { throw ValidationError("--wait and --message go with --commit.") }
    }

    func run() async throws {
        let view = try await manager.withManager { client in
            let document = try JSONValue(encoding: try await DocumentFile.read(file, passwordFile: passwordFile))
            return try await client.apply(ApplyRequest(document: document, dryRun: dryRun, commit: commit, comment: message))
        }
        if let commit = view.commit, waiting.wait || manager.isForPeople {
            if manager.isForPeople { Output.line(view.changeText(manager.renderer.style)) }
            try await manager.finish(commit, waiting)
        } else {
            try manager.renderer.show(view) { view.text($0, isDryRun: dryRun) }
        }
    }
}

extension ApplyView {
    /// The changes themselves, for people.
    func changeText(_ style: Style) -> String {
        let lines = groups.map { "New group \($0)".printable() } + changes.map { $0.text(style) }
        return lines.isEmpty ? "Nothing to change: it is so already." : lines.joined(separator: "\n")
    }

    /// Everything, for people.
    func text(_ style: Style, isDryRun: Bool) -> String {
        var parts = [changeText(style)]
        if !machines.isEmpty {
            parts.append("A commit would change these machines:\n" + impactText(machines, style).indented)
        }
        if !notices.isEmpty { parts.append(noticeText(notices, style)) }
        if isDryRun {
            parts.append("This was a dry run: nothing was changed.")
        } else if !changes.isEmpty || !groups.isEmpty {
            parts.append(commitReminder)
        }
        return parts.joined(separator: "\n")
    }
}
