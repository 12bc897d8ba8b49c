import AdminClient
import AdminContract
import ArgumentParser
import ClusterModel

/// `muster cert create`
struct CertCreate: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "create", abstract: "Make a self-signed certificate with a new key.",
        discussion: """
            It waits in your uncommitted changes. A name in use, committed or among your own edits, needs --replace.

              muster cert create mail --common-name mail.example.com \\
                  --san mx1.example.com --san mx2.example.com
              muster cert create mail --machine mx1 --common-name mx1.example.com \\
                  --days 90
              muster cert create mail --common-name mail.example.com --replace
            """)

    @Argument(help: "The certificate's name, by which services are given it.")
    var name: String

    @Option(help: ArgumentHelp("CN: the host name it speaks for.", valueName: "host"))
    var commonName: String

    @OptionGroup var subject: SubjectOptions

    @Flag(help: "Replace a certificate of that name.")
    var replace = false

    @OptionGroup var place: LevelOptions
    @OptionGroup var manager: ManagerOptions

    func run() async throws {
        let creation = CertificateCreation(
            level: place.level, name: name, request: subject.request(commonName: commonName), replace: replace)
        let certificate = try await manager.withManager { try await $0.createCertificate(creation) }
        try manager.renderer.show(certificate) { _ in certificate.sentence("Made") }
    }
}
