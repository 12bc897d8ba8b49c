import AdminContract
import ArgumentParser
import ClusterModel

/// The noun `destination`.
enum DestinationNoun: SectionNoun {
    static let noun = "destination"
    static let section = SectionName.destinations
    typealias Target = NamedEntry
    static let example = "bank.example"
    static var columns: [(heading: String, text: (JSONValue) -> String)] {
        [("TLS", { $0.field("tls") }), ("NAME CHECK", { $0.field("nameCheck", standard: "host") })]
    }
}

/// `muster destination`
struct DestinationCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "destination", abstract: "How mail to a domain uses TLS.",
        discussion: """
            The entry "default" stands for every domain without one of its own.

              muster destination set default --tls preferred
              muster destination set bank.example --tls required-verify
            """,
        subcommands: [
            NounList<DestinationNoun>.self, NounShow<DestinationNoun>.self, DestinationSet.self, NounUnset<DestinationNoun>.self,
            DestinationSetup.self,
        ],
        aliases: ["destconfig"])
}

/// `muster destination set`
struct DestinationSet: NounSet {
    typealias Noun = DestinationNoun

    static let configuration = CommandConfiguration(
        commandName: "set", abstract: "Set how mail to a domain uses TLS; fields not named stay as they are at this level.",
        discussion: """
              mode             TLS, verified   TLS, not verified       no TLS
              none             clear text      clear text              clear text
              preferred        encrypted       encrypted, not checked  clear text
              required         encrypted       encrypted, not checked  not delivered
              preferred-verify encrypted       encrypted               clear text
              required-verify  encrypted       not delivered           not delivered

              muster destination set bank.example --tls required-verify
              muster destination set .partner.example --tls required --group eu
            """)

    @OptionGroup var target: NamedEntry

    @Option(help: ArgumentHelp("none, preferred, required, preferred-verify or required-verify.", valueName: "mode"))
    var tls: DestinationSetting.TLS?

    @Option(
        help: ArgumentHelp(
            "The name that its certificate must have: the domain or its MX host (host), or the domain only.", valueName: "host|domain"))
    var nameCheck: DestinationSetting.NameCheck?

    @OptionGroup var clearing: ClearOptions
    @OptionGroup var place: LevelOptions
    @OptionGroup var manager: ManagerOptions

    var fields: FieldPatch {
        var fields = FieldPatch()
        fields.set("tls", tls?.rawValue)
        fields.set("nameCheck", nameCheck?.rawValue)
        return fields
    }
}

/// `muster destconfig setup`: where ESA's administrators look for what holds for all destinations.
struct DestinationSetup: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "setup", abstract: "The same as muster delivery set: what holds for all destinations.",
        discussion: """
              muster destconfig setup --certificate mail --alert-on-required-tls-failure
            """)

    @OptionGroup var delivery: DeliverySet

    func run() async throws { try await delivery.run() }
}

extension DestinationSetting.TLS: ExpressibleByArgument {}
extension DestinationSetting.NameCheck: ExpressibleByArgument {}
