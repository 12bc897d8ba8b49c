/// One thing that one layer says otherwise than another.
package struct LayerDifference: Hashable, Sendable {
    package var section: SectionName
    /// Nil for a section as a whole: whether it is inherited.
    package var entry: String?
    /// What makes the other layer's word of this one's.
    package var change: EntryChange
    /// What this layer says; nil for nothing, and for a section as a whole.
    package var before: EntryState?
}

extension Layer {
    /// What makes another layer of this one, by section and entry. Revisions do not count, only what is said.
    package func differences(to other: Layer) -> [LayerDifference] {
        Set(sections.keys).union(other.sections.keys).sorted().flatMap { section -> [LayerDifference] in
            let (old, new) = (self[section], other[section])
            var found: [LayerDifference] = []
            if old.isIsolated != new.isIsolated {
                found.append(LayerDifference(section: section, entry: nil, change: new.isIsolated ? .isolate : .inherit))
            }
            for entry in Set(old.entries.keys).union(new.entries.keys).sorted() {
                let (before, after) = (old.entries[entry]?.state, new.entries[entry]?.state)
                guard before != after else { continue }
                let change: EntryChange =
                    switch after {
                    case .set(let value)?: .set(value)
                    case .hidden?: .hide
                    case nil: .remove
                    }
                found.append(LayerDifference(section: section, entry: entry, change: change, before: before))
            }
            return found
        }
    }
}

/// What differs in the settings of two states of one cluster, level by level. Levels are compared by identity, not by name.
package struct StateDifference: Sendable {
    /// One level whose settings differ, or that only one of the states has.
    package struct AtLevel: Sendable {
        package var id: LayerID
        package var level: Level
        package var presence: Presence
        package var differences: [LayerDifference]
        /// What it was called in the first state, when that is another name.
        package var former: Level?
        /// The groups that the machine was in, when these are two.
        package var move: Move?
    }

    package struct Move: Hashable, Sendable {
        package var from: String
        package var to: String
    }

    package enum Presence: String, Hashable, Sendable, Codable {
        case both
        /// The machine joined, or the group was added.
        case added
        /// The machine was removed, or the group was deleted.
        case removed
    }

    /// Sorted by level; of two memberships of one name, the one that ended first.
    package private(set) var levels: [AtLevel] = []

    package init(from before: ClusterState, to after: ClusterState) {
        for id in Set(before.layerIDs).union(after.layerIDs) {
            let (old, new) = (before.layer(id), after.layer(id))
            guard let level = after.level(of: id) ?? before.level(of: id) else { continue }
            let presence: Presence = old == nil ? .added : new == nil ? .removed : .both
            var difference = AtLevel(
                id: id, level: level, presence: presence, differences: (old ?? Layer()).differences(to: new ?? Layer()))
            if let former = before.level(of: id), former != level { difference.former = former }
            difference.move = Move(of: id, from: before, to: after)
            guard difference.isOne else { continue }
            levels.append(difference)
        }
        levels.sort { ($0.level, $0.presence == .removed ? 0 : 1, $0.id) < ($1.level, $1.presence == .removed ? 0 : 1, $1.id) }
    }
}

extension StateDifference.AtLevel {
    fileprivate var isOne: Bool { presence != .both || !differences.isEmpty || former != nil || move != nil }
}

extension StateDifference.Move {
    /// Nil for a level that is no machine's, and for a machine that stayed where it was.
    fileprivate init?(of id: LayerID, from before: ClusterState, to after: ClusterState) {
        guard case .machine(let membership) = id, let old = before.memberships[membership], let new = after.memberships[membership],
            old.group != new.group, let from = before.groups[old.group]?.name, let to = after.groups[new.group]?.name
        else { return nil }
        self.init(from: from, to: to)
    }
}

extension ClusterState {
    /// Every level that holds settings now.
    package var layerIDs: [LayerID] {
        [.cluster] + groups.keys.map(LayerID.group) + memberships.keys.map(LayerID.machine)
    }
}
