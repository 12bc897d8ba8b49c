import AdminContract
import ArgumentParser
import ClusterModel

/// The noun `delivery`.
enum DeliveryNoun: SectionNoun {
    static let noun = "delivery"
    static let section = SectionName.delivery
    typealias Target = OnlyEntry
    static let example = ""
    static var columns: [(heading: String, text: (JSONValue) -> String)] {
        [
            ("CERTIFICATE", { $0.field("certificate", standard: "none") }), ("INTERFACE", { $0.field("interface", standard: "automatic") }),
            ("TLS PROFILE", { $0.field("tlsProfile", standard: "outbound") }),
            ("ALERT WHEN REQUIRED TLS FAILS", { $0["alertOnRequiredTLSFailure"] == true ? "yes" : "no" }),
        ]
    }
}

/// `muster delivery`
struct DeliveryCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "delivery", abstract: "How mail leaves: the outbound certificate, the interface, the alert.",
        discussion: """
              muster delivery set --certificate mail --alert-on-required-tls-failure
              muster delivery show
            """,
        subcommands: [NounList<DeliveryNoun>.self, NounShow<DeliveryNoun>.self, DeliverySet.self, NounUnset<DeliveryNoun>.self],
        aliases: ["deliveryconfig"])
}

/// `muster delivery set`
struct DeliverySet: NounSet {
    typealias Noun = DeliveryNoun

    static let configuration = CommandConfiguration(
        commandName: "set", abstract: "Set how mail leaves; fields not named stay as they are at this level.",
        discussion: """
              muster delivery set --certificate mail --alert-on-required-tls-failure
              muster delivery set --clear interface --machine mx1
            """)

    @Option(help: ArgumentHelp("The certificate shown to servers that ask for one.", valueName: "name"))
    var certificate: String?

    @Option(help: ArgumentHelp("The interface mail leaves by; without one, the machine chooses.", valueName: "name"))
    var interface: String?

    @Option(
        name: .customLong("tls-profile"),
        help: ArgumentHelp("The TLS profile of outgoing connections; without one, that called outbound.", valueName: "name"))
    var tlsProfile: String?

    @Flag(
        name: .customLong("alert-on-required-tls-failure"), inversion: .prefixedNo,
        help: "Raise an alert when a required TLS connection fails.")
    var alertOnRequiredTLSFailure: Bool?

    @OptionGroup var target: OnlyEntry
    @OptionGroup var clearing: ClearOptions
    @OptionGroup var place: LevelOptions
    @OptionGroup var manager: ManagerOptions

    var fields: FieldPatch {
        var fields = FieldPatch()
        fields.set("certificate", certificate)
        fields.set("interface", interface)
        fields.set("tlsProfile", tlsProfile)
        fields.set("alertOnRequiredTLSFailure", alertOnRequiredTLSFailure)
        return fields
    }
}
