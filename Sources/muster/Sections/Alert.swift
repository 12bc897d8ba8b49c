import AdminClient
import AdminContract
import ArgumentParser
import ClusterModel

/// The noun `alert`: its settings. `list` is not among the verbs, because it is for the alerts themselves.
enum AlertNoun: SectionNoun {
    static let noun = "alert"
    static let section = SectionName.alerts
    typealias Target = OnlyEntry
    static let example = ""
    static var columns: [(heading: String, text: (JSONValue) -> String)] { [] }
}

/// `muster alert set`
struct AlertSet: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "set", abstract: "Set who is told of what; recipients and fields not named stay as they are at this level.",
        discussion: """
            Classes are system (a machine at work, such as a required TLS connection that failed), certificates (what \
            expires), cluster (machines that are offline, reject a revision or drift) and security. A recipient without \
            --class is told of everything, one without --severity of every severity: info, warning, critical.

              muster alert set --recipient ops@example.com --severity warning
              muster alert set --recipient pki@example.com --class certificates
              muster alert set --remove-recipient pki@example.com
              muster alert set --sender muster@example.com --relay-host relay.example.com \\
                  --relay-tls required-verify
            """)

    @Option(
        help: ArgumentHelp("Somebody to tell: added, or told from now on what is given here. May be repeated.", valueName: "address"))
    var recipient: [String] = []

    @Option(
        name: .customLong("class"), help: ArgumentHelp("What the recipients given here are told of. May be repeated.", valueName: "class"))
    var classes: [AlertClass] = []

    @Option(help: ArgumentHelp("The least that the recipients given here are told of.", valueName: "severity"))
    var severity: AlertSeverity?

    @Option(help: ArgumentHelp("Somebody to tell no more. May be repeated.", valueName: "address"))
    var removeRecipient: [String] = []

    @Option(help: ArgumentHelp("The address that alerts come from.", valueName: "address"))
    var sender: String?

    @Option(help: ArgumentHelp("The server that takes alerts: its host name or address.", valueName: "host"))
    var relayHost: String?

    @Option(help: ArgumentHelp("Its TCP port.", valueName: "n"))
    var relayPort: Int?

    @Option(help: ArgumentHelp("none, preferred, required or required-verify.", valueName: "mode"))
    var relayTLS: AlertRelay.TLS?

    @OptionGroup var clearing: ClearOptions
    @OptionGroup var place: LevelOptions
    @OptionGroup var manager: ManagerOptions

    func validate() throws {
        guard !recipient.isEmpty || (classes.isEmpty && severity == nil) else {
            throw ValidationError("Say whom --class and --severity are for: --recipient ADDRESS.")
        }
        guard recipient.isEmpty && removeRecipient.isEmpty || !clearing.clear.contains("recipients") else {
            throw ValidationError("Recipients are both named and cleared.")
        }
        for address in recipient + removeRecipient where MailAddress(address) == nil {
            throw ValidationError("\"\(address)\" is not a mail address such as ops@example.com.")
        }
        _ = try patch()
    }

    func run() async throws {
        var patch = try patch()
        let level = try await exiting { try place.level(for: .alerts) }
        let summary = try await manager.withManager { client in
            if !recipient.isEmpty || !removeRecipient.isEmpty { patch.replace("recipients", try await recipients(at: level, client)) }
            return try await client.edit([patch.edit(at: level, .alerts, EntryNaming.onlyEntry)])
        }
        try manager.show(summary)
    }

    private func patch() throws -> FieldPatch {
        var patch = FieldPatch()
        patch.set("sender", sender)
        var relay = FieldPatch()
        relay.set("host", relayHost)
        relay.set("port", relayPort)
        relay.set("tls", relayTLS?.rawValue)
        patch.set("relay", relay)
        try patch.clear(clearing.clear, of: .alerts)
        return patch
    }

    /// The level's recipients as they are in the caller's view, with those named put in place of what they were, or taken away.
    private func recipients(at level: Level, _ client: AdminClient) async throws -> [JSONValue] {
        let query = SettingsQuery(level: level, section: .alerts)
        let present = try await client.show(query).first { $0.name == EntryNaming.onlyEntry }?.value["recipients"]?.items ?? []
        let named = recipient.map { address in
            AlertRecipient(
                address: AlertSet.oneForm(address),
                classes: classes.isEmpty ? AlertClass.allCases : AlertClass.allCases.filter(classes.contains), severity: severity ?? .info)
        }
        return try AlertSet.merged(present.map { try AlertRecipient($0) }, with: named, without: removeRecipient).map(\.json)
    }

    static func merged(_ present: [AlertRecipient], with named: [AlertRecipient], without removed: [String]) throws -> [AlertRecipient] {
        var result = present
        for address in removed.map(oneForm) {
            guard result.contains(where: { $0.address == address }) else {
                throw Refusal(.notFound, "\(address) is no recipient at this level. Those there are: muster alert show")
            }
            result.removeAll { $0.address == address }
        }
        for recipient in named {
            if let index = result.firstIndex(where: { $0.address == recipient.address }) {
                result[index] = recipient
            } else {
                result.append(recipient)
            }
        }
        return result
    }

    private static func oneForm(_ address: String) -> String { MailAddress(address)?.description ?? address }
}

extension AlertClass: ExpressibleByArgument {}
extension AlertSeverity: ExpressibleByArgument {}
extension AlertRelay.TLS: ExpressibleByArgument {}
