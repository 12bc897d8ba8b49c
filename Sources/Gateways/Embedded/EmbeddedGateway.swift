package import Certificates
package import ClusterModel
package import Logging
package import NIOCore
import NIOPosix

/// A gateway in this process: real SMTP and HTTPS endpoints that serve the configuration's certificates and policies.
///
/// It needs no root and nothing installed, and takes no mail. An endpoint that stays keeps its socket, whichever service
/// it then belongs to; new sockets are open before anything changes, and accept once everything has.
package actor EmbeddedGateway: Gateway {
    private let group: any EventLoopGroup
    private let logger: Logger
    private let table: ServiceTable
    private let reception: Reception
    private let system: TrustedAuthorities
    private var sockets: [Endpoint: any Channel] = [:]
    /// What is in force, and where each service is.
    private var held: (settings: EffectiveConfiguration, places: [String: Endpoint])?
    private var turn = ApplyTurn()

    /// A gateway on these event loops. `names` and `system`, the authorities that the operating system trusts, are asked only where a
    /// configuration makes it necessary.
    package init(
        group: any EventLoopGroup, logger: Logger, names: any HostNames = SystemHostNames(),
        system: TrustedAuthorities = .system, allowance: SessionAllowance = SessionAllowance()
    ) {
        self.group = group
        self.logger = logger
        self.system = system
        table = ServiceTable(connectionLimit: allowance.connections)
        reception = Reception(table: table, names: names, allowance: allowance, logger: logger)
    }

    package func apply(_ configuration: GatewayConfiguration) async throws(Refusal) {
        try turn.take()
        defer { turn.end() }
        let plan = try ServicePlan(configuration, system: system)
        sockets = sockets.filter { $0.value.isActive }
        let opened = try await open(plan.services.filter { sockets[$0.key] == nil })
        guard table.replace(with: plan.services) else {
            await close(opened.values)
            throw Refusal(.unavailable, "The gateway is stopped and serves nothing more.")
        }
        held = (configuration.settings, Dictionary(plan.services.map { ($0.value.name, $0.key) }) { first, _ in first })
        sockets.merge(opened) { _, new in new }
        let left = sockets.filter { plan.services[$0.key] == nil }
        for endpoint in left.keys { sockets[endpoint] = nil }
        for (endpoint, channel) in opened {
            channel.setOption(.autoRead, value: true).whenFailure { [logger] error in
                logger.error("a socket stopped accepting", metadata: ["endpoint": "\(endpoint)", "reason": "\(error)"])
            }
        }
        await close(left.values)
    }

    package func stop() async {
        held = nil
        let sessions = table.stop()
        let listening = sockets.values
        sockets = [:]
        await close(listening)
        await close(sessions)
    }

    /// What it has in memory, and for each service whether its socket is open and which certificate it shows there.
    package func observe(_ configuration: GatewayConfiguration) async -> [GatewayObservation] {
        let memory = GatewayObservation(
            subject: "the gateway's memory", entries: configuration.settings.differences(from: held?.settings),
            meant: configuration.settings.digest, found: held?.settings.digest)
        // Settings that cannot be read here were refused before they were in force.
        let (meant, shown) = ((try? configuration.settings.intendedServices()) ?? [], (try? held?.settings.intendedServices()) ?? [])
        let certificates = Dictionary(shown.map { ($0.service, $0.fingerprint) }) { first, _ in first }
        return [memory]
            + meant.filter { $0.hasSocket }.map { service in
                let isOpen = held?.places[service.host].flatMap { sockets[$0]?.isActive } ?? false
                return GatewayObservation(
                    subject: service.service, entries: service.entries, meant: service.fingerprint,
                    found: isOpen ? certificates[service.service] : nil)
            }
    }

    /// Opens a socket for each service, not accepting yet. If one cannot be opened none is, and all reasons are told.
    private func open(_ services: [Endpoint: Service]) async throws(Refusal) -> [Endpoint: any Channel] {
        var opened: [Endpoint: any Channel] = [:]
        var reasons: [String] = []
        for (endpoint, service) in services.sorted(by: { $0.value.name < $1.value.name }) {
            do {
                opened[endpoint] = try await open(endpoint)
            } catch {
                let reason = (error as? IOError).map { endpoint.reason(against: $0.errnoCode) } ?? "\(error)"
                reasons.append("\(service.name) at \(endpoint): \(reason)")
            }
        }
        guard reasons.isEmpty else {
            await close(opened.values)
            throw Refusal(.unavailable, "Not every service could be opened; the configuration before stays in force.", details: reasons)
        }
        return opened
    }

    private func open(_ endpoint: Endpoint) async throws -> any Channel {
        let reception = reception
        return try await ServerBootstrap(group: group)
            .serverChannelOption(.backlog, value: 128)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .serverChannelOption(.autoRead, value: false)
            .childChannelOption(.tcpOption(.tcp_nodelay), value: 1)
            .childChannelInitializer { reception.prepare($0, at: endpoint) }
            .bind(to: endpoint.socketAddress)
            .get()
    }

    private func close(_ channels: some Sequence<any Channel>) async {
        let closing = channels.map { channel in
            channel.close(promise: nil)
            return channel.closeFuture
        }
        for future in closing {
            // A channel that was closed already is what was wanted.
            try? await future.get()
        }
    }
}

extension IntendedService {
    /// Whether it is reached from outside: what only connects to others has none.
    fileprivate var hasSocket: Bool { service.hasPrefix("listener/") || service.hasPrefix("https/") }
}
