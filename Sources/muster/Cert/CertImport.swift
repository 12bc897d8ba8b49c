import AdminClient
import AdminContract
import ArgumentParser
import ClusterModel

/// `muster cert import`
struct CertImport: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "import", abstract: "Take in a certificate with its key, from a PKCS#12 file or PEM files.",
        discussion: """
            Replaces key and chain of a certificate of that name. The password comes from a file, so that it stands in no \
            process list. What is wrong with the chain is reported, and does not prevent the import.

              muster cert import mail --pkcs12 mail.p12 --password-file mail.pw
              muster cert import mail --machine mx1 --pem mx1-chain.pem \\
                  --key mx1-key.pem
            """)

    @Argument(help: "The certificate's name.")
    var name: String

    @OptionGroup var files: IdentityFileOptions

    @Option(help: ArgumentHelp("A PEM file with the private key.", valueName: "file"))
    var key: String?

    @OptionGroup var place: LevelOptions
    @OptionGroup var manager: ManagerOptions

    func validate() throws {
        guard (files.pkcs12 == nil) != (files.pem == nil) else {
            throw ValidationError("Give --pkcs12 FILE, or --pem FILE with --key FILE.")
        }
        guard (files.pem == nil) == (key == nil) else { throw ValidationError("--pem and --key go together.") }
    }

    func run() async throws {
        let certificate = try await manager.withManager { client in
            guard let request = try files.request(at: place.level, name: name, key: key) else {
                throw Refusal(.invalid, "Give a PKCS#12 file, or a certificate and its key in PEM.")
            }
            return try await client.importCertificate(request)
        }
        try manager.renderer.show(certificate) { style in
            let text = certificate.sentence("Imported")
            return [text, certificate.findings.text(style)].filter { !$0.isEmpty }.joined(separator: "\n")
        }
    }
}
