/// An agent that would get what it does not understand.
package struct MachineLack: Hashable, Sendable {
    package var membership: Membership
    /// Where the entry is set.
    package var layer: LayerID
    package var lack: SettingLack
}

// Which machines' agents are too old for a change.
//
// Looks only at sections that some agent knows less of than this version, and there only at what is different from before: what
// machines of a group inherit is worked out once for each version of agents, and a machine's own layer only if it has a say. A fleet
// that is up to date costs a glance at each machine.
extension ClusterState {
    /// What machines get by this state, did not get by an earlier one, and cannot understand; at most so many, by machine.
    ///
    /// `older` is what a machine's agent knows, if that is not everything. What was too new for a machine before is not news: it
    /// stands in the way of nothing that does not make it worse.
    package func lacks(
        since before: ClusterState, limit: Int, kinds: (SectionName) -> Section? = Section.named, older: (Membership) -> AgentKnowledge?
    ) -> [MachineLack] {
        let machines = memberships.values.compactMap { membership in older(membership).map { (membership, $0) } }
        var inheritances: [Inheritance.Key: Inheritance] = [:]
        var found: [MachineLack] = []
        for (membership, agent) in machines.sorted(by: { $0.0.machine < $1.0.machine }) {
            let key = Inheritance.Key(agent: agent, group: membership.group)
            let inherited = inheritances[key] ?? Inheritance(key, in: self, since: before, kinds)
            inheritances[key] = inherited
            for suspect in suspects(of: membership, inherited, since: before, kinds).sorted(by: { $0.name < $1.name }) {
                found += suspect.lacks.map { MachineLack(membership: membership, layer: suspect.layer, lack: $0) }
            }
            if found.count >= limit { return Array(found.prefix(limit)) }
        }
        return found
    }

    /// What is new for one machine and not understood by its agent.
    private func suspects(
        of membership: Membership, _ inherited: Inheritance, since before: ClusterState, _ kinds: (SectionName) -> Section?
    ) -> [Suspect] {
        let agent = inherited.key.agent
        let former = before.memberships[membership.id]
        let names = Set(inherited.all.keys).union(membership.layer.sections.keys).filter { agent.mayLack($0, kinds: kinds) }
        return names.flatMap { name -> [Suspect] in
            let own = membership.layer.sections[name] ?? SectionLayer()
            func reaches(_ suspect: Suspect) -> Bool { !own.isIsolated && own.entries[suspect.entry] == nil }
            // Most machines say nothing about it, and did not before.
            if let former, former.group == membership.group, (former.layer.sections[name] ?? SectionLayer()) == own {
                return (inherited.new[name] ?? []).filter(reaches)
            }
            let all = (inherited.all[name] ?? []).filter(reaches) + own.suspects(in: name, at: .machine(membership.id), of: agent, kinds)
            return all.compactMap { suspect in
                suspect.without(former.map { before.lacks(name, suspect.entry, of: $0, agent, kinds) } ?? [])
            }
        }
    }

    private func lacks(
        _ section: SectionName, _ entry: String, of membership: Membership, _ agent: AgentKnowledge, _ kinds: (SectionName) -> Section?
    ) -> [SettingLack] {
        guard let layer = source(of: section, entry, for: membership), let value = self.layer(layer)?[section, entry]?.state.value else {
            return []
        }
        return agent.lacks(section, entry, value, kinds: kinds)
    }

    /// The level from which a machine gets an entry; nil when it does not get it.
    package func source(of section: SectionName, _ entry: String, for membership: Membership) -> LayerID? {
        for id in levels(of: membership) {
            guard let content = layer(id)?.sections[section] else { continue }
            if let word = content.entries[entry] { return word.state == .hidden ? nil : id }
            if content.isIsolated { return nil }
        }
        return nil
    }
}

/// An entry that an agent does not understand, should it get it.
private struct Suspect {
    var section: SectionName
    var entry: String
    var layer: LayerID
    var lacks: [SettingLack]

    var name: String { "\(section)/\(entry)" }

    /// What is left without lacks that there were before; nil for nothing.
    func without(_ former: [SettingLack]) -> Suspect? {
        var rest = self
        rest.lacks.removeAll(where: former.contains)
        return rest.lacks.isEmpty ? nil : rest
    }
}

extension SectionLayer {
    fileprivate func suspects(
        in section: SectionName, at layer: LayerID, of agent: AgentKnowledge, _ kinds: (SectionName) -> Section?
    ) -> [Suspect] {
        entries.compactMap { name, entry in
            let lacks = entry.state.value.map { agent.lacks(section, name, $0, kinds: kinds) } ?? []
            return lacks.isEmpty ? nil : Suspect(section: section, entry: name, layer: layer, lacks: lacks)
        }
    }
}

/// What machines of one group inherit and agents of one version do not understand.
private struct Inheritance {
    struct Key: Hashable {
        var agent: AgentKnowledge
        var group: GroupID
    }

    var key: Key
    var all: [SectionName: [Suspect]]
    /// Only what they did not inherit before.
    var new: [SectionName: [Suspect]]

    init(_ key: Key, in state: ClusterState, since before: ClusterState, _ kinds: (SectionName) -> Section?) {
        self.key = key
        all = Inheritance.suspects(key, in: state, kinds)
        new = all
        let former = all.isEmpty ? [:] : Inheritance.suspects(key, in: before, kinds)
        for (section, suspects) in former {
            let known = Dictionary(suspects.map { ($0.entry, $0.lacks) }) { one, _ in one }
            new[section] = new[section]?.compactMap { $0.without(known[$0.entry] ?? []) }
        }
    }

    private static func suspects(_ key: Key, in state: ClusterState, _ kinds: (SectionName) -> Section?) -> [SectionName: [Suspect]] {
        let group = state.groups[key.group]?.layer ?? Layer()
        var found: [SectionName: [Suspect]] = [:]
        for name in Set(state.layer.sections.keys).union(group.sections.keys) where key.agent.mayLack(name, kinds: kinds) {
            let nearer = group[name]
            let wider = nearer.isIsolated ? [] : state.layer[name].suspects(in: name, at: .cluster, of: key.agent, kinds)
            found[name] =
                wider.filter { nearer.entries[$0.entry] == nil } + nearer.suspects(in: name, at: .group(key.group), of: key.agent, kinds)
        }
        return found
    }
}
