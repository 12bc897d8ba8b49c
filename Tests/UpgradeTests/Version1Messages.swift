import ClusterModel
import Replication

/// What the frames in `ClusterFixtures/Version1/frames.txt` say: every kind, with every field that version 1 has.
///
/// This file belongs to the fixture. It changes only to stay compilable: what a later version adds has its "not said" value here.
enum Version1Messages {
    private static func digest(_ byte: UInt8) -> Digest { Digest(hashing: [byte]) }

    private static let time = Timestamp(seconds: 1_795_000_000)
    private static let head = Sighting(epoch: 3, head: LogHead(position: 42, hash: digest(2)), seal: digest(9))
    private static let target = Target(position: 42, revision: 7, digest: digest(3))
    private static let knowledge = AgentKnowledge(
        agent: "muster/1", protocols: 1...2, sections: [.listeners: 1, .certificates: 3, SectionName(rawValue: "unheardOf"): 2])

    private static func entry(_ section: SectionName, _ name: String, _ value: JSONValue, at layer: LayerID = .cluster) -> EffectiveEntry {
        EffectiveEntry(section: section, name: name, value: value, origin: .init(layer: layer, revision: 7))
    }

    private static let section = EffectiveSection(
        name: .destinations,
        entries: [
            entry(.destinations, "default", ["tls": "preferred"]),
            entry(.destinations, "bank.example", ["nameCheck": "domain", "tls": "required-verify"], at: .group(GroupID(rawValue: "g-1"))),
            entry(.destinations, "own.example", ["tls": "none"], at: .machine(MembershipID(rawValue: "m-1"))),
        ])
    private static let change = SectionChange(
        name: .mailFlowPolicies, digest: digest(5), entries: [entry(.mailFlowPolicies, "accepted", ["tls": "required"])],
        removed: ["blocked", "relayed"])
    private static let chain = Array("-----BEGIN CERTIFICATE-----\n".utf8)
    private static let material = [
        Material(kind: .key, digest: digest(1), pem: Array("-----BEGIN PRIVATE KEY-----\n".utf8)),
        Material(kind: .chain, digest: Digest(hashing: chain), pem: chain),
    ]
    private static let proofs = [
        ServiceProof(service: "listener/public", served: digest(1)), ServiceProof(service: "https/data1", served: nil),
        ServiceProof(service: "delivery", served: nil, unprovable: "outbound"),
    ]
    private static let lost = LostCertificate(
        name: "web", subject: "CN=web", fingerprint: digest(1), notAfter: time, services: ["https/data1"])

    private static func join(isPreview: Bool) -> JoinRequest {
        JoinRequest(
            invitation: "invitation-1", secret: "s3cret", machine: "mx1", certificateRequest: [0x30, 0],
            network: [NetworkEntry(section: .interfaces, name: "data1", value: ["address": "192.0.2.1", "hostname": "mx1.example.com"])],
            loss: LossReport(certificates: [lost], settings: ["listeners": ["public"]], kept: ["interfaces/data1"], keysLeftBehind: [lost]),
            isPreview: isPreview, knowledge: knowledge)
    }

    static let ofMembers: [(String, MemberMessage)] = [
        (
            "hello",
            .hello(Hello(knowledge: knowledge, clock: time, running: digest(1), rejected: digest(4), seen: head))
        ),
        ("hello-first", .hello(Hello(knowledge: .unsaid, clock: time, running: nil))),
        ("receipt-applied", .receipt(Receipt(target: target, outcome: .applied(digest: digest(1), proofs: proofs), time: time))),
        ("receipt-rejected", .receipt(Receipt(target: target, outcome: .rejected(reasons: ["no", "and no"]), time: time))),
        ("join", .join(join(isPreview: false))), ("join-preview", .join(join(isPreview: true))),
        ("member-ping", .ping), ("member-pong", .pong),
    ]

    static let ofManagers: [(String, ManagerMessage)] = [
        ("welcome", .welcome(head, version: 1)), ("welcome-2", .welcome(head, version: 2)),
        (
            "update-delta",
            .update(
                Update(
                    target: target, head: head, base: digest(1), sections: [section], changes: [change], removed: [.delivery],
                    material: material))
        ),
        ("update-whole", .update(Update(target: target, head: head, base: nil, sections: [section], material: material))),
        ("ended", .ended(Ended(reason: "removed by an administrator", time: time))),
        ("refused", .refused(.duplicateMember, reason: "cloned")),
        (
            "joined",
            .joined(
                JoinAnswer(
                    membership: MembershipID(rawValue: "m-1"), clusterID: "c-1", cluster: "Example mail", group: "edge", certificate: "PEM",
                    trust: "PEM", managers: ["manager.example.com:8461"]))
        ),
        (
            "joined-preview",
            .joined(
                JoinAnswer(
                    membership: MembershipID(rawValue: ""), clusterID: "c-1", cluster: "Example mail", group: "edge", certificate: "",
                    trust: "PEM", managers: [], isPreview: true))
        ),
        ("manager-ping", .ping), ("manager-pong", .pong),
    ]
}
