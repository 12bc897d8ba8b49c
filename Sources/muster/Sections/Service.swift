import AdminContract
import ArgumentParser
import ClusterModel

/// The noun `service`.
enum ServiceNoun: SectionNoun {
    static let noun = "service"
    static let section = SectionName.services
    typealias Target = NamedEntry
    static let example = "malware-analysis"
    static var columns: [(heading: String, text: (JSONValue) -> String)] {
        [
            ("HOST", { $0.field("host") }), ("PORT", { $0.field("port", standard: "443") }),
            ("CERTIFICATE", { $0.field("certificate", standard: "none") }),
        ]
    }
}

/// `muster service`
struct ServiceCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "service", abstract: "Appliances that machines hand mail or files to, and the certificates for them.",
        discussion: """
            There are \(ServiceSetting.names.joined(separator: " and ")).

              muster service set malware-analysis --host amp.example.com --certificate mail
              muster service list
            """,
        subcommands: [NounList<ServiceNoun>.self, NounShow<ServiceNoun>.self, ServiceSet.self, NounUnset<ServiceNoun>.self])
}

/// `muster service set`
struct ServiceSet: NounSet {
    typealias Noun = ServiceNoun

    static let configuration = CommandConfiguration(
        commandName: "set", abstract: "Set where an appliance is; fields not named stay as they are at this level.",
        discussion: """
            The names are fixed: \(ServiceSetting.names.joined(separator: " and ")).

              muster service set malware-analysis --host amp.example.com --certificate mail
              muster service set dlp-enterprise-manager --host 192.0.2.9 --port 20443
              muster service set malware-analysis --clear certificate --group eu
            """)

    @OptionGroup var target: NamedEntry

    @Option(help: ArgumentHelp("Its host name or address.", valueName: "host"))
    var host: String?

    @Option(help: ArgumentHelp("The TCP port.", valueName: "n"))
    var port: Int?

    @Option(help: ArgumentHelp("The certificate shown to it.", valueName: "name"))
    var certificate: String?

    @OptionGroup var clearing: ClearOptions
    @OptionGroup var place: LevelOptions
    @OptionGroup var manager: ManagerOptions

    var fields: FieldPatch {
        var fields = FieldPatch()
        fields.set("host", host)
        fields.set("port", port)
        fields.set("certificate", certificate)
        return fields
    }
}
