import ClusterModel
import Testing

@Suite("A disconnected machine stays a member")
struct ApartTests {
    private let member = MembershipID(rawValue: "m1")

    private func joined() throws -> ClusterState {
        var state = ClusterState()
        let nothing = Digest(hashing: [])
        let group = GroupID(rawValue: "g1")
        try fold(
            .clusterCreated(
                ClusterCreated(
                    clusterID: "c", cluster: "acme", group: group, groupName: "main", manager: "a1", authority: "", authorityKey: nothing,
                    masterKey: "")), &state)
        try fold(
            .invitationCreated(InvitationCreated(id: "i1", secretHash: nothing, group: group, expires: Timestamp(seconds: 9999))), &state)
        try fold(
            .machineJoined(
                MachineJoined(membership: member, machine: "mx1", group: group, invitation: "i1", identityKey: nothing, network: [])),
            &state)
        return state
    }

    private func fold(_ event: ClusterEvent, _ state: inout ClusterState) throws {
        // As it is stored and read again.
        let event = try ClusterEvent(try event.json())
        let position = state.head.position + 1
        try state.fold(
            event, head: LogHead(position: position, hash: Digest(hashing: [UInt8(position)])), time: Timestamp(seconds: Int64(position)),
            author: "ann")
    }

    @Test func `it keeps its layer, and is said to be disconnected since when and by whom`() throws {
        var state = try joined()
        let before = state.memberships[member]?.layer
        try fold(.machineDisconnected(MachineDisconnected(membership: member)), &state)
        #expect(state.disconnected == [member])
        #expect(state.memberships[member]?.disconnection?.author == "ann")
        #expect(state.memberships[member]?.disconnection?.time == Timestamp(seconds: 4))
        #expect(state.memberships[member]?.layer == before)
        #expect(throws: Refusal(.conflict, "")) { try fold(.machineDisconnected(MachineDisconnected(membership: member)), &state) }
        try fold(.machineReconnected(MachineReconnected(membership: member)), &state)
        #expect(state.disconnected.isEmpty)
        #expect(throws: Refusal(.conflict, "")) { try fold(.machineReconnected(MachineReconnected(membership: member)), &state) }
    }

    @Test func `a membership that is over can be neither`() throws {
        var state = try joined()
        try fold(.machineRemoved(MachineRemoved(membership: member, loss: LossReport())), &state)
        #expect(throws: Refusal(.notFound, "")) { try fold(.machineDisconnected(MachineDisconnected(membership: member)), &state) }
        #expect(throws: Refusal(.notFound, "")) { try fold(.machineReconnected(MachineReconnected(membership: member)), &state) }
    }

    @Test func `an edit is undecided until it is given up, or the machine is to have it anyway`() {
        func configuration(_ tls: String?) -> EffectiveConfiguration {
            guard let tls else { return .empty }
            let entry = EffectiveEntry(
                section: .destinations, name: "bank.example", value: ["tls": .string(tls)], origin: .init(layer: .cluster, revision: 1))
            return EffectiveConfiguration(sections: [EffectiveSection(name: .destinations, entries: [entry])])
        }
        func edit(_ id: String, _ value: JSONValue?) -> LocalEdit {
            LocalEdit(id: id, section: .destinations, name: "bank.example", value: value, base: nil, time: Timestamp(seconds: 0))
        }
        let set = LocalEdits(edits: [edit("e1", ["tls": "required"])])
        #expect(set.undecided(for: configuration("none")).map(\.id) == ["e1"])
        #expect(set.undecided(for: .empty).map(\.id) == ["e1"])
        #expect(set.settled(for: configuration("required")) == ["e1"])
        #expect(LocalEdits(edits: set.edits, dropped: ["e1"]).settled(for: configuration("none")) == ["e1"])
        let removed = LocalEdits(edits: [edit("e2", nil)])
        #expect(removed.undecided(for: configuration("none")).map(\.id) == ["e2"])
        #expect(removed.settled(for: .empty) == ["e2"])
    }
}
