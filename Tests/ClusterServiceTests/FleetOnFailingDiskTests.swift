import AdminContract
import ClusterLog
import ClusterModel
import ClusterService
import Logging
import Replication
import Synchronization
import Testing

@Suite("A fleet on a failing disk is served what it had, and the newest when the disk works again", .timeLimit(.minutes(1)))
struct FleetOnFailingDiskTests {
    @Test func `material that cannot be read is sent when it can`() async throws {
        try await withFleet { desk, log, member in
            let request = SelfSignedRequest(commonName: "mail.example.com")
            _ = try await desk.admin.createCertificate(
                CertificateCreation(level: .cluster, name: "mail", request: request, replace: false), for: desk.caller)
            try await desk.set(
                .listeners, "public", ["interface": "data1", "port": 25, "certificate": "mail", "defaultPolicy": "accepted"])
            try await desk.set(.mailFlowPolicies, "accepted", ["tls": "preferred"])
            log.fail(.init(.blob, lasting: true))
            let before = log.count(of: .blob)
            _ = try await desk.commit()
            // It has failed, and been tried again.
            try await until { log.count(of: .blob) >= before + 2 }
            log.heal()
            let update = try await member.update { $0.target.revision == 1 }
            #expect(update.material.count == 2)
        }
    }

    @Test func `an append that was done and not answered reaches the fleet`() async throws {
        try await withFleet { desk, log, member in
            try await desk.set(.destinations, "a.example", ["tls": "required"])
            log.fail(.init(.append, moment: .after))
            log.fail(.init(.entries, lasting: true))
            await #expect(throws: Refusal(.unavailable, "")) { try await desk.commit() }
            log.heal()
            #expect(try await member.update { $0.target.revision == 1 }.target.revision == 1)
            #expect(await desk.ledger.state.revision == 1)
        }
    }

    @Test func `a member's word that could not be written is written later`() async throws {
        try await withFleet { desk, log, member in
            log.fail(.init(.setValues, lasting: true))
            let update = try await member.update { _ in true }
            member.confirm(update)
            try await until { log.count(of: .setValues) >= 2 }
            log.heal()
            try await until { try await !log.values(prefix: "record/").isEmpty }
        }
    }

    /// Waits for something that the fleet does by itself; the time limit ends it.
    private func until(_ holds: () async throws -> Bool) async throws {
        while try await !holds() {
            try Task.checkCancellation()
            await Task.yield()
        }
    }

    /// Runs a fleet with one member that is connected, on a disk that fails when it is told to.
    private func withFleet(_ body: (Desk, FaultyLog, StandIn) async throws -> Void) async throws {
        let log = FaultyLog(wrapping: InMemoryLog())
        let desk = try await Desk.make(log: log)
        let answer = try await desk.join("mx1")
        let fleet = FleetService(
            ledger: desk.ledger, enrolment: desk.enrolment, vault: desk.vault, log: log, now: desk.clock.now, clock: QuickClock(),
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
        let running = Task { try await fleet.run() }
        do {
            try await until { fleet.isServing }
            let seen = desk.ledger.sighting(of: await desk.ledger.state)
            let member = StandIn(fleet: fleet, membership: answer.membership, seen: seen, now: desk.clock.now())
            try await body(desk, log, member)
            running.cancel()
            try await running.value
        } catch {
            running.cancel()
            throw error
        }
    }
}

/// A member that only listens.
final class StandIn: Sendable {
    private let fleet: FleetService
    private let link = Recorder()
    private let now: Timestamp
    private static let connection = ConnectionID(rawValue: 1)

    private final class Recorder: Link {
        let messages: AsyncStream<ManagerMessage>
        private let feed: AsyncStream<ManagerMessage>.Continuation

        init() { (messages, feed) = AsyncStream.makeStream() }

        func send(_ message: ManagerMessage) { feed.yield(message) }
        func close() { feed.finish() }
    }

    init(fleet: FleetService, membership: MembershipID, seen: Sighting, now: Timestamp) {
        self.fleet = fleet
        self.now = now
        fleet.opened(StandIn.connection, peer: .member(membership), link: link)
        say(.hello(Hello(agent: "test", clock: now, running: nil, seen: seen)))
    }

    func say(_ message: MemberMessage) { fleet.received(message, on: StandIn.connection) }

    func confirm(_ update: Update) {
        say(.receipt(Receipt(target: update.target, outcome: .applied(digest: update.target.digest, proofs: []), time: now)))
    }

    /// The next update that fits. Each is confirmed, as one is in flight at a time.
    func update(where fits: (Update) -> Bool) async throws -> Update {
        while let message = await link.messages.first(where: { _ in true }) {
            guard case .update(let update) = message else { continue }
            if fits(update) { return update }
            confirm(update)
        }
        throw Refusal(.unavailable, "the connection ended")
    }
}

/// A clock on which a second takes a moment.
struct QuickClock: Clock {
    typealias Instant = ContinuousClock.Instant

    var now: Instant { .now }
    var minimumResolution: Duration { .nanoseconds(1) }

    func sleep(until deadline: Instant, tolerance: Duration?) async throws {
        try await ContinuousClock().sleep(for: .milliseconds(1))
    }
}
