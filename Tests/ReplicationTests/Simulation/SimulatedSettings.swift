import ClusterModel
import Replication

/// What one entry of the simulated log says.
enum SimulatedEvent {
    /// Sets an entry at a level, or takes it away.
    case set(LayerID, SectionName, String, JSONValue?)
    case removed(MembershipID)
    /// A machine joins a group and brings the address of its interface.
    case joined(MembershipID, machine: String, GroupID, network: JSONValue)
    /// The cluster goes on from an older backup.
    case recovered
}

struct SimulatedEntry {
    var id: Int
    var events: [SimulatedEvent]
    var head: LogHead
}

/// The cluster's settings as the simulated log tells them: a small stand-in for `ClusterState`.
struct SimulatedSettings {
    var cluster = Layer()
    var groups: [GroupID: Layer] = [:]
    var machines: [MembershipID: Layer] = [:]
    var ended: [MembershipID: Ended] = [:]
    var head = LogHead.empty
    var epoch = 0
    private(set) var groupOf: [MembershipID: GroupID] = [:]
    /// The machines' names; a name belongs to one membership at a time.
    private(set) var names: [MembershipID: String] = [:]

    /// The head as members are told of it.
    var sighting: Sighting { Sighting(epoch: epoch, head: head, seal: Sighting.none.seal) }

    /// Current memberships, in a fixed order.
    var memberships: [MembershipID] { machines.keys.sorted() }

    func membership(of machine: String) -> MembershipID? { memberships.first { names[$0] == machine } }

    mutating func fold(_ entry: SimulatedEntry) {
        head = entry.head
        for event in entry.events {
            switch event {
            case .set(let layer, let section, let name, let value):
                let said = value.map { LayerEntry(.set($0), revision: entry.head.position) }
                switch layer {
                case .cluster: cluster[section, name] = said
                case .group(let id): groups[id, default: Layer()][section, name] = said
                case .machine(let id): machines[id]?[section, name] = said
                }
            case .removed(let membership):
                machines[membership] = nil
                ended[membership] = Ended(reason: "removed", time: Timestamp(seconds: Int64(entry.head.position)))
            case .joined(let membership, let machine, let group, let network):
                var layer = Layer()
                layer[.interfaces, "data1"] = LayerEntry(.set(network), revision: 0)
                machines[membership] = layer
                groupOf[membership] = group
                names[membership] = machine
            case .recovered: epoch += 1
            }
        }
    }

    /// What would put back what an event is about to change; nil for what cannot be undone.
    func inverse(of event: SimulatedEvent) -> SimulatedEvent? {
        guard case .set(let layer, let section, let name, _) = event else { return nil }
        let said =
            switch layer {
            case .cluster: cluster[section, name]
            case .group(let id): groups[id]?[section, name]
            case .machine(let id): machines[id]?[section, name]
            }
        return .set(layer, section, name, said?.state.value)
    }

    func targets() -> [MembershipID: MachineTarget] {
        var inherited: [GroupID: InheritedSettings] = [:]
        var targets: [MembershipID: MachineTarget] = [:]
        for (membership, layer) in machines {
            guard let group = groupOf[membership] else { continue }
            let settings = inherited[group] ?? InheritedSettings(cluster: cluster, group: groups[group] ?? Layer(), groupID: group)
            inherited[group] = settings
            let configuration = settings.configuration(machine: layer, membership: membership)
            let target = Target(position: head.position, revision: head.position, digest: configuration.digest)
            targets[membership] = MachineTarget(target: target, configuration: configuration)
        }
        return targets
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
