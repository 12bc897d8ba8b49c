package import ClusterModel
package import Logging
package import NIOCore

/// Lays configurations out as files, for everything that Muster does not drive itself, and runs a hook that has them read.
///
/// Services must be seen to serve before a configuration counts as in force, as with every gateway: see ``Changeover``. What serves them
/// goes on when the agent ends.
package actor DirectoryGateway: Gateway {
    private let options: DirectoryOptions
    private let clock: any Clock<Duration>
    private let sight: ServiceSight
    private let logger: Logger
    private let systemAuthorities: @Sendable () -> String?
    private var turn = ApplyTurn()
    /// What was seen to be served last.
    private var seen: [IntendedService]?
    /// The authorities as they were laid out last. Those of the system may be others by now: they come with the next change.
    private var authorities: String?

    package init(
        _ options: DirectoryOptions, group: any EventLoopGroup, clock: any Clock<Duration> = ContinuousClock(), logger: Logger,
        systemAuthorities: @escaping @Sendable () -> String? = GatewayConfiguration.systemAuthorities
    ) {
        self.options = options
        self.clock = clock
        self.logger = logger
        self.systemAuthorities = systemAuthorities
        sight = ServiceSight(group: group, clock: clock)
    }

    package func apply(_ configuration: GatewayConfiguration) async throws(Refusal) {
        try turn.take()
        defer { turn.end() }
        let plan = try DirectoryPlan(configuration, system: systemAuthorities)
        let folder = GenerationFolder(directory: options.path)
        let hook = options.hook.map { LocalProgram(path: $0, seconds: options.hookSeconds, clock: clock) }
        let server = HookedServer(hook: hook, folder: folder, quotation: Quotation(hiding: configuration))
        let services = options.proves ? plan.services : []
        try await Changeover(folder: folder, sight: sight, server: server, logger: logger).apply(
            { _ in plan.files }, services, earlier: seen)
        (seen, authorities) = (services, plan.files[DirectoryPlan.authorities])
    }

    package func observe(_ configuration: GatewayConfiguration) async -> [GatewayObservation] {
        // What cannot be laid out was refused before it was in force.
        guard let plan = try? DirectoryPlan(configuration, system: systemAuthorities) else { return [] }
        var files = plan.files
        files[DirectoryPlan.authorities] = authorities
        return GenerationFolder(directory: options.path).observations { _ in files }
    }

    /// What reads the directory goes on serving: it needs no agent.
    package func stop() async {}
}

/// Whatever the hook tells of a generation.
private struct HookedServer: GenerationServer {
    let hook: LocalProgram?
    let folder: GenerationFolder
    let quotation: Quotation

    func check(_ number: Int, over serving: Int?) async throws(Refusal) {
        if let hook { try LocalFiles.checkProgram(hook.path, of: "hook") }
    }

    func take(_ number: Int?, over before: Int?) async throws(Refusal) {
        // Before the first generation there is nothing to tell of.
        guard let hook, let number else { return }
        try LocalFiles.checkProgram(hook.path, of: "hook")
        let ending = try await hook.run(
            [], environment: ["MUSTER_GENERATION": "\(number)", "MUSTER_PREVIOUS": before.map { "\($0)" } ?? ""],
            in: folder.path(of: number))
        guard !ending.isFine else { return }
        let what = "the hook \(hook.path) \(ending.description(seconds: hook.seconds))"
        throw Refusal(
            .wouldBreak, "The hook did not take the configuration; the one before is in force.",
            details: [what] + quotation.lines(of: ending.output).map { "the hook says: \($0)" })
    }

    func isRunning() async -> Bool { true }

    func words() -> [String] { [] }
}
