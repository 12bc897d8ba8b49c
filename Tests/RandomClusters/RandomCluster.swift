package import ClusterModel
import SeededRandomness

/// A cluster that grows by events, at random and the same of the same seed: groups, machines, settings at every level, hidden and isolated.
package struct RandomCluster: Sendable {
    package private(set) var state = ClusterState()
    package var values: RandomValues
    private var position = 0
    private var identities = 0

    /// A cluster called `acme` with groups, machines and as many random edits.
    package init(seed: UInt64, groups: Int = 3, machines: Int = 4, edits: Int = 60) throws {
        values = RandomValues(random: SplitMix64(seed: seed))
        try create()
        for number in 1..<max(groups, 1) { try add(group: "g\(number)") }
        for number in 1...max(machines, 1) { try join("mx\(number)") }
        if edits > 0 { try commit(self.edits(edits)) }
    }

    /// Another manager's cluster of the same name, its machines joined likewise, and nothing set: every identity is another.
    package static func fresh(like state: ClusterState) throws -> RandomCluster {
        var twin = try RandomCluster(seed: 0, groups: 1, machines: 1, edits: 0)
        twin.state = ClusterState()
        twin.position = 0
        twin.identities = 1_000_000
        try twin.create()
        for group in state.groups.values.sorted(by: { $0.name < $1.name }) where group.name != "main" { try twin.add(group: group.name) }
        for membership in state.memberships.values.sorted(by: { $0.machine < $1.machine }) {
            try twin.join(membership.machine, group: state.groups[membership.group]?.name)
        }
        return twin
    }

    private mutating func create() throws {
        let authority = Digest(hashing: [1])
        try fold(
            .clusterCreated(
                ClusterCreated(
                    clusterID: identity(), cluster: "acme", group: GroupID(rawValue: identity()), groupName: "main", manager: "a1",
                    authority: "",
                    authorityKey: authority, masterKey: "m")))
    }

    private mutating func fold(_ event: ClusterEvent) throws {
        position += 1
        let head = LogHead(position: position, hash: Digest(hashing: position.description.utf8))
        try state.fold(event, head: head, time: Timestamp(seconds: 1_800_000_000), author: "ann")
    }

    private mutating func identity() -> String {
        identities += 1
        return "id-\(identities)"
    }

    package mutating func add(group: String) throws {
        try fold(.groupAdded(GroupAdded(group: GroupID(rawValue: identity()), name: group)))
    }

    /// A machine joins, a group by chance where none is named, and brings an interface along.
    package mutating func join(_ machine: String, group name: String? = nil) throws {
        let names = state.groups.values.map(\.name).sorted()
        let group = try state.layerGroup(name ?? values.random.pick(names))
        let invitation = identity()
        try fold(
            .invitationCreated(
                InvitationCreated(
                    id: invitation, secretHash: Digest(hashing: [2]), group: group.id, expires: Timestamp(seconds: 1_900_000_000))))
        let interface: JSONValue = ["hostname": .string("\(machine).example.com"), "address": "192.0.2.1"]
        try fold(
            .machineJoined(
                MachineJoined(
                    membership: MembershipID(rawValue: identity()), machine: machine, group: group.id, invitation: invitation,
                    identityKey: Digest(hashing: [3]), network: [NetworkEntry(section: .interfaces, name: "data1", value: interface)])))
    }

    package mutating func remove(_ machine: String) throws {
        let membership = try state.machine(machine)
        let loss = LossReport.removing(membership, configuration: state.configuration(of: membership))
        try fold(.machineRemoved(MachineRemoved(membership: membership.id, loss: loss)))
    }

    package mutating func commit(_ edits: [Edit], groups: [GroupAdded] = []) throws {
        try fold(
            .settingsCommitted(
                SettingsCommitted(changeSet: identity(), revision: state.revision + 1, comment: "", edits: edits, groups: groups)))
    }

    /// Edits of any kind at any level. They need not hold together.
    package mutating func edits(_ count: Int) -> [Edit] {
        (0..<count).compactMap { _ in edit() }
    }

    private mutating func edit() -> Edit? {
        let section = values.random.pick(Section.all)
        let layers: [LayerID] =
            [.cluster] + state.groups.keys.sorted().map(LayerID.group) + state.memberships.keys.sorted().map(LayerID.machine)
        let layer = values.random.pick(layers.filter { section.levels.contains($0.kind) })
        if values.random.chance(60) {
            return Edit(
                layer: layer, section: section.name, entry: nil, change: values.random.chance(500) ? .isolate : .inherit, basis: nil)
        }
        let name = values.name(in: section)
        let change: EntryChange? =
            switch values.random.between(0, 9) {
            case 0: .hide
            // A document names no section that is empty, and a machine brings its interface along when it joins.
            case 1, 2: section.isNetwork ? nil : .remove
            default: values.entry(of: section).map(EntryChange.set)
            }
        return change.map {
            Edit(layer: layer, section: section.name, entry: name, change: $0, basis: state.layer(layer)?[section.name, name]?.revision)
        }
    }
}

extension ClusterState {
    fileprivate func layerGroup(_ name: String) throws(Refusal) -> Group {
        guard let group = group(named: name) else { throw Refusal(.notFound, "There is no group \(name).") }
        return group
    }
}
