/// What people and services ask of a cluster's state.
extension ClusterState {
    /// The lasting identity of a level that people name.
    package func layerID(of level: Level) throws(Refusal) -> LayerID {
        switch level {
        case .cluster: return .cluster
        case .group(let name):
            return .group(try group(name).id)
        case .machine(let name): return .machine(try machine(name).id)
        }
    }

    /// A group, or a refusal that lists them.
    package func group(_ name: String) throws(Refusal) -> Group {
        guard let group = group(named: name) else {
            let names = groups.values.map(\.name).sorted().joined(separator: ", ")
            throw Refusal(.notFound, "There is no group \"\(name.prefix(Limits.nameLength))\". The groups are \(names).")
        }
        return group
    }

    /// The level's name today; nil for a layer that ended.
    package func level(of id: LayerID) -> Level? {
        switch id {
        case .cluster: .cluster
        case .group(let group): groups[group].map { .group($0.name) }
        case .machine(let membership): memberships[membership].map { .machine($0.machine) }
        }
    }

    /// Why a level is no more, and whose it was.
    package func ending(of id: LayerID) -> String {
        switch id {
        case .cluster: "the cluster is another"
        case .group(let group): endedGroups[group].map { "group \($0.name) was deleted" } ?? "the group was deleted"
        case .machine(let membership): ended[membership].map { "machine \($0.machine) was removed" } ?? "the machine was removed"
        }
    }

    /// A revision's place in the log; for 0, that of the last entry before the first revision.
    package func position(of revision: Int) throws(Refusal) -> Int {
        guard (0...self.revision).contains(revision) else {
            let known = self.revision == 0 ? "nothing has been committed yet" : "the newest is \(self.revision)"
            throw Refusal(.notFound, "There is no revision \(revision): \(known). List them with: muster history")
        }
        if revision > 0 { return history[revision - 1].position }
        return history.first.map { $0.position - 1 } ?? head.position
    }

    /// The current membership of a machine, or a refusal that says how to list them.
    package func machine(_ name: String) throws(Refusal) -> Membership {
        guard let membership = membership(named: name) else {
            throw Refusal(
                .notFound, "There is no machine \"\(name.prefix(Limits.nameLength))\" in the cluster. List them with: muster machine list")
        }
        return membership
    }

    /// The levels that a machine's settings come from, the nearest first.
    package func levels(of membership: Membership) -> [LayerID] {
        [.machine(membership.id), .group(membership.group), .cluster]
    }

    /// What every machine gets. Machines of a group share what they inherit.
    package func configurations() -> [MembershipID: EffectiveConfiguration] {
        var inherited: [GroupID: InheritedSettings] = [:]
        var result: [MembershipID: EffectiveConfiguration] = [:]
        result.reserveCapacity(memberships.count)
        for membership in memberships.values {
            let settings = inherited[membership.group] ?? inheritedSettings(of: membership.group)
            inherited[membership.group] = settings
            result[membership.id] = settings.configuration(machine: membership.layer, membership: membership.id)
        }
        return result
    }

    /// What one machine gets.
    package func configuration(of membership: Membership) -> EffectiveConfiguration {
        inheritedSettings(of: membership.group).configuration(machine: membership.layer, membership: membership.id)
    }

    package func inheritedSettings(of group: GroupID) -> InheritedSettings {
        InheritedSettings(cluster: layer, group: groups[group]?.layer ?? Layer(), groupID: group)
    }

    /// What stands against this state, machine by machine, in a fixed order: ``EffectiveConfiguration/findings()`` of every machine.
    ///
    /// What was found in an earlier state is kept, and only what changed since is looked at again.
    package func findings() -> [(machine: String, finding: ConfigurationFinding)] { memory.findings(of: self) }
}
