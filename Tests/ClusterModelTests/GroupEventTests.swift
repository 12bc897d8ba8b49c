import ClusterModel
import Testing

@Suite("Groups and machines change their names and places")
struct GroupEventTests {
    private let us = GroupID(rawValue: "g2")

    private func story() throws -> Story {
        var story = try Story()
        try story.tell(.groupAdded(GroupAdded(group: us, name: "us")))
        try story.commit([
            story.set(.destinations, "a.example", ["tls": "required"], at: .group(story.main)),
            story.set(.destinations, "b.example", ["tls": "required"], at: .group(us)),
            story.set(.destinations, "c.example", ["tls": "none"], at: .machine(story.mx1)),
        ])
        return story
    }

    private func destinations(_ state: ClusterState, _ id: MembershipID) throws -> [String] {
        let membership = try #require(state.memberships[id])
        return state.configuration(of: membership)[.destinations]?.entries.map(\.name) ?? []
    }

    @Test func `a moved machine gets what the other group gives it, and keeps its own layer`() throws {
        var story = try story()
        let before = story.state
        #expect(try destinations(before, story.mx1) == ["a.example", "c.example"])
        try story.tell(.machineMoved(MachineMoved(membership: story.mx1, from: story.main, group: us)))
        #expect(try destinations(story.state, story.mx1) == ["b.example", "c.example"])
        #expect(story.state.layer(.machine(story.mx1)) == before.layer(.machine(story.mx1)))
        let difference = story.state.differences(from: before)
        #expect(difference.map(\.machine) == ["mx1"])
        #expect(difference.first?.entries.map(\.key.name) == ["a.example", "b.example"])
        #expect(difference.first?.entries.map(\.kind) == [.removed, .added])
    }

    @Test func `a rename changes no machine's configuration and no level's identity`() throws {
        var story = try story()
        let before = story.state
        try story.tell(.groupRenamed(GroupRenamed(group: story.main, former: "main", name: "us-east")))
        try story.tell(.machineRenamed(MachineRenamed(membership: story.mx1, former: "mx1", name: "edge")))
        let after = story.state
        #expect(after.configurations().mapValues(\.digest) == before.configurations().mapValues(\.digest))
        #expect(try after.layerID(of: .group("us-east")) == .group(story.main))
        #expect(try after.layerID(of: .machine("edge")) == .machine(story.mx1))
        #expect(throws: Refusal(.notFound, "")) { try after.layerID(of: .group("main")) }
        #expect(throws: Refusal(.notFound, "")) { try after.layerID(of: .machine("mx1")) }
        #expect(after.memberships[story.mx1]?.ownName == "mx1")
        #expect(after.findings().map(\.machine) == before.findings().map { _ in "edge" })
        // The names are free again.
        try story.tell(.groupAdded(GroupAdded(group: GroupID(rawValue: "g3"), name: "main")))
        try story.join("mx1", as: MembershipID(rawValue: "m2"), invitation: "i2")
        // And taken: no event makes two of one name.
        #expect(throws: Refusal(.exists, "")) {
            try story.tell(.groupRenamed(GroupRenamed(group: us, former: "us", name: "main")))
        }
        #expect(throws: Refusal(.exists, "")) {
            try story.tell(.machineRenamed(MachineRenamed(membership: story.mx1, former: "edge", name: "mx1")))
        }
    }

    @Test func `a group is deleted when nothing hangs on it, and says what does`() throws {
        var story = try story()
        let deletion = ClusterEvent.groupDeleted(GroupDeleted(group: story.main, name: "main", loss: LossReport()))
        var refusal = #expect(throws: Refusal(.inUse, "")) { try story.tell(deletion) }
        #expect(refusal?.reason == "1 machine is in the group main: mx1. Move it first: muster machine move mx1 --group us")
        try story.tell(.machineMoved(MachineMoved(membership: story.mx1, from: story.main, group: us)))
        try story.tell(.userAdded(UserAdded(user: "eve", role: .operator, group: story.main)))
        refusal = #expect(throws: Refusal(.inUse, "")) { try story.tell(deletion) }
        #expect(refusal?.reason.contains("muster user remove eve") == true)
        try story.tell(.userRemoved(UserRemoved(user: "eve")))
        let main = try #require(story.state.groups[story.main])
        #expect(LossReport.deleting(main).settings == ["destinations": ["a.example"]])
        try story.tell(deletion)
        #expect(story.state.groups.count == 1)
        #expect(story.state.name(of: story.main) == "main")
        #expect(story.state.ending(of: .group(story.main)) == "group main was deleted")
        #expect(throws: Refusal(.notFound, "")) { try story.tell(deletion) }
        refusal = #expect(throws: Refusal(.inUse, "")) {
            try story.tell(.groupDeleted(GroupDeleted(group: us, name: "us", loss: LossReport())))
        }
        #expect(refusal?.reason.contains("the only group") == true)
        #expect(throws: Refusal(.notFound, "")) {
            try story.tell(.machineMoved(MachineMoved(membership: story.mx1, from: us, group: story.main)))
        }
        // An edit of its level is an edit of nothing.
        let edit = Edit(layer: .group(story.main), section: .destinations, entry: "a.example", change: .remove, basis: 1)
        #expect(story.state.conflicts(of: [edit]) == [edit])
    }

    @Test func `a move is refused when the machine would not hold together in the other group`() throws {
        var story = try story()
        try story.commit([
            story.set(
                .listeners, "in", ["interface": "data1", "port": 2525, "certificate": "missing", "defaultPolicy": "p"], at: .group(us)),
            story.set(.mailFlowPolicies, "p", ["tls": "required"], at: .group(us)),
        ])
        let refusal = #expect(throws: Refusal(.wouldBreak, "")) { _ = try story.state.move(story.mx1, to: us) }
        #expect(refusal?.details.contains { $0.contains("certificates/missing") } == true)
        #expect(try story.state.move(story.mx1, to: story.main) == nil, "it is there already")
    }

    @Test func `a difference follows identities: renamed, moved and deleted are told apart`() throws {
        var story = try story()
        let before = story.state
        try story.tell(.machineMoved(MachineMoved(membership: story.mx1, from: story.main, group: us)))
        try story.tell(.machineRenamed(MachineRenamed(membership: story.mx1, former: "mx1", name: "mx9")))
        try story.tell(.groupDeleted(GroupDeleted(group: story.main, name: "main", loss: LossReport())))
        let levels = StateDifference(from: before, to: story.state).levels
        #expect(levels.map(\.level) == [.group("main"), .machine("mx9")])
        #expect(levels.map(\.presence) == [.removed, .both])
        #expect(levels.last?.former == .machine("mx1"))
        #expect(levels.last?.move?.from == "main" && levels.last?.move?.to == "us")
        let rollback = Rollback(to: before, from: story.state)
        #expect(rollback.edits.isEmpty)
        #expect(
            rollback.leftOut == [
                .init(level: .group("main"), reason: .groupGone, entries: ["destinations/a.example"]),
                .init(level: .machine("mx9"), reason: .moved, entries: ["group/main"]),
            ])
    }
}

@Suite("Names that look alike are one name")
struct LookalikeTests {
    @Test(arguments: [("mx1", "MX1"), ("mx1", "mxl"), ("mxl", "MXI"), ("mx0", "mxo"), ("mxO1", "mx0l"), ("eu", "Eu"), ("mxi", "MXI")])
    func `these are alike, both ways`(_ one: String, _ other: String) {
        #expect(Lookalikes.areAlike(one, other) && Lookalikes.areAlike(other, one))
        #expect(Lookalikes.name(like: one, among: ["x", other]) == other)
        let refusal = #expect(throws: Refusal(.exists, "")) { try Lookalikes.check(one, of: "machine", among: [other]) }
        #expect(refusal?.reason.contains("\"\(other)\"") == true)
    }

    @Test(arguments: [("mx1", "mx2"), ("mx1", "mx11"), ("mxi", "mx1"), ("mx-1", "mx_1"), ("mail", "mall"), ("", "a")])
    func `these are not`(_ one: String, _ other: String) {
        #expect(!Lookalikes.areAlike(one, other) && !Lookalikes.areAlike(other, one))
    }

    @Test func `a name is not like itself, and names in other letters are no names`() {
        #expect(Lookalikes.name(like: "mx1", among: ["mx1"]) == nil)
        // Cyrillic с, which looks like c.
        let refusal = #expect(throws: Refusal(.invalid, "")) { _ = try NameRule.plain.check("\u{441}luster", as: "The group name") }
        #expect(refusal?.reason.contains("U+0441") == true)
    }
}
