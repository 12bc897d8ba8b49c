import AdminContract
import ArgumentParser
import ClusterModel

/// The noun `interface`.
enum InterfaceNoun: SectionNoun {
    static let noun = "interface"
    static let section = SectionName.interfaces
    typealias Target = NamedEntry
    static let example = "data1"
    static let exampleLevel = " --machine mx1"
    static var columns: [(heading: String, text: (JSONValue) -> String)] {
        [
            ("HOSTNAME", { $0.field("hostname") }), ("ADDRESS", { $0.field("address") }),
            ("HTTPS PORT", { $0["https"].map { $0.field("port", standard: "443") } ?? "none" }),
            ("HTTPS CERTIFICATE", { $0["https"]?.field("certificate") ?? "" }),
            ("TLS PROFILE", { $0["https"]?.field("tlsProfile", standard: "https") ?? "" }),
        ]
    }
}

/// `muster interface`
struct InterfaceCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "interface", abstract: "IP interfaces of machines; they exist at machine level only.",
        discussion: """
              muster interface set data1 --machine mx1 --hostname mx1.example.com \\
                  --address 192.0.2.11
              muster interface list --machine mx1
            """,
        subcommands: [NounList<InterfaceNoun>.self, NounShow<InterfaceNoun>.self, InterfaceSet.self, NounUnset<InterfaceNoun>.self],
        aliases: ["interfaceconfig"])
}

/// `muster interface set`
struct InterfaceSet: NounSet {
    typealias Noun = InterfaceNoun

    static let configuration = CommandConfiguration(
        commandName: "set", abstract: "Set fields of a machine's interface; those not named stay as they are.",
        discussion: """
              muster interface set data1 --machine mx1 --hostname mx1.example.com \\
                  --address 192.0.2.11
              muster interface set data1 --machine mx1 --https-port 443 \\
                  --https-certificate mail
              muster interface set data1 --machine mx1 --clear https.tlsProfile
              muster interface set data1 --machine mx1 --clear https
            """)

    @OptionGroup var target: NamedEntry

    @Option(
        help: ArgumentHelp(
            "The host name by which senders reach it: the MX record and the certificate must agree with it.", valueName: "host"))
    var hostname: String?

    @Option(help: ArgumentHelp("Its IPv4 or IPv6 address.", valueName: "address"))
    var address: String?

    @Option(help: ArgumentHelp("The port of its HTTPS service.", valueName: "n"))
    var httpsPort: Int?

    @Option(help: ArgumentHelp("The certificate of its HTTPS service.", valueName: "name"))
    var httpsCertificate: String?

    @Option(
        name: .customLong("https-tls-profile"),
        help: ArgumentHelp("The TLS profile of its HTTPS service; without one, that called https.", valueName: "name"))
    var httpsTLSProfile: String?

    @OptionGroup var clearing: ClearOptions
    @OptionGroup var place: LevelOptions
    @OptionGroup var manager: ManagerOptions

    var fields: FieldPatch {
        var fields = FieldPatch()
        fields.set("hostname", hostname)
        fields.set("address", address)
        var https = FieldPatch()
        https.set("port", httpsPort)
        https.set("certificate", httpsCertificate)
        https.set("tlsProfile", httpsTLSProfile)
        fields.set("https", https)
        return fields
    }
}
