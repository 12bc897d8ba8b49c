import AdminContract
import ClusterLog
import ClusterModel
import ClusterService
import Logging
import Replication
import Synchronization
import Testing

@Suite("The consistency check of a manager", .timeLimit(.minutes(1)))
struct ConsistencyTests {
    /// A machine that answers as a test tells it: it holds what it was sent, with changes.
    private final class Machine: Link {
        private struct State {
            var held: EffectiveConfiguration?
            var change: @Sendable (inout Inventory, [EntryName]) -> Void = { _, _ in }
            var isMute = false
            var refused: Refusal.Code?
            var updates: [Update] = []
        }

        private let state = Mutex(State())
        let fleet: FleetService
        private let connection: ConnectionID
        private let heard = AsyncStream.makeStream(of: ManagerMessage.self)
        private let time: Timestamp

        init(
            _ desk: Desk, _ membership: MembershipID, fleet: FleetService? = nil, number: UInt64 = 1,
            protocols: ClosedRange<Int> = MemberProtocol.versions
        ) async {
            self.fleet = fleet ?? desk.fleet
            (connection, time) = (ConnectionID(rawValue: number), desk.clock.now())
            self.fleet.opened(connection, peer: .member(membership), link: self)
            var hello = Hello(agent: "test", clock: time, running: nil, seen: desk.ledger.sighting(of: await desk.ledger.state))
            hello.knowledge.protocols = protocols
            say(.hello(hello))
        }

        var updates: [Update] { state.withLock { $0.updates } }
        var refused: Refusal.Code? { state.withLock { $0.refused } }
        func mute() { state.withLock { $0.isMute = true } }
        /// Changes what it says of what it holds.
        func changing(_ change: @escaping @Sendable (inout Inventory, [EntryName]) -> Void) { state.withLock { $0.change = change } }

        func say(_ message: MemberMessage) { fleet.received(message, on: connection) }
        func close() { heard.continuation.finish() }
        func hangUp() { fleet.closed(connection) }
        func send(_ message: ManagerMessage) { heard.continuation.yield(message) }

        /// Listens for as long as the test runs; yields after each update that it confirmed.
        func run(_ confirmed: AsyncStream<Void>.Continuation) async {
            for await message in heard.stream {
                switch message {
                case .update(let update):
                    let held = state.withLock { state in
                        state.held = (try? assemble(base: update.base == nil ? nil : state.held, update: update)) ?? state.held
                        state.updates.append(update)
                        if update.base == nil { state.change = { _, _ in } }
                        return state.held
                    }
                    confirm(update.target, held)
                    confirmed.yield()
                case .question(let question): answer(question)
                case .refused(let code, _): state.withLock { $0.refused = code }
                default: break
                }
            }
        }

        func confirm(_ target: Target, _ held: EffectiveConfiguration?, drift: [String] = [], isUnasked: Bool = false) {
            let services = (try? held?.intendedServices()) ?? []
            let proofs = services.map { ServiceProof(service: $0.service, served: $0.fingerprint) }
            say(
                .receipt(
                    Receipt(
                        target: target, outcome: .applied(digest: target.digest, proofs: proofs), time: time, drift: drift,
                        isUnasked: isUnasked)))
        }

        /// Says that it drifted, or that this is over.
        func drift(_ reasons: [String]) {
            let (target, held) = state.withLock { ($0.updates.last?.target, $0.held) }
            if let target { confirm(target, held, drift: reasons, isUnasked: true) }
        }

        private func answer(_ question: Question) {
            let (held, change, isMute) = state.withLock { ($0.held, $0.change, $0.isMute) }
            guard !isMute else { return }
            var inventory = Inventory()
            inventory.running = held?.digest
            for section in held?.sections ?? [] {
                for entry in section.entries { inventory.store?[EntryName(section.name, entry.name)] = entry.digest }
            }
            inventory.proofs = ((try? held?.intendedServices()) ?? []).map { ServiceProof(service: $0.service, served: $0.fingerprint) }
            change(&inventory, question.values)
            for part in InventoryPart.parts(of: inventory, for: question.number) { say(.inventory(part)) }
        }
    }

    private static let bank = EntryName(.destinations, "bank.example")

    /// Edits the machine's copy of an entry.
    private static func edit(_ name: EntryName, _ value: JSONValue?) -> @Sendable (inout Inventory, [EntryName]) -> Void {
        { inventory, wanted in
            inventory.store?[name] = value.map {
                EffectiveEntry.digest(section: name.section, name: name.entry, bytes: $0.canonicalBytes)
            }
            if let value, wanted.contains(name) { inventory.values[name] = value }
        }
    }

    /// A cluster with one setting, whose machine `mx1` has applied it.
    ///
    /// `clock` is that of the fleet, which measures how long a machine may take.
    private func withMachine(
        clock: any Clock<Duration> = ContinuousClock(), _ body: (Desk, Machine, any AdminService) async throws -> Void
    ) async throws {
        let desk = try await Desk.make()
        let membership = try await desk.join("mx1").membership
        try await desk.set(.destinations, "bank.example", ["tls": "required"])
        try await desk.set(.destinations, "default", ["tls": "preferred"])
        _ = try await desk.commit()
        let fleet = FleetService(
            ledger: desk.ledger, enrolment: desk.enrolment, vault: desk.vault, log: desk.log, now: desk.clock.now, clock: clock,
            logger: ConsistencyTests.quiet)
        let admin = AdminDesk(
            ledger: desk.ledger, desk: desk.changes,
            certificateDesk: CertificateDesk(changes: desk.changes, vault: desk.vault, now: desk.clock.now), enrolment: desk.enrolment,
            fleet: fleet, vault: desk.vault,
            verification: LogVerification(log: desk.log, key: ManagerFoundation.logKey(desk.master)), alertDesk: desk.alerts)
        let running = Task { try await fleet.run() }
        defer { running.cancel() }
        while !fleet.isServing { await Task.yield() }
        let machine = await Machine(desk, membership, fleet: fleet)
        let (confirmed, confirming) = AsyncStream.makeStream(of: Void.self)
        let listening = Task { await machine.run(confirming) }
        defer { listening.cancel() }
        _ = await confirmed.first { _ in true }
        try await body(desk, machine, admin)
    }

    private static let quiet = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }

    private func check(_ desk: Desk, _ admin: any AdminService) async throws -> ConsistencyView {
        try #require(try await admin.checkConsistency(ConsistencyRequest(), for: desk.caller).first)
    }

    @Test func `whoever does not answer in time is listed with that`() async throws {
        try await withMachine(clock: QuickClock()) { desk, machine, admin in
            machine.mute()
            let view = try await check(desk, admin)
            #expect(view.outcome == .notCompared && view.reason?.contains("did not answer within") == true)
        }
    }

    @Test func `a machine that holds what it was sent agrees, and one that differs is shown with both values`() async throws {
        try await withMachine { desk, machine, admin in
            #expect(try await check(desk, admin) == ConsistencyView(machine: "mx1", outcome: .agrees))
            machine.changing(ConsistencyTests.edit(ConsistencyTests.bank, ["tls": "none"]))
            let differing = try await check(desk, admin)
            #expect(differing.outcome == .differs && differing.differences.count == 1)
            let difference = try #require(differing.differences.first)
            #expect(difference.entries == ["destinations/bank.example"] && difference.place == .store && difference.kind == .changed)
            #expect(difference.cluster == #"{"tls":"required"}"# && difference.stored == #"{"tls":"none"}"#)
            #expect(difference.cures == ["muster check mx1 --keep cluster", "muster check mx1 --keep machine"])
            await #expect(throws: Refusal(.notFound, "")) {
                try await admin.checkConsistency(ConsistencyRequest(machine: "mx9"), for: desk.caller)
            }
        }
    }

    @Test func `whoever is offline, too old or gone before it answered is listed with the reason`() async throws {
        try await withMachine { desk, machine, admin in
            let old = try await desk.enrolment.join(desk.request("mx2", invitation: desk.invite(), address: "127.0.0.12")).membership
            _ = try await desk.enrolment.join(desk.request("mx3", invitation: desk.invite(), address: "127.0.0.13"))
            // They count once the fleet has read the log.
            var ancient: Machine?
            while try await admin.machine("mx2", for: desk.caller).state == .offline {
                ancient?.hangUp()
                ancient = await Machine(desk, old, fleet: machine.fleet, number: .random(in: 10...1 << 40), protocols: 1...1)
                await Task.yield()
            }
            machine.mute()
            async let checks = admin.checkConsistency(ConsistencyRequest(), for: desk.caller)
            machine.hangUp()
            let views = try await checks
            #expect(views.map(\.machine) == ["mx1", "mx2", "mx3"] && views.allSatisfy { $0.outcome == .notCompared })
            #expect(views[0].reason?.contains("connection was lost") == true || views[0].reason?.contains("offline") == true)
            #expect(views[1].reason?.contains("too old to be asked") == true && views[2].reason?.contains("offline") == true)
            withExtendedLifetime(ancient) {}
        }
    }

    @Test func `a member that says what nobody asked, or does not end, is refused`() async throws {
        for question in [0, 5] {
            try await withMachine { desk, machine, admin in
                machine.say(.inventory(InventoryPart(question: question, isLast: true, inventory: Inventory())))
                while machine.refused == nil { await Task.yield() }
                #expect(machine.refused == .invalid)
            }
        }
        try await withMachine { desk, machine, admin in
            machine.changing { [machine] _, _ in
                for _ in 0...Limits.inventoryFrames {
                    machine.say(.inventory(InventoryPart(question: 1, isLast: false, inventory: Inventory())))
                }
            }
            let view = try await check(desk, admin)
            #expect(view.reason?.contains("larger than an inventory can be") == true)
            while machine.refused == nil { await Task.yield() }
            #expect(machine.refused == .limit)
        }
    }

    @Test func `keeping the cluster's word has everything laid out anew, and the answer says how it is then`() async throws {
        try await withMachine { desk, machine, admin in
            machine.changing(ConsistencyTests.edit(ConsistencyTests.bank, ["tls": "none"]))
            let before = machine.updates.count
            let repair = try await admin.repairMachine("mx1", RepairRequest(keep: .cluster), for: desk.caller)
            #expect(repair.outcome == .applied && repair.check?.outcome == .agrees)
            #expect(machine.updates.dropFirst(before).map(\.base) == [nil])
            #expect(try await desk.changes.changes(of: "ann").isEmpty)
            machine.hangUp()
            await #expect(throws: Refusal(.unavailable, "")) {
                try await admin.repairMachine("mx1", RepairRequest(keep: .cluster), for: desk.caller)
            }
            await #expect(throws: Refusal(.forbidden, "")) {
                try await admin.repairMachine("mx1", RepairRequest(keep: .cluster), for: Caller(user: "eve", role: .readOnly))
            }
        }
    }

    @Test func `keeping the machine's word takes what differs into the caller's changes at its level, and commits nothing`() async throws {
        try await withMachine { desk, machine, admin in
            let extra = EntryName(.destinations, "other.example")
            machine.changing { inventory, wanted in
                ConsistencyTests.edit(ConsistencyTests.bank, ["tls": "none"])(&inventory, wanted)
                ConsistencyTests.edit(extra, ["tls": "preferred"])(&inventory, wanted)
                ConsistencyTests.edit(EntryName(.destinations, "default"), nil)(&inventory, wanted)
            }
            let revision = await desk.ledger.state.revision
            let repair = try await admin.repairMachine("mx1", RepairRequest(keep: .machine), for: desk.caller)
            #expect(repair.outcome == .taken && repair.reasons.isEmpty)
            let taken = repair.changes.map { "\($0.level) \($0.section)/\($0.entry ?? "") \($0.change)" }.sorted()
            #expect(
                taken == [
                    "machine/mx1 destinations/bank.example set", "machine/mx1 destinations/default hide",
                    "machine/mx1 destinations/other.example set",
                ])
            #expect(await desk.ledger.state.revision == revision)
            // Once that is committed, they agree.
            _ = try await desk.commit()
            #expect(try await check(desk, admin).differences.isEmpty)
        }
    }

    @Test func `what cannot be taken is named with the reason, and the rest is taken`() async throws {
        try await withMachine { desk, machine, admin in
            let (bad, unknown) = (EntryName(.destinations, "bad.example"), EntryName(SectionName(rawValue: "gossip"), "a"))
            let (liar, mail) = (EntryName(.destinations, "liar.example"), EntryName(.certificates, "mail"))
            var leaf = CertificateFacts()
            (leaf.serial, leaf.signature, leaf.subject) = ("01", "ecdsa-with-SHA256", "CN=a")
            let certificate = CertificateSetting(
                origin: .imported, key: KeyFacts(fingerprint: Digest(hashing: [1]), algorithm: "ecdsa-p256"), chain: [leaf],
                chainBlob: Digest(hashing: [2]))
            machine.changing { inventory, wanted in
                ConsistencyTests.edit(ConsistencyTests.bank, ["tls": "none"])(&inventory, wanted)
                ConsistencyTests.edit(bad, ["tls": "never"])(&inventory, wanted)
                ConsistencyTests.edit(unknown, ["a": 1])(&inventory, wanted)
                ConsistencyTests.edit(mail, certificate.json)(&inventory, wanted)
                ConsistencyTests.edit(liar, ["tls": "none"])(&inventory, wanted)
                if wanted.contains(liar) { inventory.values[liar] = ["tls": "required"] }
            }
            let repair = try await admin.repairMachine("mx1", RepairRequest(keep: .machine), for: desk.caller)
            #expect(repair.changes.map(\.entry) == ["bank.example"])
            for text in ["bad.example cannot be taken", "gossip/a cannot be taken", "private key", "liar.example cannot be taken"] {
                #expect(repair.reasons.contains { $0.contains(text) }, "\(text)")
            }
            #expect(repair.reasons.count == 4)
        }
    }

    @Test func `drift raises one alert, which stays while the machine is away and is cleared when it is over`() async throws {
        try await withMachine { desk, machine, admin in
            let (news, told) = AsyncStream.makeStream(of: AlertBook.News.self)
            let watch = MachineWatch(
                ledger: desk.ledger, fleet: machine.fleet, desk: desk.alerts, clock: QuickClock(),
                logger: ConsistencyTests.quiet, heard: { told.yield($0) })
            let running = Task { try await watch.run() }
            defer { running.cancel() }
            var heard = news.makeAsyncIterator()
            // Until the watch listens, nobody hears.
            let saying = Task {
                while !Task.isCancelled {
                    machine.drift(["a file changed"])
                    await Task.yield()
                }
            }
            let raised = await heard.next()
            saying.cancel()
            await saying.value
            #expect(raised?.raised.map(\.condition.text) == ["drift on mx1: a file changed"])
            let drifted = try await admin.machine("mx1", for: desk.caller)
            #expect(drifted.reasons == ["a file changed"] && drifted.state == .drifted)
            machine.drift(["a file changed", "another, too"])
            machine.drift([])
            let cleared = await heard.next()
            #expect(cleared?.raised.isEmpty == true && cleared?.cleared.count == 1)
            #expect(try await admin.alerts(all: false, for: desk.caller).isEmpty)
            #expect(try await admin.machine("mx1", for: desk.caller).state == .synced)
        }
    }

    @Test func `a rejection and an absence raise one alert each, once the time for it is there, and are cleared when they are over`()
        async throws
    {
        let clock = LeapClock()
        try await withMachine(clock: clock) { desk, machine, admin in
            let (news, told) = AsyncStream.makeStream(of: AlertBook.News.self)
            let watch = MachineWatch(
                ledger: desk.ledger, fleet: machine.fleet, desk: desk.alerts, clock: QuickClock(),
                logger: ConsistencyTests.quiet, heard: { told.yield($0) })
            let running = Task { try await watch.run() }
            defer { running.cancel() }
            var heard = news.makeAsyncIterator()
            let target = try #require(machine.updates.last?.target)
            let refusal = Receipt(target: target, outcome: .rejected(reasons: ["no such port", "nor that"]), time: desk.clock.now())
            let saying = Task {
                while !Task.isCancelled {
                    machine.say(.receipt(refusal))
                    await Task.yield()
                }
            }
            let rejected = await heard.next()
            saying.cancel()
            await saying.value
            #expect(rejected?.raised.map(\.condition.text) == ["revision-rejected on mx1: revision 1: no such port; nor that"])
            machine.drift([])
            #expect(await heard.next()?.cleared.map(\.condition.kind) == [.revisionRejected])
            machine.hangUp()
            let passing = Task {
                while !Task.isCancelled {
                    clock.leap(seconds: Limits.offlineSeconds / 3)
                    await Task.yield()
                }
            }
            let away = await heard.next()
            passing.cancel()
            #expect(away?.raised.map(\.condition.kind) == [.machineOffline])
            #expect(away?.raised.first?.condition.text.hasPrefix("machine-offline on mx1: it was last heard of at ") == true)
            #expect(away?.raised.first?.condition.cure.contains("muster machine disconnect mx1") == true)
            #expect(try await admin.alerts(all: false, for: desk.caller).map(\.code) == ["machine-offline"])
        }
    }
}

/// A clock that hardly waits, and whose time a test lets pass.
private final class LeapClock: Clock {
    private let base = QuickClock()
    private let ahead = Mutex(Duration.zero)

    var now: QuickClock.Instant { base.now.advanced(by: ahead.withLock { $0 }) }
    var minimumResolution: Duration { base.minimumResolution }

    func leap(seconds: Int) { ahead.withLock { $0 += .seconds(seconds) } }

    func sleep(until deadline: QuickClock.Instant, tolerance: Duration?) async throws {
        try await base.sleep(until: deadline, tolerance: tolerance)
    }
}
