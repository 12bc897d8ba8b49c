import AdminContract
import ArgumentParser
import ClusterModel

/// The noun `policy`.
enum PolicyNoun: SectionNoun {
    static let noun = "policy"
    static let section = SectionName.mailFlowPolicies
    typealias Target = NamedEntry
    static let example = "partners"
    static var columns: [(heading: String, text: (JSONValue) -> String)] {
        [
            ("TLS", { $0.field("tls", standard: "off") }),
            ("CLIENT CERTIFICATE", { $0["verifyClientCertificate"] == true ? "verified" : "not asked for" }),
            ("TLS-MANDATORY SENDERS", { ($0["tlsMandatorySenders"]?.items ?? []).compactMap(\.text).joined(separator: ", ") }),
        ]
    }
}

/// `muster policy`
struct PolicyCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "policy", abstract: "Mail flow policies: what TLS means for groups of senders.",
        discussion: """
              muster policy set accepted --tls preferred
              muster policy set partners --tls required --verify-client-certificate
            """,
        subcommands: [NounList<PolicyNoun>.self, NounShow<PolicyNoun>.self, PolicySet.self, NounUnset<PolicyNoun>.self])
}

/// `muster policy set`
struct PolicySet: NounSet {
    typealias Noun = PolicyNoun

    static let configuration = CommandConfiguration(
        commandName: "set", abstract: "Set fields of a mail flow policy; those not named stay as they are at this level.",
        discussion: """
            off: STARTTLS is not offered. preferred: it is offered, and mail is taken without it. required: no recipient is \
            accepted before TLS.

              muster policy set partners --tls required --verify-client-certificate
              muster policy set accepted --tls preferred \\
                  --tls-mandatory-sender bank.example
            """)

    @OptionGroup var target: NamedEntry

    @Option(help: ArgumentHelp("off, preferred or required.", valueName: "mode"))
    var tls: MailFlowPolicySetting.TLS?

    @Flag(inversion: .prefixedNo, help: "Ask for the sender's certificate and check it.")
    var verifyClientCertificate: Bool?

    @Option(
        help: ArgumentHelp(
            "A domain or address whose mail must come over TLS, whatever --tls says. May be repeated; replaces the list.",
            valueName: "sender"))
    var tlsMandatorySender: [String] = []

    @OptionGroup var clearing: ClearOptions
    @OptionGroup var place: LevelOptions
    @OptionGroup var manager: ManagerOptions

    var fields: FieldPatch {
        var fields = FieldPatch()
        fields.set("tls", tls?.rawValue)
        fields.set("verifyClientCertificate", verifyClientCertificate)
        fields.set("tlsMandatorySenders", tlsMandatorySender.map(JSONValue.string))
        return fields
    }
}

extension MailFlowPolicySetting.TLS: ExpressibleByArgument {}
