import AdminClient
import AdminContract
import ArgumentParser
import ClusterModel
import ClusterService
import FoundationEssentials

/// `muster cert export`
struct CertExport: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "export", abstract: "Write a certificate with its key and chain into a PKCS#12 file under a password.",
        discussion: """
            For administrators, and written down in the audit list. The file is for its owner alone (mode 0600) and replaces none. The
            password comes from a file, so that it stands in no process list.

              muster cert export mail --pkcs12 mail.p12 --password-file mail.pw
              muster cert export mail --pkcs12 old.p12 --password-file mail.pw --legacy
            """)

    @Argument(help: "The certificate's name.")
    var name: String

    @Option(help: ArgumentHelp("The file to make. It must not be there yet.", valueName: "file"))
    var pkcs12: String

    @Option(help: ArgumentHelp("A file whose first line is the password.", valueName: "file"))
    var passwordFile: String

    @Flag(help: "For programs that read nothing else: 3DES and SHA-1, which are weak.")
    var legacy = false

    @OptionGroup var place: LevelOptions
    @OptionGroup var manager: ManagerOptions

    /// What the command did.
    private struct Written: Encodable {
        var file: String
        var fingerprint: Digest
    }

    func run() async throws {
        let written = try await manager.withManager { client in
            guard !FileManager.default.fileExists(atPath: pkcs12) else {
                throw Refusal(.exists, "There is a file \(pkcs12) already, and an export replaces none. Choose another name.")
            }
            let password = try LocalFile.password(passwordFile)
            let exported = try await client.exportCertificate(
                CertificateExport(level: place.level, name: name, password: password, legacy: legacy))
            guard let bytes = Data(base64Encoded: exported.pkcs12) else {
                throw Refusal(.unreadable, "The manager's answer is no file in base64.")
            }
            try PrivateFile.write(Array(bytes), to: pkcs12)
            return Written(file: pkcs12, fingerprint: exported.fingerprint)
        }
        try manager.renderer.show(written) { style in
            style.paint("Wrote \(written.file)", .good)
                + ": the certificate \"\(name)\" at \(place.level), fingerprint \(written.fingerprint.short), with its key."
        }
    }
}
