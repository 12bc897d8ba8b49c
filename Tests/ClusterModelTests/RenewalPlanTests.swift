import ClusterModel
import Testing

@Suite("A renewal's plan is found out from the settings")
struct RenewalPlanTests {
    private static let eu = GroupID(rawValue: "g2")
    private static let mx2 = MembershipID(rawValue: "m2")
    private static let mx3 = MembershipID(rawValue: "m3")

    /// mx1 in main, mx2 in main, mx3 in eu. The cluster's listener and delivery name `mail`, and so does HTTPS on mx2.
    private static func story() throws -> Story {
        var story = try Story()
        try story.join("mx2", as: mx2, invitation: "i2")
        try story.tell(.groupAdded(GroupAdded(group: eu, name: "eu")))
        try story.tell(
            .invitationCreated(
                InvitationCreated(id: "i3", secretHash: Digest(hashing: []), group: eu, expires: Timestamp(seconds: 1_000_000))))
        try story.tell(
            .machineJoined(
                MachineJoined(
                    membership: mx3, machine: "mx3", group: eu, invitation: "i3", identityKey: Digest(hashing: []),
                    network: [
                        NetworkEntry(section: .interfaces, name: "data1", value: ["hostname": "mx3.example.com", "address": "127.0.0.13"])
                    ])))
        try story.commit([
            story.set(.certificates, "mail", certificate("mail")), story.set(.certificates, "other", certificate("other")),
            story.set(.listeners, "public", ["interface": "data1", "certificate": "mail"]),
            story.set(.listeners, "private", ["interface": "data1", "port": 2526, "certificate": "other"]),
            story.set(.delivery, "settings", ["certificate": "mail", "alertOnRequiredTLSFailure": true]),
            story.set(
                .interfaces, "data1",
                ["hostname": "mx2.example.com", "address": "127.0.0.12", "https": ["certificate": "mail"]], at: .machine(mx2)),
        ])
        return story
    }

    private static func plan(
        _ story: Story, _ new: String = "new", of old: String = "mail", at layer: LayerID = .cluster, edits: [Edit] = []
    ) throws -> RenewalPlan {
        var changes = UncommittedChanges(changeSet: "c")
        for edit in edits { try changes.submit(edit) }
        return try RenewalPlan(renewing: old, with: new, at: layer, committed: story.state, changes: changes)
    }

    private static func lines(_ plan: RenewalPlan) -> [String] {
        plan.entries.map { "\($0.service) \($0.subject.layer): \($0.machines.joined(separator: " ")) \($0.patch.canonicalText)" }
    }

    @Test func `every setting that means the certificate is listed where it is set, with its machines and what changes in it`() throws {
        let plan = try Self.plan(Self.story())
        #expect(
            Self.lines(plan) == [
                #"delivery cluster: mx1 mx2 mx3 {"certificate":"new"}"#, #"listener/public cluster: mx1 mx2 mx3 {"certificate":"new"}"#,
                #"https/data1 machine/m2: mx2 {"https":{"certificate":"new"}}"#,
            ])
        #expect(plan.step == .add && plan.overriding.isEmpty && plan.overrides.isEmpty && plan.obstacles.isEmpty && plan.foreign.isEmpty)
        #expect(plan.entries[0].value == ["certificate": "new", "alertOnRequiredTLSFailure": true])
    }

    @Test func `the step follows from what is committed and what the caller has submitted`() throws {
        var story = try Self.story()
        let add = story.set(.certificates, "new", certificate("new"))
        var plan = try Self.plan(story, edits: [add])
        #expect(plan.step == .repoint && plan.foreign.isEmpty)
        let edits = plan.entries.map { story.set($0.subject.section, $0.subject.entry ?? "", $0.value, at: $0.subject.layer) }
        plan = try Self.plan(story, edits: [add] + edits.prefix(2))
        #expect(plan.step == .repoint && plan.foreign.isEmpty && plan.entries.map(\.isSubmitted) == [true, true, false])
        // Added by itself, and committed: what names the old one is still to be re-pointed.
        try story.commit([add])
        #expect(try Self.plan(story).step == .repoint)
        try story.commit(edits)
        plan = try Self.plan(story)
        #expect(plan.step == .prove && plan.entries.isEmpty)
        let removal = Edit(layer: .cluster, section: .certificates, entry: "mail", change: .remove, basis: 1)
        #expect(try Self.plan(story, edits: [removal]).foreign.isEmpty)
        try story.commit([removal])
        #expect(try Self.plan(story).step == .done)
        #expect(throws: Refusal(.notFound, "")) { try Self.plan(story, "another") }
    }

    @Test func `edits that are none of the renewal's are foreign, and so is taking the old one away too early`() throws {
        let story = try Self.story()
        let others = [
            story.set(.destinations, "default", ["tls": "required"]),
            story.set(.listeners, "public", ["interface": "data1", "port": 26, "certificate": "new"]),
            story.set(.certificates, "new", certificate("new"), at: .group(Self.eu)),
            Edit(layer: .cluster, section: .certificates, entry: "mail", change: .remove, basis: 1),
            Edit(layer: .cluster, section: .certificates, entry: "new", change: .hide, basis: nil),
        ]
        for edit in others { #expect(try Self.plan(story, edits: [edit]).foreign == [edit], "\(edit)") }
    }

    @Test func `a machine with a certificate of its own under the old name is named`() throws {
        var story = try Self.story()
        try story.commit([story.set(.certificates, "mail", certificate("own"), at: .machine(Self.mx3))])
        let plan = try Self.plan(story)
        // The cluster's listener means mx3's own certificate there; with the new name it would mean the cluster's.
        #expect(plan.overriding == ["mx3"])
        #expect(plan.overrides == [.machine(Self.mx3)])
        #expect(plan.obstacles.isEmpty)
        #expect(Self.lines(plan).prefix(2).allSatisfy { $0.contains("mx1 mx2 {") })
        // A listener of its own on that machine means its own certificate, and is not touched.
        try story.commit([
            story.set(.listeners, "public", ["interface": "data1", "certificate": "mail"], at: .machine(Self.mx3)),
            story.set(.delivery, "settings", ["certificate": "other"], at: .machine(Self.mx3)),
        ])
        let apart = try Self.plan(story)
        #expect(apart.overriding.isEmpty && apart.overrides == [.machine(Self.mx3)])
        #expect(!apart.entries.contains { $0.subject.layer == .machine(Self.mx3) })
    }

    @Test func `what several levels share is not renewed from one of them`() throws {
        var story = try Self.story()
        try story.commit([story.set(.certificates, "mail", certificate("eu"), at: .group(Self.eu))])
        let plan = try Self.plan(story, at: .group(Self.eu))
        #expect(plan.obstacles.count == 2)
        #expect(
            plan.obstacles.contains { $0.contains("listener/public, set at cluster, is also that of mx1, mx2, which do not get \"new\"") })
        // With a listener of the group's own, the group is renewed by itself.
        try story.commit([
            story.set(.listeners, "public", ["interface": "data1", "certificate": "mail"], at: .group(Self.eu)),
            story.set(.delivery, "settings", ["certificate": "mail"], at: .group(Self.eu)),
        ])
        let own = try Self.plan(story, at: .group(Self.eu))
        #expect(own.obstacles.isEmpty && own.overriding.isEmpty)
        #expect(own.entries.map(\.subject.layer) == [.group(Self.eu), .group(Self.eu)])
    }

    @Test func `a new name that means something else, or nothing, on a machine is no name for it`() throws {
        var story = try Self.story()
        try story.commit([story.set(.certificates, "new", certificate("x"), at: .machine(Self.mx2))])
        #expect(try Self.plan(story).obstacles.contains { $0.hasPrefix("mx2: the name \"new\" means another certificate there") })
        var hiding = try Self.story()
        let hide = Edit(layer: .group(Self.eu), section: .certificates, entry: "new", change: .hide, basis: nil)
        try hiding.commit([hide])
        #expect(try Self.plan(hiding).obstacles.contains { $0.hasPrefix("mx3: the name") })
        #expect(try Self.plan(hiding, "newer").obstacles.isEmpty)
    }

    @Test func `a machine where the setting is hidden or isolated is not concerned`() throws {
        var story = try Self.story()
        try story.commit([
            Edit(layer: .machine(Self.mx3), section: .listeners, entry: "public", change: .hide, basis: nil),
            Edit(layer: .group(story.main), section: .delivery, entry: nil, change: .isolate, basis: nil),
        ])
        #expect(
            Self.lines(try Self.plan(story)).prefix(2) == [
                #"delivery cluster: mx3 {"certificate":"new"}"#, #"listener/public cluster: mx1 mx2 {"certificate":"new"}"#,
            ])
    }

    @Test func `a certificate that nothing names is renewed without re-pointing, and one that no machine uses yet is not left behind`()
        throws
    {
        var story = try Self.story()
        try story.commit([
            story.set(.certificates, "idle", certificate("idle")), story.set(.certificates, "early", certificate("early")),
            story.set(.listeners, "eu", ["interface": "data9", "certificate": "early"]),
        ])
        #expect(try Self.plan(story, of: "idle").entries.isEmpty)
        let add = story.set(.certificates, "new", certificate("new"))
        #expect(try Self.plan(story, of: "idle", edits: [add]).step == .repoint)
        try story.commit([add])
        #expect(try Self.plan(story, of: "idle").step == .prove)
        // Machines get the listener, although none opens it.
        #expect(try Self.plan(story, of: "early").entries.map(\.machines) == [["mx1", "mx2", "mx3"]])
        let empty = ClusterState()
        #expect(throws: Refusal.self) {
            try RenewalPlan(renewing: "mail", with: "new", at: .cluster, committed: empty, changes: UncommittedChanges(changeSet: "c"))
        }
    }

    @Test(arguments: [
        ("mail", "mail-2026"), ("mail-2025", "mail-2026"), ("mail-eu", "mail-eu-2026"), ("2025", "2025-2026"),
        ("mail-20x5", "mail-20x5-2026"),
    ])
    func `the standard name has the year`(_ old: String, _ new: String) throws {
        #expect(RenewalPlan.standardName(of: old, at: try #require(Timestamp("2026-11-24T09:30:00Z"))) == new)
    }
}
