package import ClusterModel
package import Logging
package import NIOCore

/// An nginx of Muster's own on this machine, which serves the HTTPS of its interfaces. It runs as the agent's user, and goes on when the
/// agent ends: it needs none to serve.
package actor NginxGateway: Gateway {
    private let options: NginxOptions
    private let clock: any Clock<Duration>
    private let sight: ServiceSight
    private let logger: Logger
    private var turn = ApplyTurn()
    /// What was seen to be served last.
    private var seen: [IntendedService]?

    package init(
        _ options: NginxOptions, group: any EventLoopGroup, clock: any Clock<Duration> = ContinuousClock(), logger: Logger
    ) {
        self.options = options
        self.clock = clock
        self.logger = logger
        sight = ServiceSight(group: group, clock: clock)
    }

    package func apply(_ configuration: GatewayConfiguration) async throws(Refusal) {
        try turn.take()
        defer { turn.end() }
        let folder = GenerationFolder(directory: options.directory)
        try folder.prepare()
        // What nginx keeps for itself, where its workers must come to: started by root, they are somebody else.
        try folder.makeDirectory("run", mode: 0o755)
        let server = NginxServer(options, folder: folder, quotation: Quotation(hiding: configuration), clock: clock)
        let plan = try NginxPlan(
            configuration, directory: options.directory, own: try ownLocations(configuration), without: try await server.missingModules())
        try await Changeover(folder: folder, sight: sight, server: server, logger: logger).apply(
            { plan.files(in: folder.path(of: $0)) }, plan.services, earlier: seen)
        seen = plan.services
    }

    /// Hand-made locations are not looked at: they are put in force with the next change.
    package func observe(_ configuration: GatewayConfiguration) async -> [GatewayObservation] {
        let folder = GenerationFolder(directory: options.directory)
        let server = NginxServer(options, folder: folder, quotation: Quotation(hiding: configuration), clock: clock)
        // What cannot be laid out was refused before it was in force.
        guard let own = try? ownLocations(configuration), let without = try? await server.missingModules(),
            let plan = try? NginxPlan(configuration, directory: options.directory, own: own, without: without)
        else { return [] }
        return folder.observations { number in
            plan.files(in: folder.path(of: number)).filter { !$0.key.hasPrefix("own/") }
        }
    }

    /// nginx goes on serving: the agent may end and come back without a request missed.
    package func stop() async {}

    /// Hand-made locations, by interface.
    private func ownLocations(_ configuration: GatewayConfiguration) throws(Refusal) -> [String: String] {
        var own: [String: String] = [:]
        for entry in configuration.settings[.interfaces]?.entries ?? [] {
            own[entry.name] = try LocalFiles.ownText(at: "\(options.directory)/own/\(entry.name).conf")
        }
        return own
    }
}
