/// An agent that would get what it does not understand.
package struct MachineLack: Hashable, Sendable {
    package var membership: Membership
    /// Where the entry is set.
    package var layer: LayerID
    package var lack: SettingLack
}

// Which machines' agents are too old for a change. Looks only at sections that some agent knows less of than this version, and in
// them only at entries that really use what is new: on a fleet that is up to date it costs a glance at each machine.
extension ClusterState {
    /// What machines get by this state, did not get by an earlier one, and cannot understand; at most so many.
    ///
    /// `older` is what a machine's agent knows, if that is not everything. What was too new for a machine before is not news: it
    /// stands in the way of nothing that does not make it worse.
    package func lacks(
        since before: ClusterState, limit: Int, kinds: (SectionName) -> Section? = Section.named, older: (Membership) -> AgentKnowledge?
    ) -> [MachineLack] {
        var found: [MachineLack] = []
        // Few versions of agents are about at a time.
        var inherited: [AgentKnowledge: [LayerID: [Suspect]]] = [:]
        for membership in memberships.values.sorted(by: { $0.machine < $1.machine }) {
            guard let agent = older(membership) else { continue }
            var wider = inherited[agent] ?? [:]
            for layer in levels(of: membership).dropFirst() where wider[layer] == nil {
                wider[layer] = suspects(in: layer, of: agent, kinds)
            }
            inherited[agent] = wider
            for layer in levels(of: membership) {
                for suspect in wider[layer] ?? suspects(in: layer, of: agent, kinds)
                where source(of: suspect.section, suspect.entry, for: membership) == layer {
                    let former = before.lacks(suspect.section, suspect.entry, of: membership.id, agent, kinds)
                    for lack in suspect.lacks where !former.contains(lack) {
                        found.append(MachineLack(membership: membership, layer: layer, lack: lack))
                    }
                    guard found.count < limit else { return Array(found.prefix(limit)) }
                }
            }
        }
        return found
    }

    /// An entry of a layer that an agent does not understand, should it get it.
    private struct Suspect {
        var section: SectionName
        var entry: String
        var lacks: [SettingLack]
    }

    private func suspects(in layer: LayerID, of agent: AgentKnowledge, _ kinds: (SectionName) -> Section?) -> [Suspect] {
        let sections = (self.layer(layer)?.sections ?? [:]).filter { agent.mayLack($0.key, kinds: kinds) }
        return sections.sorted { $0.key < $1.key }.flatMap { section, content in
            content.entries.sorted { $0.key < $1.key }.compactMap { name, entry in
                let lacks = entry.state.value.map { agent.lacks(section, name, $0, kinds: kinds) } ?? []
                return lacks.isEmpty ? nil : Suspect(section: section, entry: name, lacks: lacks)
            }
        }
    }

    private func lacks(
        _ section: SectionName, _ entry: String, of id: MembershipID, _ agent: AgentKnowledge, _ kinds: (SectionName) -> Section?
    ) -> [SettingLack] {
        guard let membership = memberships[id], let layer = source(of: section, entry, for: membership),
            let value = self.layer(layer)?[section, entry]?.state.value
        else { return [] }
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
