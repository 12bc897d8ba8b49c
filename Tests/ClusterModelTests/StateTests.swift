import ClusterModel
import Testing

/// A small cluster to fold events onto: group `main`, machine `mx1`.
struct Story {
    var state = ClusterState()
    let main = GroupID(rawValue: "g1")
    let mx1 = MembershipID(rawValue: "m1")

    init() throws {
        try tell(
            .clusterCreated(
                ClusterCreated(
                    clusterID: "c1", cluster: "acme", group: main, groupName: "main", manager: "a", authority: "",
                    authorityKey: Digest(hashing: []), masterKey: "k")))
        try join("mx1", as: mx1, invitation: "i1")
    }

    mutating func tell(_ event: ClusterEvent, by author: String = "ann") throws {
        let head = LogHead(position: state.head.position + 1, hash: Digest(hashing: Array("\(state.head.position)".utf8)))
        try state.fold(event, head: head, time: Timestamp(seconds: Int64(head.position)), author: author)
    }

    mutating func join(_ machine: String, as membership: MembershipID, invitation: String) throws {
        try tell(
            .invitationCreated(
                InvitationCreated(id: invitation, secretHash: Digest(hashing: []), group: main, expires: Timestamp(seconds: 1_000_000))))
        try tell(
            .machineJoined(
                MachineJoined(
                    membership: membership, machine: machine, group: main, invitation: invitation, identityKey: Digest(hashing: []),
                    network: [
                        NetworkEntry(section: .interfaces, name: "data1", value: ["hostname": "mx1.example.com", "address": "127.0.0.11"])
                    ])))
    }

    mutating func commit(_ edits: [Edit]) throws {
        let next = state.revision + 1
        try tell(.settingsCommitted(SettingsCommitted(changeSet: "s\(next)", revision: next, comment: "", edits: edits)))
    }

    func set(_ section: SectionName, _ entry: String, _ value: JSONValue, at layer: LayerID = .cluster) -> Edit {
        Edit(layer: layer, section: section, entry: entry, change: .set(value), basis: state.layer(layer)?[section, entry]?.revision)
    }
}

/// A certificate setting without a real certificate, for what only looks at names and fingerprints.
func certificate(_ name: String) -> JSONValue {
    var facts = CertificateFacts()
    facts.fingerprint = Digest(hashing: Array(name.utf8))
    facts.subject = "CN=\(name)"
    facts.issuer = facts.subject
    facts.serial = "01"
    facts.signature = "ecdsa-with-SHA256"
    let key = KeyFacts(fingerprint: Digest(hashing: Array("key \(name)".utf8)), algorithm: "ecdsa-p256")
    return CertificateSetting(origin: .imported, key: key, chain: [facts], chainBlob: Digest(hashing: Array("chain \(name)".utf8))).json
}

@Suite("The state is what the log tells")
struct StateTests {
    @Test func `every event survives its stored form`() throws {
        var story = try Story()
        let edits = [story.set(.destinations, "default", ["tls": "required"])]
        let events: [ClusterEvent] = [
            .settingsCommitted(SettingsCommitted(changeSet: "s", revision: 1, comment: "ü", edits: edits)),
            .groupAdded(GroupAdded(group: GroupID(rawValue: "g2"), name: "eu")),
            .userAdded(UserAdded(user: "eve", role: .operator, group: story.main)),
            .groupRenamed(GroupRenamed(group: story.main, former: "main", name: "first")),
            .machineMoved(MachineMoved(membership: story.mx1, from: story.main, group: GroupID(rawValue: "g2"))),
            .machineRenamed(MachineRenamed(membership: story.mx1, former: "mx1", name: "mx9")),
            .userRemoved(UserRemoved(user: "eve")),
            .groupDeleted(GroupDeleted(group: story.main, name: "first", loss: LossReport(settings: ["destinations": ["a"]]))),
            .machineRemoved(MachineRemoved(membership: story.mx1, loss: LossReport(kept: ["x"]))),
            .tokenCreated(TokenCreated(id: "t", user: "ann", hash: Digest(hashing: []), expires: Timestamp(seconds: 5))),
            .userAdded(UserAdded(user: "bob", role: .readOnly)),
            .userRemoved(UserRemoved(user: "bob")),
            .settingsCommitted(SettingsCommitted(changeSet: "r", revision: 2, comment: "", edits: [], rolledBackTo: 0)),
        ]
        for event in events {
            let again = try ClusterEvent(JSONValue(parsing: event.json().canonicalBytes))
            #expect(again == event)
            try story.tell(again)
        }
    }

    @Test func `an event of an unknown kind is refused, never skipped`() {
        #expect(throws: Refusal(.version, "")) { try ClusterEvent(["kind": "machine-painted"]) }
    }

    @Test func `a layer ends with its membership and a return under the same name begins with an empty one`() throws {
        var story = try Story()
        try story.commit([story.set(.certificates, "mail", certificate("own"), at: .machine(story.mx1))])
        #expect(try story.state.configuration(of: story.state.machine("mx1"))[.certificates, "mail"] != nil)
        try story.tell(.machineRemoved(MachineRemoved(membership: story.mx1, loss: LossReport())))
        #expect(story.state.membership(named: "mx1") == nil)
        try story.join("mx1", as: MembershipID(rawValue: "m2"), invitation: "i2")
        #expect(try story.state.configuration(of: story.state.machine("mx1"))[.certificates, "mail"] == nil)
        #expect(throws: Refusal(.notFound, "")) {
            try story.state.applying([story.set(.certificates, "mail", certificate("own"), at: .machine(story.mx1))])
        }
    }

    @Test func `an invitation lets one machine in`() throws {
        var story = try Story()
        #expect(throws: Refusal(.invitation, "")) {
            try story.tell(
                .machineJoined(
                    MachineJoined(
                        membership: MembershipID(rawValue: "m9"), machine: "mx9", group: story.main, invitation: "i1",
                        identityKey: Digest(hashing: []), network: [])))
        }
        #expect(story.state.membership(named: "mx9") == nil)
    }

    @Test func `an edit conflicts exactly when its entry changed since`() throws {
        var story = try Story()
        let stale = story.set(.destinations, "default", ["tls": "required"])
        let other = story.set(.destinations, "bank.example", ["tls": "required"])
        try story.commit([story.set(.destinations, "default", ["tls": "none"])])
        #expect(story.state.conflicts(of: [stale, other]) == [stale])
    }

    @Test func `a revision must be the next`() throws {
        var story = try Story()
        #expect(throws: Refusal(.conflict, "")) {
            try story.tell(.settingsCommitted(SettingsCommitted(changeSet: "x", revision: 7, comment: "", edits: [])))
        }
    }

    @Test func `a dangling reference names the machine and the entry, and a missing interface only disables`() throws {
        let story = try Story()
        let state = try story.state.applying([
            story.set(.listeners, "public", ["interface": "data1", "certificate": "mail", "defaultPolicy": "accepted"]),
            story.set(.listeners, "inside", ["interface": "data2"]),
        ])
        let findings = state.findings()
        #expect(findings.map(\.machine) == ["mx1", "mx1", "mx1"])
        #expect(findings.filter { $0.finding.severity == .error }.map(\.finding.entry) == ["listeners/public", "listeners/public"])
        #expect(findings.contains { $0.finding.severity == .notice && $0.finding.entry == "listeners/inside" })
        #expect(try state.configuration(of: state.machine("mx1")).disabledServices().map(\.service) == ["listener/inside"])
    }

    @Test func `two services cannot have one port, and TLS needs a certificate`() throws {
        let story = try Story()
        let state = try story.state.applying([
            story.set(.listeners, "a", ["interface": "data1"]), story.set(.listeners, "b", ["interface": "data1", "defaultPolicy": "p"]),
            story.set(.mailFlowPolicies, "p", ["tls": "required"]),
        ])
        let texts = state.findings().map(\.finding.text)
        #expect(texts.contains { $0.contains("wants 127.0.0.11 port 25") })
        #expect(texts.contains { $0.contains("the listener has no certificate") })
    }

    @Test func `a machine gets the keys its services use and those set on itself, and no other`() throws {
        var story = try Story()
        try story.commit([
            story.set(.certificates, "mail", certificate("mail")), story.set(.certificates, "spare", certificate("spare")),
            story.set(.certificates, "own", certificate("own"), at: .machine(story.mx1)),
            story.set(.listeners, "public", ["interface": "data1", "certificate": "mail"]),
        ])
        let needed = try story.state.configuration(of: story.state.machine("mx1")).materialNeeded()
        #expect(needed.keys == [Digest(hashing: Array("key mail".utf8)), Digest(hashing: Array("key own".utf8))])
    }

    @Test func `a removal lists what goes with the membership and whose keys stay`() throws {
        var story = try Story()
        try story.commit([
            story.set(.certificates, "mail", certificate("mail")),
            story.set(.certificates, "web", certificate("web"), at: .machine(story.mx1)),
            story.set(.destinations, "bank.example", ["tls": "required"], at: .machine(story.mx1)),
            story.set(.listeners, "public", ["interface": "data1", "certificate": "mail"]),
            story.set(.delivery, "settings", ["certificate": "web"]),
        ])
        let membership = try story.state.machine("mx1")
        let report = LossReport.removing(membership, configuration: story.state.configuration(of: membership))
        #expect(report.certificates.map(\.name) == ["web"])
        #expect(report.certificates.first?.services == ["delivery"])
        #expect(report.settings == ["destinations": ["bank.example"]])
        #expect(report.keysLeftBehind.map(\.name) == ["mail"])
    }

    @Test func `an invitation survives its text, and a cut or altered one is told`() throws {
        let token = InvitationToken(
            id: "i1", secret: "geheim", clusterID: "c1", cluster: "acme", authority: Digest(hashing: []), managers: ["127.0.0.1:8461"],
            expires: Timestamp(seconds: 1_800_000_000))
        #expect(try InvitationToken(parsing: " \(token.text)\n") == token)
        #expect(!"\(token)".contains("geheim"))
        for count in 0..<token.text.count {
            #expect(throws: Refusal(.invitation, "")) { try InvitationToken(parsing: String(token.text.prefix(count))) }
        }
        let altered = token.text.replacing("A", with: "B", maxReplacements: 1)
        #expect(throws: Refusal(.invitation, "")) { try InvitationToken(parsing: altered) }
    }
}
