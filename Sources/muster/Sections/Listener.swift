import AdminContract
import ArgumentParser
import ClusterModel

/// The noun `listener`.
enum ListenerNoun: SectionNoun {
    static let noun = "listener"
    static let section = SectionName.listeners
    typealias Target = NamedEntry
    static let example = "public"
    static var columns: [(heading: String, text: (JSONValue) -> String)] {
        [
            ("TYPE", { $0.field("type", standard: "public") }), ("INTERFACE", { $0.field("interface") }),
            ("PORT", { $0.field("port", standard: "25") }), ("CERTIFICATE", { $0.field("certificate", standard: "none") }),
            ("TLS PROFILE", { $0.field("tlsProfile", standard: "inbound") }),
            ("DEFAULT POLICY", { $0.field("defaultPolicy", standard: "none (TLS off)") }),
            ("SENDER GROUPS", { ($0["senderGroups"]?.items ?? []).map { $0.field("name") }.joined(separator: ", ") }),
        ]
    }
}

/// `muster listener`
struct ListenerCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "listener", abstract: "Where mail is taken: SMTP services on interfaces.",
        discussion: """
              muster listener set public --interface data1 --port 25 \\
                  --certificate mail --default-policy accepted
              muster listener list
            """,
        subcommands: [NounList<ListenerNoun>.self, NounShow<ListenerNoun>.self, ListenerSet.self, NounUnset<ListenerNoun>.self],
        aliases: ["listenerconfig"])
}

/// `muster listener set`
struct ListenerSet: NounSet {
    typealias Noun = ListenerNoun

    static let configuration = CommandConfiguration(
        commandName: "set", abstract: "Set fields of a listener; those not named stay as they are at this level.",
        discussion: """
            Sender groups are an ordered list, and the first that matches a sender decides. Those given replace the whole list.

              muster listener set public --interface data1 --port 25 \\
                  --certificate mail --default-policy accepted
              muster listener set public \\
                  --sender-group PARTNERS=partners:192.0.2.0/24,.partner.example
              muster listener set public --clear senderGroups

            Clients that ask for another name may get another certificate, and this replaces the whole list, too:

              muster listener set public --server-name mx.brand.example=brand

            To change an inherited listener for one machine, copy it there first:

              muster override listeners/public --copy --machine mx1
              muster listener set public --machine mx1 --port 2525
            """)

    @OptionGroup var target: NamedEntry

    @Option(help: ArgumentHelp("Who sends to it: public or private.", valueName: "kind"))
    var type: ListenerSetting.Kind?

    @Option(help: ArgumentHelp("The interface it listens on; a machine without it disables the listener.", valueName: "name"))
    var interface: String?

    @Option(help: ArgumentHelp("The TCP port.", valueName: "n"))
    var port: Int?

    @Option(help: ArgumentHelp("The certificate shown after STARTTLS.", valueName: "name"))
    var certificate: String?

    @Option(
        help: ArgumentHelp(
            "A name by which clients may ask for it, and the certificate they get. May be repeated.", valueName: "name=certificate"))
    var serverName: [ServerNameArgument] = []

    @Option(
        name: .customLong("tls-profile"),
        help: ArgumentHelp("The TLS profile of its connections; without one, that called inbound.", valueName: "name"))
    var tlsProfile: String?

    @Option(help: ArgumentHelp("The mail flow policy for senders in no group; without one, TLS is off for them.", valueName: "policy"))
    var defaultPolicy: String?

    @Option(
        help: ArgumentHelp("A group of senders and their policy. May be repeated; the order counts.", valueName: "name=policy:sender,..."))
    var senderGroup: [SenderGroupArgument] = []

    @OptionGroup var clearing: ClearOptions
    @OptionGroup var place: LevelOptions
    @OptionGroup var manager: ManagerOptions

    var fields: FieldPatch {
        var fields = FieldPatch()
        fields.set("type", type?.rawValue)
        fields.set("interface", interface)
        fields.set("port", port)
        fields.set("certificate", certificate)
        fields.set("serverNames", serverName.map(\.server.json))
        fields.set("tlsProfile", tlsProfile)
        fields.set("defaultPolicy", defaultPolicy)
        fields.set("senderGroups", senderGroup.map(\.group.json))
        return fields
    }
}

extension ListenerSetting.Kind: ExpressibleByArgument {}

/// `NAME=CERTIFICATE`
struct ServerNameArgument: ExpressibleByArgument {
    var server: ServerName

    init?(argument: String) {
        let parts = argument.split(separator: "=", maxSplits: 1).map(String.init)
        guard parts.count == 2 else { return nil }
        server = ServerName(name: parts[0], certificate: parts[1])
    }
}

/// `NAME=POLICY:SENDER,SENDER`
struct SenderGroupArgument: ExpressibleByArgument {
    var group: SenderGroup

    init?(argument: String) {
        let parts = argument.split(separator: "=", maxSplits: 1).map(String.init)
        guard parts.count == 2, let colon = parts[1].firstIndex(of: ":") else { return nil }
        let senders = parts[1][parts[1].index(after: colon)...].split(separator: ",").map(String.init)
        let policy = String(parts[1][..<colon])
        guard !policy.isEmpty, !senders.isEmpty else { return nil }
        group = SenderGroup(name: parts[0], senders: senders, policy: policy)
    }
}
