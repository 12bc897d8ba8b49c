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
    struct Inner {
        var publisher = Publisher()
        var links: [ConnectionID: any Link<ManagerMessage>] = [:]
        var questions = OpenQuestions()
        var watchers = FleetWatchers()
    }

    let inner = Mutex(Inner())
    let ledger: Ledger
    private let enrolment: Enrolment
    private let vault: KeyVault
    private let records: RecordStore
    /// What was edited on disconnected machines themselves.
    package let localEdits: LocalEditStore
    /// Joins that were refused are kept there, and whatever else is.
    package let refusals: RefusalDesk
    let now: WallClock
    let clock: any Clock<Duration>
    /// How long this service has been there, whatever the wall clock says.
    let uptime: @Sendable () -> Duration
    let logger: Logger
    private let work: (stream: AsyncStream<Work>, continuation: AsyncStream<Work>.Continuation)

    /// What cannot be answered on the transport's threads.
    private enum Work: Sendable {
        case join(JoinRequest, ConnectionID)
        case hello(Hello, ConnectionID)
        case localEdits(LocalEditReport, ConnectionID)
        case forgetEdits(MembershipID)
        case renewal([UInt8], ConnectionID)
    }

    package init(
        ledger: Ledger, enrolment: Enrolment, vault: KeyVault, log: any ClusterLog, now: @escaping WallClock,
        clock: any Clock<Duration> = ContinuousClock(), logger: Logger
    ) {
        self.ledger = ledger
        self.enrolment = enrolment
        self.vault = vault
        self.records = RecordStore(log: log)
        localEdits = LocalEditStore(log: log, vault: vault)
        refusals = RefusalDesk(log: log, now: now)
        self.now = now
        self.clock = clock
        uptime = FleetService.stopwatch(clock)
        self.logger = logger
        // Bounded: joins are rare, and a member whose hello is dropped is closed and comes again.
        work = AsyncStream.makeStream(of: Work.self, bufferingPolicy: .bufferingOldest(FleetService.waiting))
    }

    /// Joins and hellos that may wait at once: a connect storm of a large fleet.
    private static let waiting = 50_000

    /// Publishes the present state before it returns, then follows the log until it is cancelled.
    package func run() async throws {
        let known = try await records.load()
        // Members may be connected already, and are kept.
        let edits = try await recallEdits()
        inner.withLock { $0.publisher.recall(known, edits: edits) }
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
            var newest = state
            // A disk that fails for now ends nothing: members keep what they run, and hear of the newest state when it works again.
            while try await !isPublished(newest), await pause() {
                newest = await ledger.state
            }
        }
    }

    private func isPublished(_ state: ClusterState) async throws -> Bool {
        do {
            try await publish(state)
            return true
        } catch let refusal as Refusal where refusal.code == .unavailable {
            logger.error("the newest state cannot be published yet", metadata: ["reason": "\(refusal.reason)"])
            return false
        }
    }

    /// Waits a second; false when the service ends.
    private func pause() async -> Bool {
        guard !Task.isCancelled, !Task.isShuttingDownGracefully else { return false }
        do { try await clock.sleep(for: .seconds(1)) } catch { return false }
        return true
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
        let head = ledger.sighting(of: state)
        let disconnected = state.disconnected
        decide { $0.stateChanged(targets: targets, ended: ended, disconnected: disconnected, head: head, now: $1) }
        decide { publisher, _ in publisher.authoritiesChanged(state.rotation.map(Publisher.Authorities.init)) }
        inner.withLock { $0.watchers.tell() }
    }

    private func doWork() async {
        for await item in work.stream.cancelOnGracefulShutdown() {
            switch item {
            case .join(let request, let connection): await join(request, connection)
            case .hello(let hello, let connection): await answer(hello, connection)
            case .localEdits(let report, let connection): await keep(report, connection)
            case .forgetEdits(let membership): await forgetEdits(of: membership)
            case .renewal(let request, let connection): await renew(request, connection)
            }
        }
    }

    private func tick() async throws {
        while await pause() {
            decide { $0.tick(now: $1) }
            turnTroubles()
            await records.flush(logger)
            await refusals.flush()
            await settle()
        }
    }

    /// Takes in what a failing disk may have left in the log.
    private func settle() async {
        do throws(Refusal) {
            try await ledger.settle()
        } catch {
            logger.error("the log cannot be read", metadata: ["reason": "\(error.reason)"])
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
        inner.withLock { $0.links[connection] = link }
        switch peer {
        case .stranger: break
        case .member(let membership): decide { $0.opened(connection, membership: membership, now: $1) }
        case .returning(let membership): decide { publisher, _ in publisher.returned(connection, membership: membership) }
        }
    }

    package func turnedAway(_ membership: MembershipID, because reason: String) {
        inner.withLock { $0.publisher.turnedAway(membership, because: reason) }
    }

    package func received(_ message: MemberMessage, on connection: ConnectionID) {
        switch message {
        case .join(let request): enqueue(.join(request, connection), connection)
        case .hello(let hello): enqueue(.hello(hello, connection), connection)
        case .localEdits(let report): enqueue(.localEdits(report, connection), connection)
        case .receipt(let receipt):
            decide { $0.receipt(connection, receipt, now: $1) }
        case .papers(let papers): decide { $0.papers(connection, papers, now: $1) }
        case .renewal(let request): enqueue(.renewal(request, connection), connection)
        case .inventory(let part): take(part, on: connection)
        case .ping, .pong:
            decide { $0.heard(connection, now: $1) }
        }
    }

    package func closed(_ connection: ConnectionID) {
        inner.withLock { inner in
            inner.links[connection] = nil
            inner.questions.close(connection)
            perform(inner.publisher.closed(connection), &inner)
            inner.watchers.tell()
        }
    }

    private func enqueue(_ item: Work, _ connection: ConnectionID) {
        if case .enqueued = work.continuation.yield(item) { return }
        inner.withLock { inner in inner.links[connection]?.close() }
    }

    private func answer(_ hello: Hello, _ connection: ConnectionID) async {
        let standing: SightingStanding
        do throws(Refusal) {
            standing = try await ledger.standing(of: hello.seen)
        } catch {
            // A log that cannot be read right now says nothing about what a member has seen: the member comes again.
            logger.error("the log cannot be read", metadata: ["reason": "\(error.reason)"])
            return inner.withLock { inner in inner.links[connection]?.close() }
        }
        decide { $0.hello(connection, hello, standing: standing, now: $1) }
    }

    private func join(_ request: JoinRequest, _ connection: ConnectionID) async {
        let answer: ManagerMessage
        do throws(Refusal) {
            answer = .joined(try await enrolment.join(request))
            logger.notice("a machine joined", metadata: ["machine": "\(request.machine)", "preview": "\(request.isPreview)"])
        } catch {
            answer = .refused(error.code, reason: error.description)
            if !request.isPreview { await refusals.note(error, RefusedAttempt.join, by: "machine \(request.machine)") }
            logger.notice("a join was refused", metadata: ["machine": "\(request.machine)", "code": "\(error.code.rawValue)"])
        }
        let link = inner.withLock { $0.links[connection] }
        link?.send(answer)
        link?.close()
    }

    private func renew(_ request: [UInt8], _ connection: ConnectionID) async {
        let (asker, link) = inner.withLock { inner in
            inner.publisher.uptime = uptime().components.seconds
            let (asker, actions) = inner.publisher.renewal(connection, now: now())
            perform(actions, &inner)
            return (asker, inner.links[connection])
        }
        guard let asker else { return }
        do throws(Refusal) {
            link?.send(.renewed(try await enrolment.renew(request, for: asker)))
            logger.notice("a member's certificate was renewed", metadata: ["membership": "\(asker.membership)"])
            if asker.closesAfter { link?.close() }
        } catch {
            logger.notice("a renewal was refused", metadata: ["membership": "\(asker.membership)", "code": "\(error.code.rawValue)"])
            link?.send(.refused(error.code, reason: error.description))
            link?.close()
        }
    }

    // MARK: - Performing

    /// Asks the publisher, which is told both times, and does what it says.
    func decide<Failure: Error>(_ decision: (inout Publisher, Timestamp) throws(Failure) -> [Publisher.Action]) throws(Failure) {
        try inner.withLock { inner throws(Failure) in
            inner.publisher.uptime = uptime().components.seconds
            perform(try decision(&inner.publisher, now()), &inner)
        }
    }

    func member(on connection: ConnectionID) -> MembershipID? { inner.withLock { $0.publisher.member(on: connection) } }

    func close(_ connection: ConnectionID) { inner.withLock { $0.links[connection]?.close() } }

    private static func stopwatch<C: Clock<Duration>>(_ clock: C) -> @Sendable () -> Duration {
        let start = clock.now
        return { start.duration(to: clock.now) }
    }

    func perform(_ actions: [Publisher.Action], _ inner: inout Inner) {
        for action in actions {
            switch action {
            case .update(let connection, let plan): send(plan, to: inner.links[connection])
            case .welcome(let connection, let head, let version): inner.links[connection]?.send(.welcome(head, version: version))
            case .apart(let connection, let isDisconnected): inner.links[connection]?.send(.apart(isDisconnected))
            case .settled(let connection, let edits): inner.links[connection]?.send(.settled(edits))
            case .forgetEdits(let membership): work.continuation.yield(.forgetEdits(membership))
            case .refuse(let connection, let code, let reason): inner.links[connection]?.send(.refused(code, reason: reason))
            case .end(let connection, let ended): inner.links[connection]?.send(.ended(ended))
            case .close(let connection): inner.links[connection]?.close()
            case .record(let membership, _):
                if let record = inner.publisher.record(of: membership) { records.keep(record, of: membership) }
                inner.watchers.tell()
            case .authorities(let connection, let offer): inner.links[connection]?.send(.authorities(offer))
            case .keep(let membership):
                if let record = inner.publisher.record(of: membership) { records.keep(record, of: membership) }
            case .know(let membership, let agent):
                ledger.agents.note(agent, of: membership)
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
        decide { $0.retry(membership, now: $1) }
    }

    // MARK: - Seeing

    /// Whether members are served: the state of the cluster was taken in.
    package var isServing: Bool { inner.withLock { $0.publisher.hasTargets } }

    /// What a machine last said that it applied; nil when it has applied nothing.
    package func applied(by membership: MembershipID) -> Target? {
        inner.withLock { $0.publisher.records[membership]?.lastApplied?.target }
    }

    /// What is known of every member.
    package var memberRecords: [MembershipID: MachineRecord] { inner.withLock { $0.publisher.records } }

    /// Why nothing is sent to anybody: a member has seen more than this manager's log holds. Nil when all is well.
    package var outdated: String? {
        inner.withLock { $0.publisher.outdated }
    }

    /// Every machine against this state, by name. Computed from the state that is asked about, so that after an
    /// answered commit nothing counts as synced for an older target.
    package func views(of state: ClusterState) async throws(Refusal) -> [MachineView] {
        let (records, edits, known, isOutdated) = inner.withLock { inner in
            let publisher = inner.publisher
            return (
                publisher.records, publisher.localEdits, publisher.head.head == state.head ? publisher.targets : nil,
                publisher.outdated != nil
            )
        }
        let remark = isOutdated ? ["the manager was restored from an older backup and sends nothing: muster status"] : []
        return (known ?? FleetService.targets(of: state)).compactMap { id, target in
            guard let membership = state.memberships[id] else { return nil }
            let record = records[id] ?? MachineRecord()
            let agent = ledger.agents.agent(of: membership)
            let apart = ApartView(of: membership, target, edits[id] ?? LocalEdits(), agent)
            let status = MachineStatus(
                of: target, record: record, isDisconnected: membership.disconnection != nil, undecided: apart.edits.count)
            return MachineView(
                name: membership.machine, ownName: membership.ownName == membership.machine ? nil : membership.ownName,
                group: state.groups[membership.group]?.name ?? "", state: status.state,
                targetRevision: target.target.revision, appliedRevision: status.applied?.revision, targetDigest: target.target.digest,
                appliedDigest: status.applied?.digest, reasons: status.reasons + apart.reasons + (status.state == .synced ? [] : remark),
                services: status.services.map {
                    ServiceView(
                        service: $0.service, certificate: $0.certificate, fingerprint: $0.fingerprint, served: $0.served,
                        unprovable: $0.unprovable)
                },
                // Values that do not read were refused before they were stored.
                disabled: (try? target.configuration.disabledServices()) ?? [], lastSeen: status.lastHeard,
                agentVersion: agent.agent.isEmpty ? nil : agent.agent, gateway: agent.gateway,
                lacks: FleetService.texts(of: target.configuration.lacks(of: agent)),
                localEdits: apart.edits, lastReceived: record.lastReceived.map(ReceiptView.init),
                lastApplied: record.lastApplied.map(ReceiptView.init),
                lastRejected: record.lastRejected.map(ReceiptView.init))
        }
        .sorted { $0.name < $1.name }
    }

    /// The first of what an agent lacks, a line each.
    private static func texts(of lacks: [SettingLack]) -> [String] {
        lacks.prefix(Limits.receiptReasons).map { "\($0.section)/\($0.entry) needs \($0.text)" }
            + (lacks.count > Limits.receiptReasons ? ["and \(lacks.count - Limits.receiptReasons) more"] : [])
    }
}

extension ReceiptView {
    /// A receipt as people meet it.
    fileprivate init(_ receipt: Receipt) {
        self.init(
            revision: receipt.target.revision, position: receipt.target.position, digest: receipt.target.digest, outcome: "applied",
            time: receipt.time)
        if case .rejected(let reasons) = receipt.outcome { (outcome, self.reasons) = ("rejected", reasons) }
    }
}
