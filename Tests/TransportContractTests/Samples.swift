import ClusterModel
import Replication

/// One of every kind of message, with every field in use.
enum Samples {
    static let digest = Digest(hashing: [1])
    static let head = Sighting(epoch: 3, head: LogHead(position: 42, hash: Digest(hashing: [2])), seal: Digest(hashing: [9]))
    static let target = Target(position: 42, revision: 7, digest: Digest(hashing: [3]))
    static let time = TestCluster.start

    static let hello = Hello(
        knowledge: knowledge, clock: time, running: digest, rejected: Digest(hashing: [4]), seen: head, papers: papers)
    static let papers = IdentityPapers(
        trusted: [digest, Digest(hashing: [6])], issuer: digest, notBefore: time, notAfter: time.adding(days: 365))
    static let knowledge = AgentKnowledge(
        agent: "muster 1.0", protocols: 1...2, sections: [.listeners: 1, .certificates: 3, SectionName(rawValue: "unheardOf"): 2],
        gateway: .postfix)

    static func entry(_ section: SectionName, _ name: String, _ value: JSONValue, at layer: LayerID = .cluster) -> EffectiveEntry {
        EffectiveEntry(section: section, name: name, value: value, origin: .init(layer: layer, revision: 7))
    }

    static let shared = EffectiveSection(
        name: .destinations,
        entries: [
            entry(.destinations, "default", ["concurrency": 20, "text": "ä\u{1}\""]),
            entry(.destinations, ".example.com", ["list": [1, true, .null]], at: .group(GroupID(rawValue: "g-1"))),
        ])
    static let own = EffectiveSection(
        name: .interfaces,
        entries: [entry(.interfaces, "data1", ["address": "192.0.2.1"], at: .machine(TestCluster.membership))])

    static let chain = Array("-----BEGIN CERTIFICATE-----\n".utf8)
    static let material = [
        Material(kind: .key, digest: digest, pem: Array("-----BEGIN PRIVATE KEY-----\n".utf8)),
        Material(kind: .chain, digest: Digest(hashing: chain), pem: chain),
    ]

    static let update = Update(
        target: target, head: head, base: digest, sections: [shared, own], changes: [change], removed: [.delivery], material: material)

    static let change = SectionChange(
        name: .mailFlowPolicies, digest: Digest(hashing: [5]),
        entries: [
            entry(.mailFlowPolicies, "accepted", ["tls": "required"]),
            entry(.mailFlowPolicies, "throttled", ["tls": "preferred"], at: .group(GroupID(rawValue: "g-1"))),
        ], removed: ["blocked", "relayed"])

    static let proofs = [
        ServiceProof(service: "listener/public", served: digest),
        ServiceProof(service: "delivery", served: nil, unprovable: "outbound"),
    ]

    static let inventory: InventoryPart = {
        var inventory = Inventory()
        (inventory.running, inventory.isBusy) = (digest, true)
        let (bank, own) = (EntryName(.destinations, "bank.example"), EntryName(.interfaces, "data1"))
        inventory.store = [bank: digest, own: Digest(hashing: [6])]
        inventory.values = [bank: ["tls": "required"]]
        inventory.damages = [StoreDamage(file: "keys/a.pem", reason: "is missing", entries: [own]), StoreDamage(file: "b", reason: "")]
        inventory.observations = [
            GatewayObservation(subject: "main.cf", entries: [bank, own], meant: digest, found: nil, remark: "it does not run"),
            GatewayObservation(subject: "listener/public", entries: [], meant: digest, found: Digest(hashing: [7])),
        ]
        inventory.proofs = proofs
        return InventoryPart(question: 3, isLast: false, inventory: inventory)
    }()

    static let unreadable: Inventory = {
        var inventory = Inventory()
        inventory.store = nil
        return inventory
    }()

    static let lost = LostCertificate(name: "web", subject: "CN=web", fingerprint: digest, notAfter: time, services: ["https/data1"])

    static func join(isPreview: Bool = false) -> JoinRequest {
        JoinRequest(
            invitation: "invitation-1", secret: "s3cret", machine: "mx1", certificateRequest: [0x30, 0],
            network: [NetworkEntry(section: .interfaces, name: "data1", value: ["address": "192.0.2.1"])],
            loss: LossReport(certificates: [lost], settings: ["listeners": ["public"]], kept: ["interfaces/data1"], keysLeftBehind: [lost]),
            isPreview: isPreview, knowledge: knowledge)
    }

    static let joined = JoinAnswer(
        membership: TestCluster.membership, clusterID: TestCluster.id, cluster: "Example mail", group: "edge", certificate: "PEM",
        trust: "PEM", managers: ["manager.example.com:8443"])

    static let apartHello: Hello = {
        var apart = hello
        (apart.isDisconnected, apart.localEdits) = (true, 3)
        return apart
    }()

    static let localEdits = [
        LocalEdit(id: "e1", section: .destinations, name: "bank.example", value: ["tls": "required"], base: digest, time: time),
        LocalEdit(id: "e2", section: .listeners, name: "relay", value: nil, base: nil, time: time),
    ]

    static let memberMessages: [MemberMessage] = [
        .hello(apartHello), .localEdits(LocalEditReport(isDisconnected: true, edits: localEdits, material: material)),
        .localEdits(LocalEditReport(isDisconnected: false)),
        .hello(hello), .hello(Hello(knowledge: AgentKnowledge(agent: "", sections: [:]), clock: time, running: nil)),
        .receipt(Receipt(target: target, outcome: .applied(digest: digest, proofs: proofs), time: time)),
        .receipt(Receipt(target: target, outcome: .rejected(reasons: ["no", "and no"]), time: time)),
        .receipt(
            Receipt(target: target, outcome: .applied(digest: digest, proofs: []), time: time, drift: ["a file changed"], isUnasked: true)),
        .receipt(Receipt(target: target, outcome: .applied(digest: digest, proofs: []), time: time, isUnasked: true, mended: ["a", "b"])),
        .inventory(inventory), .inventory(InventoryPart(question: 1, isLast: true, inventory: unreadable)),
        .join(join()), .join(join(isPreview: true)),
        .join(JoinRequest(invitation: "i", secret: "s", machine: "m", certificateRequest: [1], network: [])), .papers(papers),
        .papers(IdentityPapers(trusted: [digest], issuer: nil, notBefore: time, notAfter: time)), .renewal(certificateRequest: [0x30, 0]),
        .ping, .pong,
    ]

    static let managerMessages: [ManagerMessage] = [
        .welcome(head), .welcome(head, version: 3), .welcome(.none), .update(update), .question(Question(number: 1)),
        .question(Question(number: 2, values: [EntryName(.destinations, "bank.example"), EntryName(.interfaces, "data1")])),
        .update(Update(target: target, head: head, base: nil, sections: [])),
        .apart(true), .apart(false), .settled(["e1", "e2"]),
        .ended(Ended(reason: "removed by an administrator", time: time)), .refused(.duplicateMember, reason: "cloned"),
        .refused(Refusal.Code(rawValue: "from-the-future"), reason: ""), .joined(joined),
        .authorities(AuthorityOffer(trust: "PEM", issuing: digest)), .renewed(RenewedIdentity(certificate: "PEM", trust: "PEM")),
        .joined(
            JoinAnswer(
                membership: MembershipID(rawValue: ""), clusterID: TestCluster.id, cluster: "", group: "", certificate: "", trust: "",
                managers: [], isPreview: true)),
        .ping, .pong,
    ]

    /// An update whose frame has this many bytes, its length not counted. The filling must be large.
    static func update(ofBytes count: Int) -> Update {
        func sample(_ filling: Int) -> Update {
            let sizes = stride(from: 0, to: filling, by: Limits.certificateFileBytes).map { min(Limits.certificateFileBytes, filling - $0) }
            return Update(
                target: target, head: head, base: nil, sections: [],
                material: sizes.map { Material(kind: .key, digest: digest, pem: Array(repeating: 0x41, count: $0)) })
        }
        var filling = count
        while let size = try? WireTestCodec.size(sample(filling)), size > count { filling -= max(1, (size - count) / 2) }
        return sample(filling)
    }
}
