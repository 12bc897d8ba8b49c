/// Settings of the cluster and of one group, already brought together: what a machine without a layer of its own would get.
///
/// Machines of the group share these sections, so that each is digested and encoded once.
package struct InheritedSettings: Sendable {
    fileprivate var sections: [SectionName: [String: Resolution]]
    fileprivate var effective: [SectionName: EffectiveSection]

    package init(cluster: Layer, group: Layer, groupID: GroupID) {
        sections = [:]
        for (name, content) in cluster.sections {
            sections[name] = Resolution.descend(from: [:], into: content, at: .cluster)
        }
        for (name, content) in group.sections {
            sections[name] = Resolution.descend(from: sections[name] ?? [:], into: content, at: .group(groupID))
        }
        effective = [:]
        for (name, entries) in sections {
            effective[name] = Resolution.section(name, entries)
        }
    }

    /// What a machine with this layer gets.
    package func configuration(machine: Layer, membership: MembershipID) -> EffectiveConfiguration {
        var result = effective
        for (name, content) in machine.sections { result[name] = section(name, under: content, at: .machine(membership)) }
        return EffectiveConfiguration(sections: Array(result.values))
    }

    /// A section with a machine's own word over it. What is inherited is taken as it is, digests and all: it is the most of it.
    private func section(_ name: SectionName, under content: SectionLayer, at id: LayerID) -> EffectiveSection {
        let wider = content.isIsolated ? [] : effective[name]?.entries ?? []
        var own = content.entries.compactMap { entry, stored in
            stored.state.value.map { value in
                let above = sections[name]?[entry].map { [$0.origin] + $0.shadows } ?? []
                return EffectiveEntry(
                    section: name, name: entry, value: value, origin: .init(layer: id, revision: stored.revision), shadows: above)
            }
        }
        own.sort { $0.name.utf8.lexicographicallyPrecedes($1.name.utf8) }
        var entries: [EffectiveEntry] = []
        entries.reserveCapacity(wider.count + own.count)
        var next = own[...]
        for entry in wider where content.entries[entry.name] == nil {
            while let first = next.first, first.name.utf8.lexicographicallyPrecedes(entry.name.utf8) { entries.append(next.removeFirst()) }
            entries.append(entry)
        }
        return EffectiveSection(name: name, sorted: entries + next)
    }
}

/// What one machine gets: the nearest level wins, entry by entry (mission A2).
package func resolve(
    cluster: Layer, group: Layer, groupID: GroupID, machine: Layer, membership: MembershipID
) -> EffectiveConfiguration {
    InheritedSettings(cluster: cluster, group: group, groupID: groupID).configuration(machine: machine, membership: membership)
}

/// One entry on its way down the levels.
private struct Resolution {
    var state: EntryState
    var origin: EffectiveEntry.Origin
    var shadows: [EffectiveEntry.Origin]

    static func descend(from wider: [String: Resolution], into layer: SectionLayer, at id: LayerID) -> [String: Resolution] {
        var result = layer.isIsolated ? [:] : wider
        for (name, entry) in layer.entries {
            let above = wider[name].map { [$0.origin] + $0.shadows } ?? []
            result[name] = Resolution(
                state: entry.state, origin: .init(layer: id, revision: entry.revision), shadows: above)
        }
        return result
    }

    static func section(_ name: SectionName, _ entries: [String: Resolution]) -> EffectiveSection {
        EffectiveSection(
            name: name,
            entries: entries.compactMap { entry, resolution in
                resolution.state.value.map {
                    EffectiveEntry(section: name, name: entry, value: $0, origin: resolution.origin, shadows: resolution.shadows)
                }
            })
    }
}
