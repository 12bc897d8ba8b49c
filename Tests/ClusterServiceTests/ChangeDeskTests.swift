import AdminContract
import ClusterLog
import ClusterModel
import ClusterService
import Testing

@Suite("Nothing reaches a machine before a commit, and a commit is all or nothing")
struct ChangeDeskTests {
    @Test func `edits wait, survive a restart, and are committed as one revision`() async throws {
        let desk = try await Desk.make()
        try await desk.set(.destinations, "default", ["tls": "preferred"])
        try await desk.set(.destinations, "bank.example", ["tls": "required"])
        #expect(await desk.ledger.state.revision == 0)
        let again = try await Desk(log: desk.log, master: desk.master, clock: desk.clock)
        #expect(try await again.admin.changes(for: again.caller).count == 2)
        let commit = try await again.commit()
        #expect(commit.revision == 1)
        #expect(try await again.admin.changes(for: again.caller).isEmpty)
        #expect(await again.ledger.state.layer[.destinations].entries.count == 2)
    }

    @Test func `a commit that would break a machine changes nothing and names machine and entry`() async throws {
        let desk = try await Desk.make()
        try await desk.join("mx1")
        try await desk.set(.listeners, "public", ["interface": "data1", "certificate": "mail"])
        let refusal = await #expect(throws: Refusal(.wouldBreak, "")) { try await desk.commit() }
        #expect(refusal?.details.first?.contains("machine mx1: listeners/public: certificate names certificates/mail") == true)
        #expect(await desk.ledger.state.revision == 0)
        #expect(try await desk.admin.changes(for: desk.caller).count == 1)
    }

    @Test func `an entry that changed since the edit began is refused, and discarding it lets the rest through`() async throws {
        let desk = try await Desk.make()
        let bob = Caller(user: "bob", role: .administrator)
        try await desk.set(.destinations, "default", ["tls": "required"])
        try await desk.set(.destinations, "bank.example", ["tls": "required"])
        try await desk.set(.destinations, "default", ["tls": "none"], by: bob)
        _ = try await desk.commit(by: bob)
        await #expect(throws: Refusal(.conflict, "")) { try await desk.commit() }
        #expect(try await desk.admin.changes(for: desk.caller).map { $0.conflict != nil } == [true, false])
        _ = try await desk.admin.discard(DiscardQuery(section: .destinations, entry: "default"), for: desk.caller)
        #expect(try await desk.commit().revision == 2)
        #expect(await desk.ledger.state.layer[.destinations, "default"]?.state.value == ["tls": "none"])
    }

    @Test func `a commit that is repeated answers the first result`() async throws {
        let desk = try await Desk.make()
        try await desk.set(.destinations, "default", ["tls": "required"])
        let id = try #require(try await desk.admin.changes(for: desk.caller).first?.changeSet)
        let first = try await desk.admin.commit(CommitRequest(comment: "x", changeSet: id), for: desk.caller)
        let second = try await desk.admin.commit(CommitRequest(comment: "x", changeSet: id), for: desk.caller)
        #expect(first.revision == 1)
        #expect(second.revision == 1)
        #expect(await desk.ledger.state.revision == 1)
    }

    @Test func `a crash between the append and the clearing never shows committed edits as waiting`() async throws {
        let desk = try await Desk.make()
        try await desk.set(.destinations, "default", ["tls": "required"])
        let stored = try #require(try await desk.log.value("changes/ann"))
        _ = try await desk.commit()
        let now = try #require(try await desk.log.value("changes/ann"))
        try await desk.log.setValue("changes/ann", stored.bytes, expecting: now.version)
        #expect(try await desk.admin.changes(for: desk.caller).isEmpty)
    }

    @Test func `setting a thing back leaves nothing to commit`() async throws {
        let desk = try await Desk.make()
        try await desk.set(.destinations, "default", ["tls": "required"])
        _ = try await desk.commit()
        try await desk.set(.destinations, "default", ["tls": "none"])
        try await desk.set(.destinations, "default", ["tls": "required"])
        #expect(try await desk.admin.changes(for: desk.caller).isEmpty)
        #expect(try await desk.commit().revision == nil)
    }

    @Test func `network settings at cluster level are refused with the level to use`() async throws {
        let desk = try await Desk.make()
        let refusal = await #expect(throws: Refusal(.wrongLevel, "")) {
            try await desk.set(.interfaces, "data1", ["hostname": "a.example", "address": "127.0.0.1"])
        }
        #expect(refusal?.reason.contains("--machine") == true)
    }

    @Test func `a comment of a megabyte is refused`() async throws {
        let desk = try await Desk.make()
        try await desk.set(.destinations, "default", ["tls": "required"])
        await #expect(throws: Refusal(.limit, "")) {
            try await desk.admin.commit(CommitRequest(comment: String(repeating: "x", count: 1 << 20)), for: desk.caller)
        }
    }

    @Test func `edits of a layer that ended are gone with it`() async throws {
        let desk = try await Desk.make()
        try await desk.join("mx1")
        try await desk.set(.destinations, "default", ["tls": "required"], at: .machine("mx1"))
        _ = try await desk.admin.removeMachine("mx1", for: desk.caller)
        #expect(try await desk.admin.changes(for: desk.caller).isEmpty)
        try await desk.join("mx1")
        #expect(try await desk.admin.changes(for: desk.caller).isEmpty)
    }

    @Test func `a reader may look and not edit`() async throws {
        let desk = try await Desk.make()
        let reader = Caller(user: "rita", role: .readOnly)
        _ = try await desk.admin.status(for: reader)
        await #expect(throws: Refusal(.forbidden, "")) { try await desk.set(.destinations, "default", ["tls": "none"], by: reader) }
    }

    @Test func `a log that fails at the append leaves the edits waiting`() async throws {
        let desk = try await Desk.make()
        try await desk.set(.destinations, "default", ["tls": "required"])
        let changes = try await desk.changes.changes(of: "ann")
        await desk.log.close()
        await #expect(throws: Refusal(.unavailable, "")) { try await desk.commit() }
        #expect(changes.edits.count == 1)
    }
}
