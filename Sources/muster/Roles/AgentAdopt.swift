import ArgumentParser
import ClusterModel
import Gateways
import MemberAgent

/// `muster agent adopt`
struct AgentAdopt: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "adopt",
        abstract: "Make a standalone machine of a Postfix that is there: its listeners, certificates and TLS policies.",
        discussion: """
            Reads main.cf, master.cf, tables and certificates, and makes the machine with settings that do the same. Lists what it \
            understood, what it leaves alone, and what will be otherwise once the agent runs. The Postfix itself is not touched before \
            that: look first with --preview, as root, for keys are read.

              muster agent adopt --state-dir DIR --preview \\
                --gateway-option config-dir=/etc/postfix
              muster agent adopt --state-dir DIR --name mx1 \\
                --gateway-option config-dir=/etc/postfix
              muster agent adopt --state-dir DIR --name mx1 \\
                --hostname mx1.example.com --interface data1=192.0.2.1 \\
                --gateway-option config-dir=/etc/postfix

            --hostname and --interface go before what the installation says; a service at all addresses becomes a listener at each \
            of the interfaces. Then the agent takes the Postfix over, or a cluster begins with its settings, or the machine joins one \
            and takes that cluster's in their place:

              muster agent run --state-dir DIR
              muster manager init --name acme-mail --data-dir DATA --from DIR
              muster agent join INVITATION --state-dir DIR --preview
            """)

    @OptionGroup var place: AgentPlace
    @OptionGroup var machine: NewMachineOptions

    @Flag(help: "Show what would come of it; change nothing.")
    var preview = false

    @OptionGroup var rendering: RenderingOptions

    func validate() throws {
        guard preview || machine.name != nil else { throw ValidationError("Say what the machine is called: --name NAME; or --preview.") }
    }

    func run() async throws {
        try await exiting {
            guard [nil, GatewayKind.postfix.rawValue].contains(machine.gateway) else {
                throw Refusal(.invalid, "Only a Postfix can be adopted. Leave --gateway out, or make the machine: muster agent init")
            }
            let given = try NewMachineOptions.pairs(machine.gatewayOption, as: "--gateway-option KEY=VALUE")
            if let name = machine.name, !preview { try place.directory.checkFree(for: name) }
            let installation = try await PostfixReader(try PostfixOptions(given)).read()
            let adoption = try PostfixAdoption(
                installation, hostname: machine.hostname,
                interfaces: try NewMachineOptions.pairs(machine.interface, as: "--interface NAME=ADDRESS"), now: systemClock())
            if let name = machine.name, !preview {
                try AgentAdopt.refuse(adoption.report.problems)
                try place.directory.initialize(
                    name: name, as: adoption.configuration, gateway: .postfix, options: given, now: systemClock())
            }
            try rendering.renderer.show(adoption.report) { style in
                adoption.report.text(style) + "\n\n" + (preview ? "Nothing has changed." : next)
            }
        }
    }

    private var next: String {
        """
        Made the machine in \(place.stateDir); Postfix goes on as it is until the agent runs. Next, one of:
          muster agent run --state-dir \(place.stateDir)
          muster manager init --name CLUSTER --data-dir DIR --from \(place.stateDir)
          muster agent join INVITATION --state-dir \(place.stateDir)
        """
    }

    private static func refuse(_ problems: [AdoptionReport.Problem]) throws(Refusal) {
        guard !problems.isEmpty else { return }
        throw Refusal(
            .wouldBreak, "This Postfix cannot be adopted as it is; nothing has changed. See the rest with --preview.",
            details: problems.map { "\($0.place): \($0.problem). \($0.cure)" })
    }
}

extension AdoptionReport {
    /// The parts one after another, those without a line left out.
    func text(_ style: Style) -> String {
        var parts: [String] = []
        func add(_ title: String, _ headings: [String], _ rows: [[String]]) {
            guard !rows.isEmpty else { return }
            parts.append(title + "\n" + Table(headings, rows).text(style).indented)
        }
        add("In the way:", ["WHERE", "WHAT", "TO DO"], problems.map { ["\($0.place)", $0.problem, $0.cure] })
        add("Understood:", ["SETTING", "VALUE", "FROM"], understood.map { [$0.setting, $0.value, "\($0.place)"] })
        add("Left alone:", ["WHERE", "WHAT BECOMES OF IT"], leftAlone.map { ["\($0.place)", $0.reason] })
        add("Would change when the agent runs:", ["WHERE", "NOW", "THEN"], wouldChange.map { ["\($0.place)", $0.now, $0.becomes] })
        return parts.joined(separator: "\n\n")
    }
}
