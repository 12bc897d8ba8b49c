import AdminClient
import AdminContract
import ArgumentParser
import ClusterModel
import FoundationEssentials

/// `muster cert upload`
struct CertUpload: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "upload", abstract: "Take in a signed certificate for a key that is there, with its intermediates.",
        discussion: """
            The file is PEM, DER or PKCS#7 (.p7b); a leaf alone, or with intermediates in any order. It must be for the entry's key, which stays. It
            replaces what the entry has; the one before stays in the history. Intermediates may also come later, without a leaf.
            Renewing is the same step again.

              muster cert upload mail mail.crt
              muster cert upload mail mail.crt --intermediate ca1.crt --intermediate ca2.crt
              muster cert upload mail --intermediate ca1.crt
            """)

    @Argument(help: "The certificate's name.")
    var name: String

    @Argument(help: "The signed certificate's file; left out to add intermediates only.")
    var file: String?

    @Option(help: ArgumentHelp("A file with intermediates. May be repeated.", valueName: "file"))
    var intermediate: [String] = []

    @OptionGroup var place: LevelOptions
    @OptionGroup var manager: ManagerOptions

    func validate() throws {
        guard file != nil || !intermediate.isEmpty else {
            throw ValidationError("Give the signed certificate's file, or --intermediate FILE.")
        }
    }

    func run() async throws {
        let certificate = try await manager.withManager { client in
            try await client.uploadCertificate(
                CertificateUpload(
                    level: place.level, name: name, certificate: try file.map(CertUpload.base64),
                    intermediates: try intermediate.map(CertUpload.base64)))
        }
        try manager.renderer.show(certificate) { style in
            [certificate.sentence("Uploaded"), certificate.findings.text(style)].filter { !$0.isEmpty }.joined(separator: "\n")
        }
    }

    private static func base64(_ file: String) throws(Refusal) -> String {
        Data(try LocalFile.read(file, limit: Limits.certificateFileBytes)).base64EncodedString()
    }
}
