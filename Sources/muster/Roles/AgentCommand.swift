import ArgumentParser
import ClusterModel
import Gateways
import Logging
import MemberAgent
import NIOPosix
import ReplicationTransport
import ServiceLifecycle
import UnixSignals

/// `muster agent`: make, join and run the process that drives one gateway.
struct AgentCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "agent", abstract: "Make, join and run a machine's agent.",
        discussion: """
            The agent drives the gateway on this machine: standalone, or as a member of a cluster. It serves from its own
            disk, also while no manager can be reached.

              muster agent init --state-dir DIR --name mx1 --hostname mx1.example.com --interface data1=192.0.2.1
              muster agent join INVITATION --state-dir DIR
              muster agent run --state-dir DIR
            """,
        subcommands: [
            AgentInit.self, AgentAdopt.self, AgentApply.self, AgentSet.self, AgentUnset.self, AgentJoin.self, AgentRun.self, AgentShow.self,
            AgentStatusCommand.self, AgentLeave.self,
        ])
}

/// Where an agent keeps what it serves.
struct AgentPlace: ParsableArguments {
    @Option(help: ArgumentHelp("The agent's state directory; made with mode 0700.", valueName: "dir"))
    var stateDir: String

    var directory: StateDirectory { StateDirectory(path: stateDir, faults: Failpoints.disk) }
}

/// `muster agent init`
struct AgentInit: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "init", abstract: "Make a standalone machine with its network settings.",
        discussion: """
            What a machine executes is set here and never comes over the wire.

              muster agent init --state-dir DIR --name mx1 --hostname mx1.example.com --interface data1=192.0.2.1 --gateway embedded
              muster agent init --state-dir DIR --name mx1 --hostname mx1.example.com --interface data1=192.0.2.1 \\
                --gateway postfix --gateway-option config-dir=/etc/postfix
              muster agent init --state-dir DIR --name web1 --hostname web1.example.com --interface data1=192.0.2.2 \\
                --gateway nginx --gateway-option config-dir=/var/lib/muster-nginx
              muster agent init --state-dir DIR --name mx2 --hostname mx2.example.com --interface data1=192.0.2.3 \\
                --gateway directory --gateway-option path=/var/lib/muster-files --gateway-option hook=/usr/local/sbin/reload-mail
            """)

    @OptionGroup var place: AgentPlace
    @OptionGroup var machine: NewMachineOptions

    func run() async throws {
        try await exiting {
            try machine.initialize(place.directory)
            Output.line("Made the machine in \(place.stateDir). Next: muster agent run --state-dir \(place.stateDir)")
        }
    }
}

/// What a new machine needs to be told about itself.
struct NewMachineOptions: ParsableArguments {
    @Option(help: "The machine's name in the cluster.")
    var name: String?

    @Option(help: "The machine's host name.")
    var hostname: String?

    @Option(help: ArgumentHelp("An IP interface, by name and address. May be repeated.", valueName: "name=address"))
    var interface: [String] = []

    @Option(help: "The gateway that it drives: embedded, postfix, nginx or directory.")
    var gateway: String?

    @Option(help: ArgumentHelp("An option of the gateway. May be repeated.", valueName: "key=value"))
    var gatewayOption: [String] = []

    /// Whether any of them was given.
    var isGiven: Bool { name != nil || hostname != nil || !interface.isEmpty || gateway != nil || !gatewayOption.isEmpty }

    func initialize(_ directory: StateDirectory) throws {
        guard let name, let hostname, !interface.isEmpty else {
            throw Refusal(.invalid, "A new machine needs --name, --hostname and at least one --interface NAME=ADDRESS.")
        }
        let kind = gateway ?? GatewayKind.embedded.rawValue
        let options = try NewMachineOptions.pairs(gatewayOption, as: "--gateway-option KEY=VALUE")
        let driven: GatewayKind
        switch GatewayKind(rawValue: kind) {
        case .embedded: driven = .embedded
        case .postfix:
            driven = .postfix
            _ = try PostfixOptions(options)
        case .nginx:
            driven = .nginx
            _ = try NginxOptions(options)
        case .directory:
            driven = .directory
            _ = try DirectoryOptions(options)
        case nil:
            let kinds = GatewayKind.allCases.map(\.rawValue)
            throw Refusal(
                .invalid,
                "There is no gateway \"\(kind)\"\(Spelling.hint(for: kind, among: kinds)). There are: \(kinds.joined(separator: ", ")).")
        }
        try directory.initialize(
            name: name, hostname: hostname, interfaces: try NewMachineOptions.pairs(interface, as: "--interface NAME=ADDRESS"),
            gateway: driven, options: options, now: systemClock())
    }

    static func pairs(_ texts: [String], as form: String) throws(Refusal) -> [String: String] {
        var pairs: [String: String] = [:]
        for text in texts {
            let parts = text.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
            guard parts.count == 2, !parts[0].isEmpty else { throw Refusal(.invalid, "\"\(text)\" does not fit; write \(form).") }
            guard pairs.updateValue(parts[1], forKey: parts[0]) == nil else {
                throw Refusal(.invalid, "\"\(parts[0])\" is given twice; write \(form) once for each.")
            }
        }
        return pairs
    }
}

/// `muster agent run`
struct AgentRun: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "run", abstract: "Run the agent until it is told to stop.",
        discussion: """
            Prints one line when it serves what it served before, whether or not a manager can be reached. Ends on SIGTERM.

            The agent looks every half a minute whether files and services are still as it applied them, and says what is not. With \
            --mend-drift it also applies them once more, at once and at most five times in a row; files made by hand are kept where \
            the gateway keeps such. It holds for any gateway, and until the agent ends.

              muster agent run --state-dir DIR
              muster agent run --state-dir DIR --mend-drift
            """)

    @OptionGroup var place: AgentPlace

    @Flag(help: "Put right by itself what is no longer as it was applied.")
    var mendDrift = false

    func run() async throws {
        try await exiting {
            let logger = Logger(label: "muster.agent") { StreamLogHandler.standardError(label: $0) }
            let directory = place.directory
            let machine = try directory.machine()
            let threads = MultiThreadedEventLoopGroup.singleton
            let agent = try AgentService(
                directory: directory, gateway: try AgentRun.gateway(of: machine, on: threads, logger),
                prober: try AgentRun.prober(of: machine, on: threads),
                connector: Failpoints.connector(TLSManagerConnector(group: threads, now: systemClock)), now: systemClock,
                knowledge: Failpoints.knowledge, looks: Failpoints.looks, mends: mendDrift, logger: logger,
                onReady: {
                    Output.line("muster agent ready name=\(machine.name)")
                    SystemNotice.ready.send()
                })
            let group = ServiceGroup(
                configuration: .init(
                    services: [.init(service: agent), .init(service: EndNotice())], gracefulShutdownSignals: [.sigterm, .sigint],
                    logger: logger))
            try await group.run()
        }
    }

    /// The gateway that the machine was made with.
    private static func gateway(
        of machine: Machine, on threads: MultiThreadedEventLoopGroup, _ logger: Logger
    ) throws(Refusal) -> any Gateway {
        switch machine.gateway {
        case .embedded: return Failpoints.gateway(EmbeddedGateway(group: threads, logger: logger))
        case .postfix:
            return Failpoints.gateway(PostfixGateway(try PostfixOptions(machine.options), group: threads, logger: logger))
        case .nginx: return Failpoints.gateway(NginxGateway(try NginxOptions(machine.options), group: threads, logger: logger))
        case .directory:
            return Failpoints.gateway(DirectoryGateway(try DirectoryOptions(machine.options), group: threads, logger: logger))
        }
    }

    /// What sees its services; nothing does where the machine says so.
    private static func prober(of machine: Machine, on threads: MultiThreadedEventLoopGroup) throws(Refusal) -> any Prober {
        guard machine.gateway == .directory, try !DirectoryOptions(machine.options).proves else { return TLSProber(group: threads) }
        return UnprovenProber(because: DirectoryOptions.unproven)
    }
}

/// `muster agent leave`
struct AgentLeave: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "leave", abstract: "Leave the cluster, also when no manager can be reached.",
        discussion: """
            The machine goes on serving exactly as before, standalone. Its membership remains at the manager until it is
            removed there.

              muster agent leave --state-dir DIR
            """)

    @OptionGroup var place: AgentPlace

    func run() async throws {
        try await exiting { Output.line(try place.directory.leave()) }
    }
}
