import AdminContract
import Certificates
import ClusterLog
import ClusterModel
import ClusterService
import Logging
import Replication
import Testing

@Suite("Machines that are disconnected on purpose, as administrators meet them", .timeLimit(.minutes(1)))
struct ApartTests {
    private func edit(_ id: String, _ section: SectionName, _ name: String, _ value: JSONValue?, base: Digest? = nil) -> LocalEdit {
        LocalEdit(id: id, section: section, name: name, value: value, base: base, time: Timestamp(seconds: 1_800_000_000))
    }

    private func report(_ edits: [LocalEdit], _ material: [Material] = []) -> LocalEditReport {
        LocalEditReport(isDisconnected: false, edits: edits, material: material)
    }

    @Test func `it is disconnected at once and in the log, keeps its layer, and commits are validated for it`() async throws {
        let desk = try await Desk.make()
        try await desk.join("mx1")
        let view = try await desk.admin.disconnectMachine("mx1", for: desk.caller)
        #expect(view.state == .disconnected)
        #expect(view.reasons.first?.contains("disconnected by ann") == true)
        let head = await desk.ledger.state.head
        #expect(try await desk.admin.disconnectMachine("mx1", for: desk.caller) == view)
        #expect(await desk.ledger.state.head == head, "asked again, nothing is appended")
        try await desk.set(.destinations, "bank.example", ["tls": "required"])
        #expect(try await desk.commit().machines.map(\.machine) == ["mx1"])
        #expect(try await desk.admin.machine("mx1", for: desk.caller).targetRevision == 1)
        // No policy of that name: refused as for any other machine.
        try await desk.set(.listeners, "public", ["interface": "data1", "port": 25, "defaultPolicy": "missing"])
        await #expect(throws: Refusal(.wouldBreak, "")) { try await desk.commit() }
        #expect(try await desk.admin.reconnectMachine("mx1", for: desk.caller).state == .offline)
        let kinds = try await desk.admin.audit(Page(after: head.position - 1, limit: 10), for: desk.caller).map(\.summary)
        #expect(kinds.first == "disconnected mx1" && kinds.last == "reconnected mx1")
    }

    @Test func `only administrators disconnect and reconnect, and operators decide`() async throws {
        let desk = try await Desk.make()
        let machine = try await desk.join("mx1").membership
        let bob = Caller(user: "bob", role: .operator)
        await #expect(throws: Refusal(.forbidden, "")) { try await desk.admin.disconnectMachine("mx1", for: bob) }
        await #expect(throws: Refusal(.forbidden, "")) { try await desk.admin.reconnectMachine("mx1", for: bob) }
        try await desk.fleet.localEdits.keep(report([edit("e1", .destinations, "bank.example", ["tls": "required"])]), of: machine)
        let reader = Caller(user: "eve", role: .readOnly)
        let all = LocalConflictChoice(entries: nil)
        await #expect(throws: Refusal(.forbidden, "")) { try await desk.admin.takeLocalEdits(all, of: "mx1", for: reader) }
        await #expect(throws: Refusal(.forbidden, "")) { try await desk.admin.dropLocalEdits(all, of: "mx1", for: reader) }
        #expect(try await desk.admin.localConflicts(of: "mx1", for: reader).count == 1)
        #expect(try await desk.admin.dropLocalEdits(all, of: "mx1", for: bob).isEmpty)
    }

    @Test func `a conflict shows both versions, and whether the cluster moved; one is taken and one dropped`() async throws {
        let desk = try await Desk.make()
        let machine = try await desk.join("mx1").membership
        try await desk.set(.destinations, "a.example", ["tls": "preferred"])
        try await desk.set(.destinations, "b.example", ["tls": "preferred"])
        _ = try await desk.commit()
        let configuration = try await desk.ledger.state.configuration(of: desk.ledger.state.machine("mx1"))
        try await desk.set(.destinations, "a.example", ["tls": "none"])
        _ = try await desk.commit()
        let edits = [
            edit(
                "e1", .destinations, "a.example", ["nameCheck": "host", "tls": "required"],
                base: configuration[.destinations, "a.example"]?.digest),
            edit("e2", .destinations, "b.example", nil, base: configuration[.destinations, "b.example"]?.digest),
        ]
        try await desk.fleet.localEdits.keep(report(edits), of: machine)
        let conflicts = try await desk.admin.localConflicts(of: "mx1", for: desk.caller)
        #expect(conflicts.map(\.name) == ["a.example", "b.example"])
        #expect(conflicts.map(\.moved) == [true, false])
        #expect(conflicts.map { $0.cluster["tls"]?.text } == ["none", "preferred"])
        #expect(conflicts.map(\.change) == ["set", "remove"] && conflicts.map(\.local)[1] == .null)
        // Taken: at the machine's level, and decided by the commit.
        let taken = try await desk.admin.takeLocalEdits(
            LocalConflictChoice(entries: ["destinations/a.example"]), of: "mx1", for: desk.caller)
        #expect(taken.changes.map(\.level) == [.machine("mx1")])
        #expect(try await desk.admin.localConflicts(of: "mx1", for: desk.caller).map(\.uncommitted) == [true, false])
        _ = try await desk.commit()
        #expect(try await desk.admin.localConflicts(of: "mx1", for: desk.caller).map(\.name) == ["b.example"])
        #expect(
            try await desk.admin.dropLocalEdits(LocalConflictChoice(entries: ["destinations/b.example"]), of: "mx1", for: desk.caller)
                .isEmpty)
        await #expect(throws: Refusal(.notFound, "")) {
            try await desk.admin.dropLocalEdits(LocalConflictChoice(entries: ["destinations/b.example"]), of: "mx1", for: desk.caller)
        }
        #expect(
            try await desk.ledger.state.configuration(of: desk.ledger.state.machine("mx1"))[.destinations, "a.example"]?.value["tls"]
                == "required")
    }

    @Test func `an entry that was taken away on the machine is hidden there when that is taken, or unset if it is the machine's own`()
        async throws
    {
        let desk = try await Desk.make()
        let machine = try await desk.join("mx1").membership
        try await desk.set(.destinations, "a.example", ["tls": "none"])
        try await desk.set(.destinations, "b.example", ["tls": "none"], at: .machine("mx1"))
        _ = try await desk.commit()
        try await desk.fleet.localEdits.keep(
            report([edit("e1", .destinations, "a.example", nil), edit("e2", .destinations, "b.example", nil)]), of: machine)
        let taken = try await desk.admin.takeLocalEdits(LocalConflictChoice(entries: nil), of: "mx1", for: desk.caller)
        #expect(taken.changes.map(\.change) == ["hide", "remove"])
        _ = try await desk.commit()
        #expect(try await desk.admin.localConflicts(of: "mx1", for: desk.caller).isEmpty)
    }

    @Test func `while it is disconnected its edits are shown, and not decided`() async throws {
        let desk = try await Desk.make()
        let machine = try await desk.join("mx1").membership
        _ = try await desk.admin.disconnectMachine("mx1", for: desk.caller)
        try await desk.fleet.localEdits.keep(report([edit("e1", .destinations, "a.example", ["tls": "none"])]), of: machine)
        #expect(try await desk.admin.localConflicts(of: "mx1", for: desk.caller).count == 1)
        let all = LocalConflictChoice(entries: nil)
        await #expect(throws: Refusal(.conflict, "")) { try await desk.admin.takeLocalEdits(all, of: "mx1", for: desk.caller) }
        await #expect(throws: Refusal(.conflict, "")) { try await desk.admin.dropLocalEdits(all, of: "mx1", for: desk.caller) }
    }

    @Test func `a certificate comes with its key, which is sealed, and in the vault once it is taken`() async throws {
        let desk = try await Desk.make()
        let machine = try await desk.join("mx1").membership
        let made = try makeSelfSigned(SelfSignedRequest(commonName: "mx1.example.com"), now: desk.clock.now())
        let key = Material(kind: .key, digest: made.key.facts.fingerprint, pem: Array(made.key.pem.utf8))
        let chain = Material(kind: .chain, digest: made.chain.blob, pem: Array(made.chain.pem.utf8))
        let edits = [edit("e1", .certificates, "own", made.setting.json)]
        let all = LocalConflictChoice(entries: nil)
        try await desk.fleet.localEdits.keep(report(edits), of: machine)
        await #expect(throws: Refusal(.notFound, "")) { try await desk.admin.takeLocalEdits(all, of: "mx1", for: desk.caller) }
        try await desk.fleet.localEdits.keep(report(edits, [key, chain]), of: machine)
        for (_, bytes, _) in try await desk.log.values(prefix: "local-edits/") {
            #expect(!String(decoding: bytes, as: UTF8.self).contains("PRIVATE KEY"))
        }
        #expect(try await !desk.vault.holds(key.digest))
        _ = try await desk.admin.takeLocalEdits(all, of: "mx1", for: desk.caller)
        #expect(try await desk.vault.keyPEM(key.digest) == key.pem)
        #expect(try await desk.vault.chainPEM(chain.digest) == chain.pem)
        #expect(try await desk.commit().revision == 1)
        let wrong = Material(kind: .key, digest: chain.digest, pem: key.pem)
        await #expect(throws: Refusal(.invalid, "")) { try await desk.fleet.localEdits.keep(report(edits, [wrong]), of: machine) }
    }

    @Test func `what a machine says takes the place of what it said, and what was given up stays so`() async throws {
        let desk = try await Desk.make()
        let machine = try await desk.join("mx1").membership
        let store = desk.fleet.localEdits
        let first = edit("e1", .destinations, "a.example", ["tls": "none"])
        try await store.keep(report([first]), of: machine)
        try await store.drop(["e1", "e9"], of: machine)
        #expect(try await store.edits(of: machine) == LocalEdits(edits: [first], dropped: ["e1"]))
        let second = edit("e2", .destinations, "a.example", ["tls": "required"])
        try await store.keep(report([first]), of: machine)
        #expect(try await store.load() == [machine: LocalEdits(edits: [first], dropped: ["e1"])])
        try await store.keep(report([second]), of: machine)
        #expect(try await store.edits(of: machine) == LocalEdits(edits: [second]))
        try await store.keep(report([]), of: machine)
        #expect(try await desk.log.values(prefix: "local-edits/").isEmpty)
    }

    // MARK: - With a member that is connected

    @Test func `what a member reports is on the disk before anything is answered, and goes with the machine`() async throws {
        let desk = try await Desk.make()
        let machine = try await desk.join("mx1").membership
        let fleet = FleetService(
            ledger: desk.ledger, enrolment: desk.enrolment, vault: desk.vault, log: desk.log, now: desk.clock.now, clock: QuickClock(),
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
        let running = Task { try await fleet.run() }
        defer { running.cancel() }
        try await until { fleet.isServing }
        let ear = Ear()
        let connection = ConnectionID(rawValue: 1)
        fleet.opened(connection, peer: .member(machine), link: ear)
        var hello = Hello(
            agent: "test", clock: desk.clock.now(), running: nil, seen: desk.ledger.sighting(of: await desk.ledger.state))
        hello.localEdits = 1
        fleet.received(.hello(hello), on: connection)
        let edits = [edit("e1", .destinations, "a.example", ["tls": "none"])]
        fleet.received(.localEdits(report(edits)), on: connection)
        try await until { try await fleet.localEdits.edits(of: machine).edits == edits }
        let state = await desk.ledger.state
        let view = try #require(try await fleet.views(of: state).first)
        #expect(view.state == .pending && view.localEdits == ["destinations/a.example"])
        #expect(view.reasons.contains { $0.contains("muster machine conflicts mx1") })
        try await fleet.localEdits.drop(["e1"], of: machine)
        fleet.dropped(["e1"], of: machine)
        #expect(await ear.next { if case .settled = $0 { true } else { false } } == .settled(["e1"]))
        fleet.received(.localEdits(report([])), on: connection)
        #expect(await ear.next { if case .update = $0 { true } else { false } } != nil)
        // Again, and then the machine is removed.
        fleet.received(.localEdits(report([edit("e2", .destinations, "a.example", ["tls": "none"])])), on: connection)
        try await until { try await !desk.log.values(prefix: "local-edits/").isEmpty }
        _ = try await desk.admin.removeMachine("mx1", for: desk.caller)
        try await until { try await desk.log.values(prefix: "local-edits/").isEmpty }
    }

    private final class Ear: Link {
        private let messages: AsyncStream<ManagerMessage>
        private let feed: AsyncStream<ManagerMessage>.Continuation

        init() { (messages, feed) = AsyncStream.makeStream() }

        func send(_ message: ManagerMessage) { feed.yield(message) }
        func close() { feed.finish() }

        func next(where fits: @escaping @Sendable (ManagerMessage) -> Bool) async -> ManagerMessage? { await messages.first(where: fits) }
    }

    /// Waits for something that the fleet does by itself; the time limit ends it.
    private func until(_ holds: () async throws -> Bool) async throws {
        while try await !holds() {
            try Task.checkCancellation()
            await Task.yield()
        }
    }
}
