import AdminClient
import AdminContract
import ArgumentParser
import ClusterModel
import FoundationEssentials

/// `muster authority add`
struct AuthorityAdd: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "add", abstract: "Take in a list of authorities, or trust the operating system's again.",
        discussion: """
            The file has certificates in PEM, with whatever text between them, or one in DER. What is no authority's certificate is \
            refused; what has expired, is there twice, or lacks its root is told. "system" takes no file.

              muster authority add partner-root partner-root.pem
              muster authority add partner-root new.pem --replace
              muster authority add system --group eu
            """)

    @Argument(help: "The list's name; system for the operating system's.")
    var name: String

    @Argument(help: "The list's file.")
    var file: String?

    @Flag(help: "Replace what the level says under this name.")
    var replace = false

    @OptionGroup var place: LevelOptions
    @OptionGroup var manager: ManagerOptions

    private var isSystem: Bool { name == AuthoritySetting.systemName }

    func validate() throws {
        guard isSystem || file != nil else { throw ValidationError("Give the list's file.") }
        guard !isSystem || file == nil else {
            throw ValidationError("\"system\" stands for the operating system's list, which has no file. Choose another name for this one.")
        }
    }

    func run() async throws {
        let added = try await manager.withManager { client in
            guard let file else { return try await client.trustSystem(SystemTrust(level: place.level, trusted: true)) }
            let bytes = try LocalFile.read(file, limit: Limits.certificateFileBytes)
            return try await client.addAuthorities(
                AuthorityAddition(
                    level: place.level, name: name, file: Data(bytes).base64EncodedString(), replace: replace))
        }
        try manager.renderer.show(added) { style in
            [added.sentence, added.findings.text(style)].filter { !$0.isEmpty }.joined(separator: "\n")
        }
    }
}
