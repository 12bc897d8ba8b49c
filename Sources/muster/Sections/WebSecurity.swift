import AdminContract
import ArgumentParser
import ClusterModel

/// The noun `web-security`.
enum WebSecurityNoun: SectionNoun {
    static let noun = "web-security"
    static let section = SectionName.webSecurity
    typealias Target = OnlyEntry
    static let example = ""
    static var columns: [(heading: String, text: (JSONValue) -> String)] {
        [
            ("URL FILTERING", { $0["urlFiltering"] == true ? "on" : "off" }),
            ("CERTIFICATE", { $0.field("certificate", standard: "none") }),
        ]
    }
}

/// `muster web-security`
struct WebSecurityCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "web-security", abstract: "Filtering of the links in mail, and the certificate for its service.",
        discussion: """
              muster web-security set --url-filtering --certificate url-client
              muster web-security show
            """,
        subcommands: [
            NounList<WebSecurityNoun>.self, NounShow<WebSecurityNoun>.self, WebSecuritySet.self, NounUnset<WebSecurityNoun>.self,
        ],
        aliases: ["websecurityconfig"])
}

/// `muster web-security set`
struct WebSecuritySet: NounSet {
    typealias Noun = WebSecurityNoun

    static let configuration = CommandConfiguration(
        commandName: "set", abstract: "Set how links in mail are filtered; fields not named stay as they are at this level.",
        discussion: """
              muster web-security set --url-filtering --certificate url-client
              muster web-security set --no-url-filtering --machine mx1
            """)

    @Flag(inversion: .prefixedNo, help: "Judge the links in mail.")
    var urlFiltering: Bool?

    @Option(help: ArgumentHelp("The certificate shown to the URL filtering service.", valueName: "name"))
    var certificate: String?

    @OptionGroup var target: OnlyEntry
    @OptionGroup var clearing: ClearOptions
    @OptionGroup var place: LevelOptions
    @OptionGroup var manager: ManagerOptions

    var fields: FieldPatch {
        var fields = FieldPatch()
        fields.set("urlFiltering", urlFiltering)
        fields.set("certificate", certificate)
        return fields
    }
}
