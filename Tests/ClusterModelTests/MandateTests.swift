import ClusterModel
import Testing

@Suite("One value decides what somebody may do, and where")
struct MandateTests {
    private static let us = GroupID(rawValue: "g2")
    private static let mx2 = MembershipID(rawValue: "m2")

    /// Groups main with mx1, and us with mx2.
    private static func state() throws -> ClusterState {
        var story = try Story()
        try story.tell(.groupAdded(GroupAdded(group: us, name: "us")))
        try story.join("mx2", as: mx2, invitation: "i2")
        try story.tell(.machineMoved(MachineMoved(membership: mx2, from: story.main, group: us)))
        return story.state
    }

    /// A place, and what the roles of somebody whose role is limited to the group main do there.
    struct Row: Sendable, CustomTestStringConvertible {
        var place: String
        var layer: LayerID?
        /// What a role of main is good for there.
        var covered: Set<Role>
        var testDescription: String { place }
    }

    private static let rows: [Row] = [
        Row(place: "the whole cluster", layer: nil, covered: []),
        Row(place: "cluster", layer: .cluster, covered: [.readOnly]),
        Row(place: "the own group", layer: .group(GroupID(rawValue: "g1")), covered: Set(Role.allCases)),
        Row(place: "a machine in it", layer: .machine(MembershipID(rawValue: "m1")), covered: Set(Role.allCases)),
        Row(place: "another group", layer: .group(us), covered: []),
        Row(place: "a machine in another group", layer: .machine(mx2), covered: []),
        Row(place: "a group that is gone", layer: .group(GroupID(rawValue: "gone")), covered: []),
        Row(place: "a machine that is gone", layer: .machine(MembershipID(rawValue: "gone")), covered: []),
    ]

    @Test(arguments: rows) func `a role holds where it was given, and nowhere else`(_ row: Row) throws {
        let state = try MandateTests.state()
        for role in Role.allCases {
            for needed in Role.allCases {
                let whole = Mandate(user: "ann", role: role, group: nil)
                let limited = Mandate(user: "eve", role: role, group: GroupID(rawValue: "g1"))
                #expect(allows(whole, needed, row.layer, state) == (role >= needed), "\(role) of the cluster, for \(needed)")
                let expected = role >= needed && row.covered.contains(needed)
                #expect(allows(limited, needed, row.layer, state) == expected, "\(role) of main, for \(needed)")
            }
        }
    }

    private func allows(_ mandate: Mandate, _ needed: Role, _ layer: LayerID?, _ state: ClusterState) -> Bool {
        do throws(Refusal) {
            try mandate.check(needed, at: layer, in: state)
            return true
        } catch {
            #expect(error.code == .forbidden && error.reason.contains(mandate.user))
            return false
        }
    }

    @Test func `the refusal says where the role holds`() throws {
        let state = try MandateTests.state()
        let eve = Mandate(user: "eve", role: .operator, group: GroupID(rawValue: "g1"))
        let refusal = #expect(throws: Refusal(.forbidden, "")) { try eve.check(.operator, at: .machine(MandateTests.mx2), in: state) }
        #expect(
            refusal?.reason
                == "eve is operator in the group main only: that holds at group/main and at its machines, and the cluster's level can be seen. This is at machine/mx2."
        )
    }

    @Test func `who looks after one group sees the cluster's level, that group and its machines`() throws {
        let state = try MandateTests.state()
        let part = state.part(in: MandateTests.us)
        #expect(part.layerIDs.sorted() == [.cluster, .group(MandateTests.us), .machine(MandateTests.mx2)])
        #expect(part.membership(named: "mx1") == nil && part.membership(named: "mx2") != nil)
        #expect(try part.configuration(of: part.machine("mx2")).digest == state.configuration(of: state.machine("mx2")).digest)
        #expect(state.part(in: nil).layerIDs.sorted() == state.layerIDs.sorted())
    }

    @Test func `an administrator of a group is not the administrator that a cluster needs`() throws {
        var story = try Story()
        try story.tell(.tokenCreated(TokenCreated(id: "t", user: "ann", hash: Digest(hashing: []), expires: Timestamp(seconds: 500))))
        try story.tell(.userAdded(UserAdded(user: "eve", role: .administrator, group: story.main)))
        #expect(throws: Refusal(.inUse, "")) { try story.tell(.userRemoved(UserRemoved(user: "ann"))) }
        #expect(throws: Refusal(.notFound, "")) {
            try story.tell(.userAdded(UserAdded(user: "pat", role: .operator, group: GroupID(rawValue: "gone"))))
        }
        try story.tell(.userRemoved(UserRemoved(user: "eve")))
    }
}
