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

    @Option(help: ArgumentHelp("A further host name or address it speaks for. May be repeated.", valueName: "name"))
    var san: [String] = []

    @Option(help: ArgumentHelp("The key's algorithm and size.", valueName: "kind"))
    var key = KeyAlgorithm.ecdsaP256

    @Option(help: ArgumentHelp("Days until it expires.", valueName: "n"))
    var days = 365

    @Option(help: ArgumentHelp("O: the organization.", valueName: "text"))
    var organization: String?

    @Option(help: ArgumentHelp("OU: the unit within it.", valueName: "text"))
    var organizationalUnit: String?

    @Option(help: ArgumentHelp("L: the city.", valueName: "text"))
    var locality: String?

    @Option(help: ArgumentHelp("ST: the state or province.", valueName: "text"))
    var state: String?

    @Option(help: ArgumentHelp("C: the country's code of two letters.", valueName: "code"))
    var country: String?

    @Flag(help: "Replace a certificate of that name.")
    var replace = false

    @OptionGroup var place: LevelOptions
    @OptionGroup var manager: ManagerOptions

    func run() async throws {
        var request = SelfSignedRequest(commonName: commonName, names: san, days: days, key: key)
        request.organization = organization
        request.organizationalUnit = organizationalUnit
        request.locality = locality
        request.state = state
        request.country = country
        let creation = CertificateCreation(level: place.level, name: name, request: request, replace: replace)
        let certificate = try await manager.withManager { try await $0.createCertificate(creation) }
        try manager.renderer.show(certificate) { _ in certificate.sentence("Made") }
    }
}

extension KeyAlgorithm: ExpressibleByArgument {}
