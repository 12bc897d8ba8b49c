import ClusterModel
import Gateways
import Logging
import MemberAgent
import NIOPosix
import Replication
import ServiceLifecycle
import Synchronization

/// A running agent, with a gateway that really serves unless the test says otherwise.
struct RunningAgent: Sendable {
    let directory: StateDirectory
    let manager: FakeManager
    let clock: ManualClock
    let statuses: Statuses

    /// The agent's next status that fits.
    func status(where fits: (AgentStatus) -> Bool) async throws -> AgentStatus {
        while let status = await statuses.next() {
            if fits(status) { return status }
        }
        throw Refusal(.unavailable, "the agent ended")
    }

    /// The next connection, after the agent's hello.
    func connection() async throws -> (FakeManager.Connection, Hello) {
        while let connection = await manager.next() {
            if case .hello(let hello) = await connection.next() { return (connection, hello) }
        }
        throw Refusal(.unavailable, "the agent ended")
    }
}

/// Statuses as the agent writes them.
final class Statuses: Sendable {
    private let stream: AsyncStream<AgentStatus>
    let feed: AsyncStream<AgentStatus>.Continuation

    init() { (stream, feed) = AsyncStream.makeStream() }

    func next() async -> AgentStatus? { await stream.first { _ in true } }
}

/// Runs an agent in a service group for as long as the body takes, and lets it end by a graceful shutdown.
func withAgent<Result: Sendable>(
    _ directory: StateDirectory, manager: FakeManager, gateway: (any Gateway)? = nil, prober: (any Prober)? = nil,
    mends: Bool = false, _ body: @Sendable (RunningAgent) async throws -> Result
) async throws -> Result {
    let loops = MultiThreadedEventLoopGroup.singleton
    let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
    let statuses = Statuses()
    let clock = ManualClock()
    let agent = try AgentService(
        directory: directory, gateway: gateway ?? EmbeddedGateway(group: loops, logger: logger), prober: prober ?? TLSProber(group: loops),
        connector: manager, clock: clock, now: { .now }, mends: mends, logger: logger, onStatus: { statuses.feed.yield($0) })
    let group = ServiceGroup(services: [agent], logger: logger)
    return try await withThrowingTaskGroup(of: Void.self) { tasks in
        tasks.addTask {
            defer {
                statuses.feed.finish()
                manager.end()
            }
            try await group.run()
        }
        let running = RunningAgent(directory: directory, manager: manager, clock: clock, statuses: statuses)
        do {
            let result = try await body(running)
            await group.triggerGracefulShutdown()
            try await tasks.waitForAll()
            return result
        } catch {
            await group.triggerGracefulShutdown()
            // Why the agent ended says more than that it did.
            try await tasks.waitForAll()
            throw error
        }
    }
}

/// What is really served at an address, as a stranger sees it.
func served(by configuration: GatewayConfiguration) async throws -> Digest? {
    let services = try configuration.settings.intendedServices()
    return await TLSProber(group: MultiThreadedEventLoopGroup.singleton).prove(services).first?.served
}

/// A loopback address of the test's own, so that its ports are free.
func ownAddress() -> String {
    "127.\(Int.random(in: 1...254)).\(Int.random(in: 1...254)).\(Int.random(in: 1...254))"
}

/// A prober that sees what the test wants.
final class ScriptedProber: Prober {
    private let real = TLSProber(group: MultiThreadedEventLoopGroup.singleton)
    private let blindTo: Digest

    /// Sees everything as it is, but a service with this certificate not at all.
    init(blindTo fingerprint: Digest) { blindTo = fingerprint }

    func prove(_ services: [IntendedService]) async -> [ServiceProof] {
        await real.prove(services).map { $0.served == blindTo ? ServiceProof(service: $0.service, served: nil) : $0 }
    }
}

/// A gateway that takes what it is given, except what makes it hang until it is cancelled.
final class HangingGateway: Gateway {
    private let hangsOn: Digest
    let isHanging: AsyncStream<Void>
    private let hanging: AsyncStream<Void>.Continuation
    private let state = Mutex<[Digest]>([])

    init(on digest: Digest) {
        hangsOn = digest
        (isHanging, hanging) = AsyncStream.makeStream()
    }

    /// Everything that was applied, in order.
    var applied: [Digest] { state.withLock { $0 } }

    func apply(_ configuration: GatewayConfiguration) async throws(Refusal) {
        let digest = configuration.settings.digest
        if digest == hangsOn {
            hanging.yield()
            let never = AsyncStream<Void> { _ in }
            for await _ in never {}
            throw Refusal(.unavailable, "cancelled")
        }
        state.withLock { $0.append(digest) }
    }

    func stop() async {}
}

/// A prober that believes everything.
struct TrustingProber: Prober {
    func prove(_ services: [IntendedService]) async -> [ServiceProof] {
        services.map { ServiceProof(service: $0.service, served: $0.fingerprint) }
    }
}

extension FakeManager.Connection {
    /// The next message of the member; nil when it is gone.
    func next() async -> MemberMessage? { await said.first { _ in true } }

    /// The member's next receipt.
    func receipt() async throws -> Receipt {
        while let message = await next() {
            if case .receipt(let receipt) = message { return receipt }
        }
        throw Refusal(.unavailable, "the connection ended")
    }

    /// Gives the member a configuration, as a difference from the base it runs, or whole.
    func push(_ configuration: GatewayConfiguration, base: GatewayConfiguration? = nil, revision: Int) throws {
        let target = Target(position: revision, revision: revision, digest: configuration.settings.digest)
        answer(
            .update(
                try buildUpdate(
                    target: target, configuration: configuration.settings, base: base?.settings, head: .at(revision)
                ) { needed in
                    configuration.keys.filter { needed.keys.contains($0.key) }
                        .map { Material(kind: .key, digest: $0.key, pem: Array($0.value.utf8)) }
                        + configuration.chains.filter { needed.chains.contains($0.key) }
                        .map { Material(kind: .chain, digest: $0.key, pem: Array($0.value.utf8)) }
                }))
    }
}

extension Sighting {
    static func at(_ position: Int) -> Sighting {
        Sighting(epoch: 0, head: LogHead(position: position, hash: Digest(hashing: [UInt8(position)])), seal: Digest(hashing: []))
    }
}
