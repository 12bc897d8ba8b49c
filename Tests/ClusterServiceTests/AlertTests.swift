import AdminContract
import ClusterLog
import ClusterModel
import ClusterService
import Logging
import Testing

@Suite("The expiry watch of a manager", .timeLimit(.minutes(1)))
struct AlertTests {
    /// A clock whose sleeper wakes when a test rings.
    private struct BellClock: Clock {
        private let base = ContinuousClock()
        private let bell = AsyncStream.makeStream(of: Void.self)

        var now: ContinuousClock.Instant { base.now }
        var minimumResolution: Duration { .zero }

        func sleep(until deadline: ContinuousClock.Instant, tolerance: Duration?) async throws {
            _ = await bell.stream.first { _ in true }
            try Task.checkCancellation()
        }

        func ring() { bell.continuation.yield() }
    }

    /// A watch that runs, and what it says.
    private final class Watch: Sendable {
        let clock = BellClock()
        let news: AsyncStream<AlertBook.News>
        private let running: Task<Void, any Error>

        init(_ desk: Desk) {
            let (news, told) = AsyncStream.makeStream(of: AlertBook.News.self)
            self.news = news
            let watch = AlertWatch(
                ledger: desk.ledger, desk: desk.alerts, now: desk.clock.now, clock: clock,
                logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }, heard: { told.yield($0) })
            running = Task { try await watch.run() }
        }

        deinit { running.cancel() }

        /// What the next look that found something said.
        func next() async -> AlertBook.News { await news.first { _ in true } ?? AlertBook.News() }
    }

    /// Two machines whose listener uses one certificate that is valid for so many days.
    private func cluster(days: Int, log: any ClusterLog = InMemoryLog()) async throws -> Desk {
        let desk = try await Desk.make(log: log)
        try await desk.join("mx1")
        _ = try await desk.enrolment.join(desk.request("mx2", invitation: desk.invite(), address: "127.0.0.12"))
        try await create(days: days, in: desk)
        try await desk.set(.listeners, "public", ["interface": "data1", "certificate": "mail"])
        _ = try await desk.commit()
        return desk
    }

    private func create(days: Int, in desk: Desk) async throws {
        let request = SelfSignedRequest(commonName: "mail.example.com", days: days)
        _ = try await desk.admin.createCertificate(
            CertificateCreation(level: .cluster, name: "mail", request: request, replace: true), for: desk.caller)
    }

    private func texts(_ alerts: [Alert]) -> [String] {
        alerts.map { "\($0.condition.machine ?? "") \($0.condition.expiry?.threshold ?? 999)" }.sorted()
    }

    @Test func `every step is raised once on each machine, from day to day, and a new certificate clears it`() async throws {
        let desk = try await cluster(days: 100)
        let watch = Watch(desk)
        var left = 100
        for threshold in ExpiryStep.days + [0, -1] {
            // Days between the steps bring nothing: each look that says something is at a step.
            while left > threshold {
                desk.clock.advance(seconds: 86_400)
                left -= 1
                watch.clock.ring()
            }
            #expect(texts(await watch.next().raised) == ["mx1 \(threshold)", "mx2 \(threshold)"])
        }
        try await create(days: 365, in: desk)
        _ = try await desk.commit()
        #expect(texts(await watch.next().cleared) == ["mx1 -1", "mx2 -1"])
        #expect(try await desk.admin.alerts(all: false, for: desk.caller).isEmpty)
        #expect(try await desk.admin.alerts(all: true, for: desk.caller).map(\.threshold) == [-1, -1])
    }

    @Test func `a machine that joins or leaves is looked at then`() async throws {
        let desk = try await cluster(days: 20)
        let watch = Watch(desk)
        #expect(texts(await watch.next().raised) == ["mx1 30", "mx2 30"])
        _ = try await desk.enrolment.join(desk.request("mx3", invitation: desk.invite(), address: "127.0.0.13"))
        #expect(texts(await watch.next().raised) == ["mx3 30"])
        _ = try await desk.admin.removeMachine("mx1", for: desk.caller)
        #expect(texts(await watch.next().cleared) == ["mx1 30"])
    }

    @Test func `what was raised and seen survives a restart, and is not raised again`() async throws {
        let log = InMemoryLog()
        let desk = try await cluster(days: 20, log: log)
        do {
            let watch = Watch(desk)
            #expect(await watch.next().raised.count == 2)
        }
        let before = try await desk.admin.alerts(all: false, for: desk.caller)
        let seen = try await desk.admin.acknowledgeAlerts(AlertAcknowledgement(ids: [before[0].id]), for: desk.caller)
        #expect(seen.map(\.acknowledged?.by) == ["ann"])
        #expect(try await desk.admin.status(for: desk.caller).alerts == AlertSummary(active: 2, unacknowledged: 1, worst: .notice))

        let again = try await Desk(log: log, master: desk.master, clock: desk.clock)
        #expect(try await again.admin.alerts(all: false, for: desk.caller).map(\.acknowledged?.by) == ["ann", nil])
        let watch = Watch(again)
        // Six days on: the next step, and nothing of the one before.
        desk.clock.advance(seconds: 6 * 86_400)
        watch.clock.ring()
        #expect(texts(await watch.next().raised) == ["mx1 15", "mx2 15"])
        #expect(try await again.admin.alerts(all: true, for: desk.caller).allSatisfy { $0.acknowledged == nil && $0.cleared == nil })
    }

    @Test func `two that change the alerts at one moment lose nothing of each other's`() async throws {
        let log = InMemoryLog()
        let desks = [AlertDesk(log: log, now: HandClock().now), AlertDesk(log: log, now: HandClock().now)]
        let kind = Alert.Kind.certificateExpiring
        let conditions = (0..<12).map { AlertCondition(kind: kind, subject: "\($0)", stage: 0, severity: .notice) }
        _ = try await desks[0].take(conditions, of: kind)
        try await withThrowingTaskGroup(of: Void.self) { group in
            for (number, condition) in conditions.enumerated() {
                group.addTask { _ = try await desks[number % 2].acknowledge([condition.id], by: "u\(number)") }
            }
            let more = conditions + [AlertCondition(kind: kind, subject: "more", stage: 0, severity: .notice)]
            group.addTask { _ = try await desks[0].take(more, of: kind) }
            try await group.waitForAll()
        }
        let active = try await desks[1].book().active
        #expect(Set(active.compactMap(\.acknowledged?.by)) == Set((0..<12).map { "u\($0)" }))
        #expect(active.count == 13)
    }

    @Test func `who may only look acknowledges nothing`() async throws {
        let desk = try await cluster(days: 20)
        _ = try await desk.alerts.take(desk.ledger.state.expiryConditions(at: desk.clock.now()), of: .certificateExpiring)
        let reader = Caller(user: "rob", role: .readOnly)
        let alerts = try await desk.admin.alerts(all: false, for: reader)
        #expect(alerts.count == 2)
        await #expect(throws: Refusal(.forbidden, "")) {
            try await desk.admin.acknowledgeAlerts(AlertAcknowledgement(ids: alerts.map(\.id)), for: reader)
        }
    }
}
