import AdminContract
import ClusterLog
import ClusterModel
import ClusterService
import Testing

@Suite("Every earlier state can be had again")
struct EarlierStateTests {
    @Test func `a state is what it was right after its revision, machines and all`() async throws {
        let desk = try await Desk.make()
        var then: [ClusterState] = [await desk.ledger.state]
        for number in 1...3 {
            try await desk.set(.destinations, "d\(number).example", ["tls": "required"])
            _ = try await desk.commit()
            then.append(await desk.ledger.state)
            try await desk.join("mx\(number)")
        }
        for revision in 0...3 {
            let state = try await desk.ledger.state(at: revision)
            #expect(state.revision == revision)
            #expect(state.head == then[revision].head)
            #expect(state.layer == then[revision].layer)
            #expect(state.memberships == then[revision].memberships)
        }
        let both = try await desk.ledger.states(at: [3, 1])
        #expect(both.map(\.revision) == [3, 1])
    }

    @Test(arguments: [-1, 2, .max])
    func `a revision that is not there is refused, and the newest named`(_ revision: Int) async throws {
        let desk = try await Desk.make()
        try await desk.set(.destinations, "default", ["tls": "required"])
        _ = try await desk.commit()
        let refusal = await #expect(throws: Refusal(.notFound, "")) { try await desk.ledger.state(at: revision) }
        #expect(refusal?.reason.contains("the newest is 1") == true)
    }

    @Test func `a log of many pages is read in order, and a damaged one is not believed`() async throws {
        let desk = try await Desk.make()
        for number in 0..<1200 {
            try await desk.ledger.append(by: "ann") { state, _ in
                .settingsCommitted(
                    SettingsCommitted(
                        changeSet: "c\(number)", revision: state.revision + 1, comment: "",
                        edits: [
                            Edit(
                                layer: .cluster, section: .destinations, entry: "default",
                                change: .set(["tls": number % 2 == 0 ? "required" : "preferred"]), basis: number == 0 ? nil : number)
                        ]))
            }
        }
        #expect(try await desk.ledger.state(at: 1150).layer[.destinations, "default"]?.revision == 1150)
        #expect(try await desk.ledger.state(at: 3).layer[.destinations, "default"]?.revision == 3)
        let again = try await Desk(log: desk.log, master: desk.master, clock: desk.clock)
        #expect(await again.ledger.state.revision == 1200)
    }
}

@Suite("Every value says where it comes from, and who set it")
struct ProvenanceTests {
    private func bank(_ desk: Desk, revision: Int? = nil, entry: String = "bank.example") async throws -> [EffectiveView] {
        try await desk.admin.effective(
            EffectiveQuery(machine: "mx1", section: .destinations, entry: entry, revision: revision), for: desk.caller)
    }

    @Test func `a value has its level, revision, author and time, and what it shadows, today and at an earlier revision`() async throws {
        let desk = try await Desk.make()
        try await desk.join("mx1")
        let ben = Caller(user: "ben", role: .operator)
        try await desk.set(.destinations, "bank.example", ["tls": "preferred"])
        _ = try await desk.commit()
        desk.clock.advance(seconds: 60)
        try await desk.set(.destinations, "bank.example", ["tls": "required"], at: .machine("mx1"), by: ben)
        _ = try await desk.commit(by: ben)

        let now = try await bank(desk)
        #expect(now.map(\.value) == [["tls": "required"]])
        #expect(now.map(\.level) == [.machine("mx1")] && now.map(\.revision) == [2] && now.map(\.author) == ["ben"])
        #expect(now.map(\.time) == [desk.clock.now()])
        #expect(now.map(\.shadows) == [[.cluster]])
        #expect(now.first?.shadowed == [ShadowedValue(level: .cluster, revision: 1, author: "ann", value: ["tls": "preferred"])])

        let then = try await bank(desk, revision: 1)
        #expect(then.map(\.value) == [["tls": "preferred"]])
        #expect(then.map(\.author) == ["ann"] && then.map(\.level) == [.cluster] && then.first?.shadowed == [])
        let network = try await desk.admin.effective(EffectiveQuery(machine: "mx1", section: .interfaces), for: desk.caller)
        #expect(network.map(\.revision) == [0] && network.map(\.author) == [nil])
        let early = await #expect(throws: Refusal(.notFound, "")) { try await bank(desk, revision: 7) }
        #expect(early?.reason.contains("2") == true)
    }

    @Test func `an override that drops what was inherited says so, and how to begin with it`() async throws {
        let desk = try await Desk.make()
        try await desk.join("mx1")
        try await desk.set(.delivery, "settings", ["alertOnRequiredTLSFailure": true])
        _ = try await desk.commit()
        func merge(_ patch: JSONValue, at level: Level) async throws -> [String]? {
            let edit = EntryEdit(level: level, section: .delivery, entry: "settings", operation: .merge(patch))
            return try await desk.admin.edit(EditRequest(edits: [edit]), for: desk.caller).notices
        }
        let notices = try await merge(["interface": "data1"], at: .machine("mx1"))
        #expect(
            notices == [
                "delivery/settings was inherited at machine/mx1, and is its own there now: what was set for alertOnRequiredTLSFailure is not "
                    + "taken over. To begin with all of it: muster discard delivery/settings --machine mx1, then muster override "
                    + "delivery/settings --machine mx1 --copy"
            ])
        // It is said once: from then on the entry is its own. Nothing is lost where nothing was inherited, or where all of it is said again.
        #expect(try await merge(["interface": "data1", "tlsProfile": .null], at: .machine("mx1")) == nil)
        #expect(try await merge(["interface": "data1"], at: .cluster) == nil)
        _ = try await desk.admin.discard(DiscardQuery(), for: desk.caller)
        #expect(try await merge(["alertOnRequiredTLSFailure": true, "interface": "data1"], at: .group("main")) == nil)
    }

    @Test func `what a machine does not get is told by what keeps it away`() async throws {
        let desk = try await Desk.make()
        try await desk.join("mx1")
        try await desk.set(.destinations, "bank.example", ["tls": "required"])
        try await desk.set(.destinations, "shop.example", ["tls": "required"])
        let edits = [
            EntryEdit(level: .group("main"), section: .destinations, entry: "bank.example", operation: .hide),
            EntryEdit(level: .machine("mx1"), section: .mailFlowPolicies, entry: nil, operation: .isolate),
        ]
        _ = try await desk.admin.edit(EditRequest(edits: edits), for: desk.caller)
        _ = try await desk.commit()
        let hidden = await #expect(throws: Refusal(.notFound, "")) { try await bank(desk) }
        #expect(hidden?.reason.contains("hidden at group/main since revision 1, by ann") == true)
        let isolated = await #expect(throws: Refusal(.notFound, "")) {
            try await desk.admin.effective(EffectiveQuery(machine: "mx1", section: .mailFlowPolicies, entry: "any"), for: desk.caller)
        }
        #expect(isolated?.reason.contains("machine/mx1 inherits nothing of mailFlowPolicies") == true)
        let nowhere = await #expect(throws: Refusal(.notFound, "")) { try await bank(desk, entry: "none.example") }
        #expect(nowhere?.reason.contains("from any level") == true)
    }
}
