import AdminContract
import ClusterLog
import ClusterModel
import ClusterService
import Logging
import Replication
import Testing

@Suite("While agents of several versions are about, none gets what it does not understand", .timeLimit(.minutes(1)))
struct RollingUpgradeTests {
    /// An agent of before there were destinations.
    private static let older: AgentKnowledge = {
        var knowledge = AgentKnowledge.ours(agent: "muster/0.9")
        knowledge.sections[.destinations] = nil
        return knowledge
    }()

    private func request(_ machine: String, _ desk: Desk, _ invitation: InvitationToken, isPreview: Bool = false) throws -> JoinRequest {
        var request = try desk.request(machine, invitation: invitation, isPreview: isPreview)
        request.knowledge = RollingUpgradeTests.older
        return request
    }

    @discardableResult
    private func joinOlder(_ machine: String, _ desk: Desk) async throws -> MembershipID {
        try await desk.enrolment.join(request(machine, desk, desk.invite())).membership
    }

    @Test func `a commit that an older agent would not understand is refused, names all, and changes nothing`() async throws {
        let desk = try await Desk.make()
        try await joinOlder("mx1", desk)
        try await desk.join("mx2")
        let position = await desk.ledger.state.head.position
        try await desk.set(.destinations, "bank.example", ["tls": "required"])
        let refusal = await #expect(throws: Refusal(.version, "")) { try await desk.commit() }
        #expect(
            refusal?.details == [
                "machine mx1: destinations/bank.example at cluster needs the section destinations, which its agent (muster/0.9) does not know"
            ])
        #expect(refusal?.reason.contains("muster hide destinations/bank.example --machine mx1") == true)
        #expect(try await desk.admin.previewChanges(for: desk.caller).problems == refusal?.details)
        #expect(await desk.ledger.state.head.position == position)
        #expect(try await desk.changes.changes(of: "ann").edits.count == 1)
        // What concerns others only, or is hidden there, goes through.
        _ = try await desk.admin.edit(
            EditRequest(edits: [EntryEdit(level: .machine("mx1"), section: .destinations, entry: "bank.example", operation: .hide)]),
            for: desk.caller)
        #expect(try await desk.commit().revision == 1)
        try await desk.set(.destinations, "other.example", ["tls": "required"], at: .machine("mx2"))
        #expect(try await desk.commit().revision == 2)
        // To take the hiding away is to give it to the machine.
        _ = try await desk.admin.edit(
            EditRequest(edits: [EntryEdit(level: .machine("mx1"), section: .destinations, entry: "bank.example", operation: .remove)]),
            for: desk.caller)
        await #expect(throws: Refusal(.version, "")) { try await desk.commit() }
    }

    @Test func `a dry run of a document says the same`() async throws {
        let desk = try await Desk.make()
        try await joinOlder("mx1", desk)
        let document = try JSONValue(parsing: #"{"settings":{"cluster":{"destinations":{"default":{"value":{"tls":"required"}}}}}}"#.utf8)
        await #expect(throws: Refusal(.version, "")) {
            try await desk.admin.apply(ApplyRequest(document: document, dryRun: true, commit: false, comment: ""), for: desk.caller)
        }
    }

    @Test func `a join to settings that the agent does not understand is refused in the same words, and consumes nothing`() async throws {
        let desk = try await Desk.make()
        try await desk.set(.destinations, "default", ["tls": "required"])
        _ = try await desk.commit()
        let invitation = try await desk.invite()
        for isPreview in [true, false] {
            let refusal = await #expect(throws: Refusal(.version, "")) {
                try await desk.enrolment.join(request("mx1", desk, invitation, isPreview: isPreview))
            }
            #expect(refusal?.details.first?.hasPrefix("machine mx1: destinations/default at cluster needs the section") == true)
        }
        #expect(await desk.ledger.state.memberships.isEmpty)
        _ = try await desk.enrolment.join(desk.request("mx1", invitation: invitation))
        #expect(await desk.ledger.state.memberships.count == 1)
    }

    @Test func `an agent that shares no version of the protocol does not join, and hears why`() async throws {
        let desk = try await Desk.make()
        var request = try desk.request("mx1", invitation: try await desk.invite())
        request.knowledge.protocols = 98...99
        let refusal = await #expect(throws: Refusal(.version, "")) { try await desk.enrolment.join(request) }
        #expect(refusal?.reason.contains("versions 98 to 99 of the member protocol") == true)
    }

    @Test func `people see which agents are older, and what their machines could not take`() async throws {
        let desk = try await Desk.make()
        let id = try await joinOlder("mx1", desk)
        try await desk.join("mx2")
        var status = try await desk.admin.status(for: desk.caller)
        #expect(status.notices.contains { $0.hasPrefix("machine mx1: an older agent (muster/0.9)") && $0.contains("destinations") })
        #expect(!status.notices.contains { $0.contains("mx2") })
        #expect(try await desk.admin.machine("mx1", for: desk.caller).agentVersion == "muster/0.9")
        #expect(try await desk.admin.machine("mx1", for: desk.caller).lacks == [])
        // An agent may become older: then it lacks what was committed before.
        try await say(RollingUpgradeTests.current, as: id, to: desk)
        try await desk.set(.destinations, "default", ["tls": "required"])
        _ = try await desk.commit()
        try await say(RollingUpgradeTests.older, as: id, to: desk)
        #expect(try await desk.admin.machine("mx1", for: desk.caller).lacks == ["destinations/default needs the section destinations"])
        // And stands in nobody's way.
        try await desk.set(.mailFlowPolicies, "accepted", ["tls": "preferred"])
        #expect(try await desk.commit().revision == 2)
        try await say(RollingUpgradeTests.current, as: id, to: desk)
        status = try await desk.admin.status(for: desk.caller)
        #expect(!status.notices.contains { $0.contains("older agent") })
    }

    @Test func `once the agent is upgraded and says so, the same commit is taken`() async throws {
        let desk = try await Desk.make()
        let id = try await joinOlder("mx1", desk)
        try await desk.set(.destinations, "default", ["tls": "required"])
        await #expect(throws: Refusal(.version, "")) { try await desk.commit() }
        var newer = RollingUpgradeTests.current
        newer.sections[SectionName(rawValue: "unheardOf")] = 4
        newer.sections[.destinations] = 9
        try await say(newer, as: id, to: desk)
        #expect(try await desk.commit().revision == 1)
    }

    @Test func `what an agent said outlives the manager, and until its first hello its join counts`() async throws {
        let desk = try await Desk.make()
        let id = try await joinOlder("mx1", desk)
        var again = try await Desk(log: desk.log, master: desk.master, clock: desk.clock)
        try await again.set(.destinations, "default", ["tls": "required"])
        await #expect(throws: Refusal(.version, "")) { try await again.commit() }
        var record = MachineRecord()
        record.agent = RollingUpgradeTests.current
        try await desk.log.setValue("record/\(id.rawValue)", try JSONValue(encoding: record).canonicalBytes, expecting: 0)
        again = try await Desk(log: desk.log, master: desk.master, clock: desk.clock)
        #expect(try await again.commit().revision == 1)
    }

    @Test func `a machine that never said is taken to understand the first version`() async throws {
        let desk = try await Desk.make()
        var request = try desk.request("mx1", invitation: try await desk.invite())
        request.knowledge.sections = [:]
        _ = try await desk.enrolment.join(request)
        let machine = try await desk.ledger.state.machine("mx1")
        #expect(machine.agent == nil)
        #expect(desk.ledger.agents.agent(of: machine) == .unsaid)
        try await desk.set(.destinations, "default", ["tls": "required"])
        #expect(try await desk.commit().revision == 1)
        for section in AgentKnowledge.unsaid.sections { #expect(section.value == 1) }
    }

    // MARK: - Saying hello

    private static let current = AgentKnowledge.ours(agent: "muster/1")

    private final class Ear: Link {
        private let heard: AsyncStream<ManagerMessage>.Continuation

        init(_ heard: AsyncStream<ManagerMessage>.Continuation) { self.heard = heard }

        func send(_ message: ManagerMessage) { heard.yield(message) }
        func close() { heard.finish() }
    }

    /// Says hello to the fleet as a machine, until it is welcome, and goes.
    private func say(_ knowledge: AgentKnowledge, as membership: MembershipID, to desk: Desk) async throws {
        let fleet = FleetService(
            ledger: desk.ledger, enrolment: desk.enrolment, vault: desk.vault, log: desk.log, now: desk.clock.now,
            logger: .init(label: "test") { _ in SwiftLogNoOpLogHandler() })
        let running = Task { try await fleet.run() }
        defer { running.cancel() }
        for number in 1...UInt64.max {
            let connection = ConnectionID(rawValue: number)
            let (stream, heard) = AsyncStream.makeStream(of: ManagerMessage.self)
            fleet.opened(connection, peer: .member(membership), link: Ear(heard))
            fleet.received(.hello(Hello(knowledge: knowledge, clock: desk.clock.now(), running: nil)), on: connection)
            for await message in stream {
                fleet.closed(connection)
                if case .welcome = message { return }
                break
            }
            // The membership counts once the fleet has read the log.
            await Task.yield()
        }
    }
}
