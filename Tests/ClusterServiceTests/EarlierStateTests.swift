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
