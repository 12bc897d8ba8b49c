/// What somebody may do, and where: a role, in the whole cluster or limited to one group (mission C12).
///
/// A role that is limited holds at that group's level and at its machines'. The cluster's level can be seen with it, because what a machine
/// gets cannot be understood without; other groups and their machines cannot.
package struct Mandate: Hashable, Sendable {
    package var user: String
    package var role: Role
    /// The group that the role is limited to; nil for the whole cluster.
    package var group: GroupID?

    package init(user: String, role: Role, group: GroupID?) {
        self.user = user
        self.role = role
        self.group = group
    }

    /// Refuses what is not covered: something that takes a role, at one level, or at none for what concerns the whole cluster.
    package func check(_ needed: Role, at layer: LayerID?, in state: ClusterState) throws(Refusal) {
        guard role >= needed else {
            throw Refusal(.forbidden, "\(user) is \(role.rawValue), and this needs the role \(needed.rawValue).")
        }
        guard let group, !covers(needed, at: layer, in: state) else { return }
        let name = state.name(of: group) ?? group.rawValue
        let place = layer.flatMap(state.level).map { "This is at \($0)." } ?? "This concerns the whole cluster."
        throw Refusal(
            .forbidden,
            "\(user) is \(role.rawValue) in the group \(name) only: that holds at group/\(name) and at its machines, and the cluster's level can be seen. \(place)"
        )
    }

    private func covers(_ needed: Role, at layer: LayerID?, in state: ClusterState) -> Bool {
        guard let group else { return true }
        return switch layer {
        case nil: false
        case .cluster?: needed == .readOnly
        case .group(let id)?: id == group
        case .machine(let id)?: state.memberships[id]?.group == group
        }
    }
}

extension ClusterState {
    /// What a user may do; nil for nobody of this name.
    package func mandate(of user: String) -> Mandate? {
        users.byName[user].map { Mandate(user: $0.name, role: $0.role, group: $0.group) }
    }

    /// What of the cluster can be seen with a role that is limited to a group; all of it with one that is not.
    package func part(in group: GroupID?) -> ClusterState {
        guard let group else { return self }
        var part = self
        part.groups = groups.filter { $0.key == group }
        part.memberships = memberships.filter { $0.value.group == group }
        part.archives = archives.filter { $0.value.group == group }
        part.invitations = invitations.filter { $0.value.group == group }
        part.membershipOfName = membershipOfName.filter { part.memberships[$0.value] != nil }
        // Of its own: what was last found in the whole is of no use to a part, nor the other way round.
        part.memory = FindingsMemory()
        return part
    }
}
