import ClusterModel
import Replication

/// One entry of the simulated log.
struct SimulatedEntry {
    var id: Int
    var event: ClusterEvent
    var author: String
    var head: LogHead
}

extension ClusterState {
    /// Takes in the next entry, by the same fold as the real manager.
    mutating func fold(_ entry: SimulatedEntry) throws(Refusal) {
        try fold(entry.event, head: entry.head, time: Timestamp(seconds: Int64(entry.head.position)), author: entry.author)
    }

    /// The head as members are told of it.
    var sighting: Sighting { Sighting(epoch: epoch, head: head, seal: Sighting.none.seal) }

    /// Current memberships and groups, in a fixed order.
    var membershipIDs: [MembershipID] { memberships.keys.sorted() }
    var groupIDs: [GroupID] { groups.keys.sorted() }

    var endings: [MembershipID: Ended] { ended.mapValues { Ended(reason: $0.reason, time: $0.time) } }

    func targets() -> [MembershipID: MachineTarget] {
        configurations().mapValues { configuration in
            MachineTarget(
                target: Target(position: head.position, revision: revision, digest: configuration.digest), configuration: configuration)
        }
    }
}

extension ClusterCreated {
    /// The cluster of a simulation, with its first group.
    init(simulatedWith group: GroupID) {
        let nothing = Digest(hashing: [])
        self.init(
            clusterID: "simulated", cluster: "simulated", group: group, groupName: group.rawValue, manager: "m", authority: "ca 0",
            authorityKey: nothing, masterKey: "")
    }
}

/// The keys and chains of the simulated cluster.
struct SimulatedVault {
    private(set) var material: [Digest: Material] = [:]

    /// A certificate that is like no other, and its material.
    mutating func makeCertificate(_ number: Int) -> JSONValue {
        var facts = CertificateFacts()
        facts.fingerprint = Digest(hashing: Array("leaf \(number)".utf8))
        facts.subject = "CN=mail\(number).example.com"
        facts.issuer = facts.subject
        facts.serial = "\(number)"
        facts.signature = "ecdsa-with-SHA256"
        let key = Digest(hashing: Array("public key \(number)".utf8))
        let chain = Array("chain \(number)".utf8)
        material[key] = Material(kind: .key, digest: key, pem: Array("key \(number)".utf8))
        material[Digest(hashing: chain)] = Material(kind: .chain, digest: Digest(hashing: chain), pem: chain)
        return CertificateSetting(
            origin: .imported, key: KeyFacts(fingerprint: key, algorithm: "ecdsa-p256"), chain: [facts], chainBlob: Digest(hashing: chain)
        ).json
    }

    func load(_ needed: MaterialNeeded) -> [Material] {
        (needed.keys.sorted() + needed.chains.sorted()).compactMap { material[$0] }
    }
}

extension EffectiveConfiguration {
    /// Every section, entry and value: what must be equal, byte by byte, on both ends.
    var plain: JSONValue {
        var all: [String: JSONValue] = [:]
        for section in sections {
            let entries = section.entries.map { ($0.name, $0.value) }
            all[section.name.rawValue] = .object(Dictionary(entries) { first, _ in first })
        }
        return .object(all)
    }

    init(plain: JSONValue) {
        let sections = (plain.members ?? [:]).map { name, entries in
            let name = SectionName(rawValue: name)
            return EffectiveSection(
                name: name,
                entries: (entries.members ?? [:]).map {
                    EffectiveEntry(section: name, name: $0.key, value: $0.value, origin: .init(layer: .cluster, revision: 0))
                })
        }
        self.init(sections: sections)
    }
}

/// An entry that some gateways refuse whenever they meet it.
let poison = "poison.example"
