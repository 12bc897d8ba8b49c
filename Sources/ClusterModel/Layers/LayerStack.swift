/// An entry of whatever level, by section and name.
package struct EntryKey: Hashable, Sendable, Comparable {
    package var section: SectionName
    package var name: String

    package init(_ section: SectionName, _ name: String) {
        self.section = section
        self.name = name
    }

    package static func < (left: EntryKey, right: EntryKey) -> Bool { (left.section, left.name) < (right.section, right.name) }
}

/// The layers that a machine's settings come from: answers about single entries without bringing all of them together.
package struct LayerStack: Sendable {
    let own: Layer
    let group: Layer
    let cluster: Layer

    /// The level that an entry's value comes from; nil where the machine has no such entry.
    func kind(of key: EntryKey) -> Level.Kind? { found(key)?.kind }

    /// What the machine gets for an entry.
    func value(of key: EntryKey) -> JSONValue? { found(key)?.value }

    /// The names that any level has in a section, isolated or not.
    func names(in section: SectionName) -> Set<String> {
        Set(own[section].entries.keys).union(group[section].entries.keys).union(cluster[section].entries.keys)
    }

    /// Every entry that any level speaks of.
    var keys: Set<EntryKey> {
        let sections = Set(own.sections.keys).union(group.sections.keys).union(cluster.sections.keys)
        return Set(sections.flatMap { section in names(in: section).map { EntryKey(section, $0) } })
    }

    private func found(_ key: EntryKey) -> (kind: Level.Kind, value: JSONValue)? {
        for (kind, layer) in [(Level.Kind.machine, own), (.group, group), (.cluster, cluster)] {
            guard let section = layer.sections[key.section] else { continue }
            if let entry = section.entries[key.name] { return entry.state.value.map { (kind, $0) } }
            if section.isIsolated { return nil }
        }
        return nil
    }
}

/// What is different in a layer.
struct LayerChange: Sendable {
    var keys: Set<EntryKey> = []
    /// The sections in which anything is different.
    var sections: Set<SectionName> = []
    /// Those that are isolated now and were not, or the other way round: whatever is inherited in them may come or go.
    var toggled: Set<SectionName> = []

    var isEmpty: Bool { sections.isEmpty }

    init() {}

    /// What makes one layer of another. A section that both have in common costs nothing.
    init(from old: Layer, to new: Layer) {
        guard old != new else { return }
        for section in Set(old.sections.keys).union(new.sections.keys) {
            let (before, after) = (old[section], new[section])
            guard before != after else { continue }
            sections.insert(section)
            if before.isIsolated != after.isIsolated { toggled.insert(section) }
            for (name, entry) in after.entries where before.entries[name] != entry { keys.insert(EntryKey(section, name)) }
            for name in before.entries.keys where after.entries[name] == nil { keys.insert(EntryKey(section, name)) }
        }
    }

    func union(_ other: LayerChange) -> LayerChange {
        if other.isEmpty { return self }
        var result = self
        result.keys.formUnion(other.keys)
        result.sections.formUnion(other.sections)
        result.toggled.formUnion(other.toggled)
        return result
    }
}

// MARK: - Differences

/// What of one entry that a machine gets differs between two states.
package struct EntryDifference: Hashable, Sendable {
    package enum Kind: Hashable, Sendable { case added, changed, removed }

    package var key: EntryKey
    package var kind: Kind

    fileprivate init?(_ key: EntryKey, from old: JSONValue?, to new: JSONValue?) {
        self.key = key
        switch (old, new) {
        case (nil, nil): return nil
        case (nil, _?): kind = .added
        case (_?, nil): kind = .removed
        case (let old?, let new?):
            guard old != new else { return nil }
            kind = .changed
        }
    }
}

extension ClusterState {
    /// The machines that get something else than they did before, sorted by name, and what: found in the layers that changed, without
    /// bringing whole configurations together.
    package func differences(from before: ClusterState) -> [(machine: String, entries: [EntryDifference])] {
        let shared = LayerChange(from: before.layer(.cluster) ?? Layer(), to: layer(.cluster) ?? Layer())
        var changes: [GroupID: LayerChange] = [:]
        for group in groups.values {
            changes[group.id] = LayerChange(from: before.groups[group.id]?.layer ?? Layer(), to: group.layer).union(shared)
        }
        // What a machine without a word of its own in what changed gets: the same in all of a group.
        var inherited: [GroupID: [EntryDifference]] = [:]
        return memberships.values.compactMap { membership in
            let change = changes[membership.group] ?? LayerChange()
            guard let old = before.memberships[membership.id], old.group == membership.group else {
                return difference(of: membership, from: before, LayerChange(), all: true)
            }
            let own = LayerChange(from: old.layer, to: membership.layer)
            if own.isEmpty, change.isEmpty { return nil }
            guard own.isEmpty, change.sections.isDisjoint(with: membership.layer.sections.keys) else {
                return difference(of: membership, from: before, change.union(own), all: false)
            }
            let entries = inherited[membership.group] ?? difference(of: membership, from: before, change, all: false)?.entries ?? []
            inherited[membership.group] = entries
            return entries.isEmpty ? nil : (membership.machine, entries)
        }
        .sorted { $0.machine < $1.machine }
    }

    private func difference(
        of membership: Membership, from before: ClusterState, _ change: LayerChange, all: Bool
    ) -> (machine: String, entries: [EntryDifference])? {
        let (old, new) = (before.memberships[membership.id].map(before.stack) ?? LayerStack.empty, stack(of: membership))
        var keys = change.keys
        for section in change.toggled { keys.formUnion(old.names(in: section).union(new.names(in: section)).map { EntryKey(section, $0) }) }
        if all { keys = old.keys.union(new.keys) }
        let entries = keys.sorted().compactMap { EntryDifference($0, from: old.value(of: $0), to: new.value(of: $0)) }
        return entries.isEmpty ? nil : (membership.machine, entries)
    }

    private func stack(of membership: Membership) -> LayerStack {
        LayerStack(own: membership.layer, group: groups[membership.group]?.layer ?? Layer(), cluster: layer)
    }
}

extension LayerStack {
    fileprivate static let empty = LayerStack(own: Layer(), group: Layer(), cluster: Layer())
}
