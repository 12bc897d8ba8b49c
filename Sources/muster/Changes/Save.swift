import AdminClient
import AdminContract
import ArgumentParser
import ClusterDocuments
import ClusterModel

/// `muster save`
struct Save: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Print everything that is committed as one cluster document, which apply takes.",
        discussion: """
            YAML by default. Certificates are named by fingerprint: the document loads where the cluster holds their keys. With \
            --include-secrets their keys are inside, sealed under a password, so that the document makes a new manager the same; that is \
            for administrators, and written down in the audit list.

              muster save > acme.yaml
              muster save --include-secrets --password-file acme.pw > acme.yaml
              muster apply -f acme.yaml --password-file acme.pw --dry-run
            """,
        aliases: ["saveconfig", "showconfig"])

    @Flag(help: "With private keys, sealed under the password.")
    var includeSecrets = false

    @Option(help: ArgumentHelp("A file whose first line is the password.", valueName: "file"))
    var passwordFile: String?

    @OptionGroup var manager: ManagerOptions

    func validate() throws {
        guard includeSecrets == (passwordFile != nil) else { throw ValidationError("--include-secrets and --password-file go together.") }
    }

    func run() async throws {
        let saved = try await manager.withManager { client in
            let password: String? = if let passwordFile { try LocalFile.password(passwordFile) } else { nil }
            return try await client.save(SaveRequest(password: password))
        }
        let text = try manager.rendering.output == .json ? Renderer.json(saved.document) + "\n" : saved.yaml
        Output.text(text)
        if text.utf8.count > Limits.documentBytes {
            Output.error("This document has over \(Limits.documentBytes) bytes, more than apply takes at once. Load its levels in parts.")
        }
    }
}

extension SavedDocument {
    /// The document for people and files, with what they should know of it in front.
    var yaml: String {
        let cluster = document["cluster"]?.text ?? ""
        let about =
            keys == 0
            ? """
            # Certificates are named by fingerprint: this loads where the cluster holds their keys.
            # What makes a new manager the same: muster save --include-secrets --password-file FILE
            """
            : """
            # Private keys are inside, sealed under a password: add --password-file FILE. For a new manager, make it with --name \(cluster)
            # and join its machines under their names first.
            """
        return """
            # All settings of the cluster \(cluster), as they are committed. Look what loading them would change, then load them:
            #   muster apply -f THIS-FILE --dry-run
            #   muster apply -f THIS-FILE --commit
            # Each section that stands here becomes exactly this, at the level where it stands; other sections and levels stay as they are.
            \(about)

            """ + YAMLText.write(document)
    }
}
