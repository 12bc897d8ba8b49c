import AdminContract
import ClusterModel
import ClusterService
import Testing

@Suite("Two administrators and one entry: both versions are shown, and somebody decides")
struct ConflictTests {
    private let bob = Caller(user: "bob", role: .operator)

    /// `default` is preferred in revision 1; ann makes it required, bob commits none as revision 2.
    private func disagreement() async throws -> Desk {
        let desk = try await Desk.make()
        try await desk.set(.destinations, "default", ["tls": "preferred"])
        _ = try await desk.commit()
        try await desk.set(.destinations, "default", ["tls": "required"])
        try await desk.set(.destinations, "bank.example", ["tls": "required"])
        try await desk.set(.destinations, "default", ["tls": "none"], by: bob)
        _ = try await desk.commit(by: bob)
        return desk
    }

    private func value(_ desk: Desk) async -> JSONValue? { await desk.ledger.state.layer[.destinations, "default"]?.state.value }

    @Test func `the changes show what was, what others made of it, who and when`() async throws {
        let desk = try await disagreement()
        let changes = try await desk.admin.changes(for: desk.caller)
        let conflict = try #require(changes.first?.conflict)
        #expect(conflict.base == ["tls": "preferred"])
        #expect(conflict.theirs == ["tls": "none"])
        #expect(changes.first?.after == ["tls": "required"])
        #expect((conflict.revision, conflict.author, conflict.time) == (2, "bob", desk.clock.now()))
        #expect(changes.last?.conflict == nil)
    }

    @Test func `a refused commit shows both versions and names the commands`() async throws {
        let desk = try await disagreement()
        let refusal = await #expect(throws: Refusal(.conflict, "")) { try await desk.commit() }
        #expect(
            refusal?.details == [
                "destinations/default at cluster: bob set it to tls=none in revision 2 at \(desk.clock.now()), since your edit began; "
                    + "you set it to tls=required. Keep yours: muster changes --keep destinations/default --cluster. "
                    + "Take theirs: muster discard destinations/default --cluster"
            ])
        #expect(try await desk.admin.changes(for: desk.caller).count == 2)
    }

    @Test func `keeping mine lets it through, over theirs`() async throws {
        let desk = try await disagreement()
        await #expect(throws: Refusal(.conflict, "")) { try await desk.commit() }
        let kept = try await desk.admin.keep(KeepRequest(section: .destinations, entry: "default"), for: desk.caller)
        #expect(kept.map(\.conflict) == [nil])
        #expect(try await desk.commit().revision == 3)
        #expect(await value(desk) == ["tls": "required"])
    }

    @Test func `nothing is kept that was not shown, and nothing that came after the look`() async throws {
        let desk = try await disagreement()
        let keep = KeepRequest(level: .cluster, section: .destinations)
        await #expect(throws: Refusal(.conflict, "")) { try await desk.admin.keep(keep, for: desk.caller) }
        // Now it was shown; but bob goes on.
        try await desk.set(.destinations, "default", ["tls": "required-verify"], by: bob)
        _ = try await desk.commit(by: bob)
        let refusal = await #expect(throws: Refusal(.conflict, "")) { try await desk.admin.keep(keep, for: desk.caller) }
        #expect(refusal?.details.first?.contains("tls=required-verify in revision 3") == true)
        #expect(try await desk.admin.keep(keep, for: desk.caller).count == 1)
        #expect(try await desk.admin.keep(keep, for: desk.caller).isEmpty)
        _ = try await desk.commit()
        #expect(await value(desk) == ["tls": "required"])
    }

    @Test func `an edit on top decides, once the conflict was shown, and not before`() async throws {
        let desk = try await disagreement()
        // Unaware of bob: this decides nothing.
        try await desk.set(.destinations, "default", ["tls": "required-verify"])
        await #expect(throws: Refusal(.conflict, "")) { try await desk.commit() }
        try await desk.set(.destinations, "default", ["tls": "preferred-verify"])
        #expect(try await desk.commit().revision == 3)
        #expect(await value(desk) == ["tls": "preferred-verify"])
    }

    @Test func `discarding takes theirs`() async throws {
        let desk = try await disagreement()
        _ = try await desk.admin.discard(DiscardQuery(level: .cluster, section: .destinations, entry: "default"), for: desk.caller)
        #expect(try await desk.commit().revision == 3)
        #expect(await value(desk) == ["tls": "none"])
    }

    @Test func `an entry that somebody took away is a conflict with a name on it, and so is one that came and went`() async throws {
        let desk = try await Desk.make()
        try await desk.set(.destinations, "default", ["tls": "preferred"])
        _ = try await desk.commit()
        try await desk.set(.destinations, "default", ["tls": "required"])
        try await desk.set(.destinations, "new.example", ["tls": "required"])
        for entry in ["default", "new.example"] {
            if entry == "new.example" {
                try await desk.set(.destinations, entry, ["tls": "none"], by: bob)
                _ = try await desk.commit(by: bob)
            }
            _ = try await desk.admin.edit(
                EditRequest(edits: [EntryEdit(level: .cluster, section: .destinations, entry: entry, operation: .remove)]), for: bob)
            _ = try await desk.commit(by: bob)
        }
        let conflicts = try await desk.admin.changes(for: desk.caller).map(\.conflict)
        #expect(conflicts.map { $0?.change } == ["remove", "remove"])
        #expect(conflicts.map { $0?.author } == ["bob", "bob"])
        #expect(conflicts.map { $0?.revision } == [2, 4])
        #expect(conflicts.map { $0?.theirs } == [.null, .null])
    }

    @Test func `isolating and inheriting again stand against each other like edits of an entry`() async throws {
        let desk = try await Desk.make()
        func change(_ operation: EntryOperation, by caller: Caller) async throws {
            _ = try await desk.admin.edit(
                EditRequest(edits: [EntryEdit(level: .group("main"), section: .destinations, entry: nil, operation: operation)]),
                for: caller)
        }
        try await change(.isolate, by: desk.caller)
        _ = try await desk.commit()
        try await change(.inherit, by: desk.caller)
        try await change(.inherit, by: bob)
        _ = try await desk.commit(by: bob)
        try await change(.isolate, by: bob)
        _ = try await desk.commit(by: bob)
        let refusal = await #expect(throws: Refusal(.conflict, "")) { try await desk.commit() }
        #expect(refusal?.details.first?.contains("bob isolated the section in revision 3") == true)
        _ = try await desk.admin.keep(KeepRequest(section: .destinations, entry: SetEntry.wholeSection), for: desk.caller)
        #expect(try await desk.commit().revision == 4)
    }

    @Test func `of two commits in the same instant one is taken and one is shown the other`() async throws {
        for _ in 0..<20 {
            let desk = try await Desk.make()
            try await desk.set(.destinations, "default", ["tls": "required"])
            try await desk.set(.destinations, "default", ["tls": "none"], by: bob)
            let outcomes = await withTaskGroup(of: String.self) { group in
                for caller in [desk.caller, bob] {
                    group.addTask {
                        do { return try await desk.commit(by: caller).revision == 1 ? caller.user : "?" } catch {
                            return (error as? Refusal)?.code.rawValue ?? "?"
                        }
                    }
                }
                return await group.reduce(into: [String]()) { $0.append($1) }
            }
            #expect(outcomes.contains("conflict"))
            #expect(outcomes.contains(await desk.ledger.state.history.map(\.author).joined()))
            #expect(await desk.ledger.state.revision == 1)
        }
    }

    @Test func `edits for a machine that was removed go with it, and the commit says so`() async throws {
        let desk = try await Desk.make()
        try await desk.join("mx1")
        try await desk.set(.destinations, "default", ["tls": "required"], at: .machine("mx1"))
        try await desk.set(.destinations, "default", ["tls": "none"])
        _ = try await desk.admin.removeMachine("mx1", for: desk.caller)
        await #expect(throws: Refusal(.notFound, "")) {
            try await desk.set(.destinations, "x.example", ["tls": "required"], at: .machine("mx1"))
        }
        let sentence = "machine mx1 was removed, and your edit for it went with it"
        #expect(try await desk.admin.previewChanges(for: desk.caller).notices.contains(sentence))
        let commit = try await desk.commit()
        #expect(commit.revision == 1)
        #expect(commit.notices.contains(sentence))
        #expect(try await !desk.commit().notices.contains(sentence))
    }

    @Test func `a commit over the size of an event is refused, and the edits stay`() async throws {
        let desk = try await Desk.make()
        let senders = JSONValue.array((0..<990).map { .string("10.0.\($0 / 250).\($0 % 250)") })
        let listener: JSONValue = [
            "interface": "data1", "senderGroups": [["name": "A", "senders": senders, "policy": "p"]], "defaultPolicy": "p",
        ]
        let size = listener.canonicalBytes.count
        let count = Limits.eventBytes / size + 1
        _ = try await desk.admin.edit(
            EditRequest(
                edits: (0..<count).map {
                    EntryEdit(level: .cluster, section: .listeners, entry: "l\($0)", operation: .set(listener))
                }), for: desk.caller)
        let refusal = await #expect(throws: Refusal(.limit, "")) { try await desk.commit() }
        #expect(refusal?.reason.contains("Commit it in parts") == true)
        #expect(await desk.ledger.state.revision == 0)
        #expect(try await desk.changes.changes(of: "ann").edits.count == count)
    }
}
