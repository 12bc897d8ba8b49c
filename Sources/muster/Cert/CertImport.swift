import AdminClient
import AdminContract
import ArgumentParser
import ClusterModel
import FoundationEssentials

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

    @Option(help: ArgumentHelp("A PKCS#12 file with certificate, key and intermediates.", valueName: "file"))
    var pkcs12: String?

    @Option(
        help: ArgumentHelp(
            "A file whose first line is the password of the PKCS#12 file or of the key. (default: no password)", valueName: "file"))
    var passwordFile: String?

    @Option(help: ArgumentHelp("A PEM file with the certificate, then its intermediates.", valueName: "file"))
    var pem: String?

    @Option(help: ArgumentHelp("A PEM file with the private key.", valueName: "file"))
    var key: String?

    @OptionGroup var place: LevelOptions
    @OptionGroup var manager: ManagerOptions

    func validate() throws {
        guard (pkcs12 == nil) != (pem == nil) else { throw ValidationError("Give --pkcs12 FILE, or --pem FILE with --key FILE.") }
        guard (pem == nil) == (key == nil) else { throw ValidationError("--pem and --key go together.") }
    }

    func run() async throws {
        let certificate = try await manager.withManager { client in
            try await client.importCertificate(try request())
        }
        try manager.renderer.show(certificate) { style in
            let text = certificate.sentence("Imported")
            return [text, certificate.findings.text(style)].filter { !$0.isEmpty }.joined(separator: "\n")
        }
    }

    private func request() throws(Refusal) -> CertificateImport {
        if let pem, let key {
            return CertificateImport(
                level: place.level, name: name, pem: try LocalFile.text(pem, limit: Limits.certificateFileBytes),
                key: try LocalFile.text(key, limit: Limits.certificateFileBytes), password: try password())
        }
        let bytes = try LocalFile.read(pkcs12 ?? "", limit: Limits.certificateFileBytes)
        return CertificateImport(level: place.level, name: name, pkcs12: Data(bytes).base64EncodedString(), password: try password() ?? "")
    }

    private func password() throws(Refusal) -> String? {
        if let passwordFile { return try LocalFile.password(passwordFile) }
        return nil
    }
}
