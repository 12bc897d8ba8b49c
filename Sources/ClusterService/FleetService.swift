package import AdminContract
package import ClusterLog
package import ClusterModel
package import Logging
package import Replication
import ServiceLifecycle
import Synchronization

/// Drives every member toward its target, and knows how each stands.
///
/// The decisions are ``Publisher``'s; this is the loop around it: it hears the transport and the log, asks, and performs.
package final class FleetService: MemberPort, Service {
    private struct Inner {
        var publisher = Publisher()
        var links: [ConnectionID: any Link<ManagerMessage>] = [:]
    }

    private let inner = Mutex(Inner())
    private let ledger: Ledger
    private let enrolment: Enrolment
    private let vault: KeyVault
    private let records: RecordStore
    private let now: WallClock
    private let clock: any Clock<Duration>
    private let logger: Logger
    private let work: (stream: AsyncStream<Work>, continuation: AsyncStream<Work>.Continuation)

    /// What cannot be answered on the transport's threads.
    private enum Work: Sendable {
        case join(JoinRequest, ConnectionID)
        case hello(Hello, ConnectionID)
    }

    package init(
        ledger: Ledger, enrolment: Enrolment, vault: KeyVault, log: any ClusterLog, now: @escaping WallClock,
        clock: any Clock<Duration> = ContinuousClock(), logger: Logger
    ) {
        self.ledger = ledger
        self.enrolment = enrolment
        self.vault = vault
        self.records = RecordStore(log: log)
        self.now = now
        self.clock = clock
        self.logger = logger
        // Bounded: joins are rare, and a member whose hello is dropped is closed and comes again.
        work = AsyncStream.makeStream(of: Work.self, bufferingPolicy: .bufferingOldest(FleetService.waiting))
    }

    /// Joins and hellos that may wait at once: a connect storm of a large fleet.
    private static let waiting = 50_000

    /// Publishes the present state before it returns, then follows the log until it is cancelled.
    package func run() async throws {
        let known = try await records.load()
        inner.withLock { $0.publisher = Publisher(records: known) }
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask(name: "fleet/states") { try await self.followStates() }
            group.addTask(name: "fleet/work") { await self.doWork() }
            group.addTask(name: "fleet/ticks") { try await self.tick() }
            // The first that ends takes the others with it: a fleet service that is half there helps nobody.
            _ = try await group.next()
            group.cancelAll()
        }
    }

    private func followStates() async throws {
        for await state in await ledger.states().cancelOnGracefulShutdown() {
            try await publish(state)
        }
    }

    private func publish(_ state: ClusterState) async throws {
        let targets = FleetService.targets(of: state)
        var needed = MaterialNeeded()
        for target in targets.values {
            let own = try target.configuration.materialNeeded()
            needed.keys.formUnion(own.keys)
            needed.chains.formUnion(own.chains)
        }
        try await vault.prepare(needed)
        let ended = state.ended.mapValues { Ended(reason: $0.reason, time: $0.time) }
        let time = now()
        inner.withLock { inner in
            perform(inner.publisher.stateChanged(targets: targets, ended: ended, head: state.head, now: time), &inner)
        }
    }

    private func doWork() async {
        for await item in work.stream.cancelOnGracefulShutdown() {
            switch item {
            case .join(let request, let connection): await join(request, connection)
            case .hello(let hello, let connection): await answer(hello, connection)
            }
        }
    }

    private func tick() async throws {
        while !Task.isCancelled, !Task.isShuttingDownGracefully {
            do { try await clock.sleep(for: .seconds(1)) } catch { return }
            let time = now()
            inner.withLock { inner in perform(inner.publisher.tick(now: time), &inner) }
            await records.flush(logger)
        }
    }

    /// What every machine should run, by this state.
    package static func targets(of state: ClusterState) -> [MembershipID: MachineTarget] {
        state.configurations().mapValues { configuration in
            MachineTarget(
                target: Target(position: state.head.position, revision: state.revision, digest: configuration.digest),
                configuration: configuration)
        }
    }

    // MARK: - The member port

    package func opened(_ connection: ConnectionID, peer: Peer, link: any Link<ManagerMessage>) {
        let time = now()
        inner.withLock { inner in
            inner.links[connection] = link
            guard case .member(let membership) = peer else { return }
            perform(inner.publisher.opened(connection, membership: membership, now: time), &inner)
        }
    }

    package func received(_ message: MemberMessage, on connection: ConnectionID) {
        let time = now()
        switch message {
        case .join(let request): enqueue(.join(request, connection), connection)
        case .hello(let hello): enqueue(.hello(hello, connection), connection)
        case .receipt(let receipt):
            inner.withLock { inner in perform(inner.publisher.receipt(connection, receipt, now: time), &inner) }
        case .ping, .pong:
            inner.withLock { inner in perform(inner.publisher.heard(connection, now: time), &inner) }
        }
    }

    package func closed(_ connection: ConnectionID) {
        inner.withLock { inner in
            inner.links[connection] = nil
            perform(inner.publisher.closed(connection), &inner)
        }
    }

    private func enqueue(_ item: Work, _ connection: ConnectionID) {
        if case .enqueued = work.continuation.yield(item) { return }
        inner.withLock { inner in inner.links[connection]?.close() }
    }

    private func answer(_ hello: Hello, _ connection: ConnectionID) async {
        // A log that cannot be read right now cannot vouch for itself either.
        let holds = (try? await ledger.holds(hello.seen)) ?? false
        let time = now()
        inner.withLock { inner in
            perform(inner.publisher.hello(connection, hello, isSeenKnown: holds, now: time), &inner)
        }
    }

    private func join(_ request: JoinRequest, _ connection: ConnectionID) async {
        let answer: ManagerMessage
        do throws(Refusal) {
            answer = .joined(try await enrolment.join(request))
            logger.notice("a machine joined", metadata: ["machine": "\(request.machine)", "preview": "\(request.isPreview)"])
        } catch {
            answer = .refused(error.code, reason: error.description)
            logger.notice("a join was refused", metadata: ["machine": "\(request.machine)", "code": "\(error.code.rawValue)"])
        }
        let link = inner.withLock { $0.links[connection] }
        link?.send(answer)
        link?.close()
    }

    // MARK: - Performing

    private func perform(_ actions: [Publisher.Action], _ inner: inout Inner) {
        for action in actions {
            switch action {
            case .update(let connection, let plan): send(plan, to: inner.links[connection])
            case .welcome(let connection, let head): inner.links[connection]?.send(.welcome(head))
            case .refuse(let connection, let code, let reason): inner.links[connection]?.send(.refused(code, reason: reason))
            case .end(let connection, let ended): inner.links[connection]?.send(.ended(ended))
            case .close(let connection): inner.links[connection]?.close()
            case .record(let membership, _):
                if let record = inner.publisher.record(of: membership) { records.keep(record, of: membership) }
            case .alarm(let alarm):
                logger.warning("alarm", metadata: ["alarm": "\(alarm)"])
            }
        }
    }

    private func send(_ plan: UpdatePlan, to link: (any Link<ManagerMessage>)?) {
        do throws(SettingError) {
            link?.send(.update(plan.update(material: vault.material(for: try plan.materialLacking()))))
        } catch {
            logger.error("a configuration cannot be sent", metadata: ["reason": "\(error.description)"])
        }
    }

    package func retry(_ membership: MembershipID) async {
        let time = now()
        inner.withLock { inner in perform(inner.publisher.retry(membership, now: time), &inner) }
    }

    // MARK: - Seeing

    /// Every machine against this state, by name. Computed from the state that is asked about, so that after an
    /// answered commit nothing counts as synced for an older target.
    package func views(of state: ClusterState) async throws(Refusal) -> [MachineView] {
        let (records, known) = inner.withLock { ($0.publisher.records, $0.publisher.head == state.head ? $0.publisher.targets : nil) }
        return (known ?? FleetService.targets(of: state)).compactMap { id, target in
            guard let membership = state.memberships[id] else { return nil }
            let status = MachineStatus(of: target, record: records[id] ?? MachineRecord())
            return MachineView(
                name: membership.machine, group: state.groups[membership.group]?.name ?? "", state: status.state,
                targetRevision: target.target.revision, appliedRevision: status.applied?.revision, targetDigest: target.target.digest,
                appliedDigest: status.applied?.digest, reasons: status.reasons,
                services: status.services.map {
                    ServiceView(
                        service: $0.service, certificate: $0.certificate, fingerprint: $0.fingerprint, served: $0.served,
                        unprovable: $0.unprovable)
                }, lastSeen: status.lastHeard)
        }
        .sorted { $0.name < $1.name }
    }
}
