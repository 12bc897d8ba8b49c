import AdminContract
import ArgumentParser
import ClusterModel

/// The noun `ldap`.
enum LDAPNoun: SectionNoun {
    static let noun = "ldap"
    static let section = SectionName.ldap
    typealias Target = OnlyEntry
    static let example = ""
    static var columns: [(heading: String, text: (JSONValue) -> String)] {
        [
            ("CERTIFICATE", { $0.field("certificate", standard: "none") }), ("INTERFACE", { $0.field("interface", standard: "automatic") }),
            ("SERVER CERTIFICATE", { $0["verifyServerCertificate"] == false ? "not verified" : "verified" }),
        ]
    }
}

/// `muster ldap`
struct LDAPCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "ldap", abstract: "How machines speak to LDAP servers: the client certificate, the interface, the check.",
        discussion: """
              muster ldap set --certificate mail
              muster ldap show
            """,
        subcommands: [NounList<LDAPNoun>.self, NounShow<LDAPNoun>.self, LDAPSet.self, NounUnset<LDAPNoun>.self],
        aliases: ["ldapconfig"])
}

/// `muster ldap set`
struct LDAPSet: NounSet {
    typealias Noun = LDAPNoun

    static let configuration = CommandConfiguration(
        commandName: "set", abstract: "Set how machines speak to LDAP servers; fields not named stay as they are at this level.",
        discussion: """
              muster ldap set --certificate mail
              muster ldap set --no-verify-server-certificate --group eu
              muster ldap set --clear interface --machine mx1
            """)

    @Option(help: ArgumentHelp("The certificate shown to LDAP servers that ask for one.", valueName: "name"))
    var certificate: String?

    @Option(help: ArgumentHelp("The interface queries leave by; without one, the machine chooses.", valueName: "name"))
    var interface: String?

    @Flag(inversion: .prefixedNo, help: "Check the server's certificate.")
    var verifyServerCertificate: Bool?

    @OptionGroup var target: OnlyEntry
    @OptionGroup var clearing: ClearOptions
    @OptionGroup var place: LevelOptions
    @OptionGroup var manager: ManagerOptions

    var fields: FieldPatch {
        var fields = FieldPatch()
        fields.set("certificate", certificate)
        fields.set("interface", interface)
        fields.set("verifyServerCertificate", verifyServerCertificate)
        return fields
    }
}
