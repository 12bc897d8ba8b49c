/// What brings the settings of a cluster back to an earlier revision, and what it cannot bring back (mission B5).
///
/// The cluster's, the groups' and the machines' layers become what they were; a machine keeps its network settings, because they
/// belong to the machine and not to the cluster's history. A membership's layer ends with it and stays gone. A machine that was not
/// there yet keeps its own layer: the earlier revision has no word on it. Which group a machine is in, and what things are called, is
/// as it is today: that is no setting.
package struct Rollback: Sendable {
    package private(set) var edits: [Edit] = []
    /// Sorted by level.
    package private(set) var leftOut: [LeftOut] = []

    /// What is not as it was at that revision, and why.
    package struct LeftOut: Hashable, Sendable, Codable {
        package var level: Level
        package var reason: Reason
        /// `section/entry`, sorted.
        package var entries: [String]

        package init(level: Level, reason: Reason, entries: [String]) {
            self.level = level
            self.reason = reason
            self.entries = entries
        }

        package enum Reason: String, Hashable, Sendable, Codable {
            /// The machine was removed; what was set for it then is gone with its membership.
            case ended
            /// The group was deleted since.
            case groupGone = "group-gone"
            /// The machine is in another group than then; it stays there. The entry is the group of then.
            case moved
            /// The machine joined later; what is set for it now stays.
            case joinedLater = "joined-later"
            /// Network settings that are others than then; they stay.
            case network
        }
    }

    package init(to earlier: ClusterState, from now: ClusterState) {
        bring(.cluster, .cluster, to: earlier.layer, from: now.layer)
        for group in now.groups.values.sorted(by: { $0.name < $1.name }) {
            bring(.group(group.id), .group(group.name), to: earlier.groups[group.id]?.layer ?? Layer(), from: group.layer)
        }
        for group in earlier.groups.values where now.groups[group.id] == nil {
            leave(.group(group.name), .groupGone, group.layer, evenIfEmpty: true)
        }
        for membership in now.memberships.values.sorted(by: { $0.machine < $1.machine }) {
            let level = Level.machine(membership.machine)
            if let then = earlier.memberships[membership.id] {
                bring(.machine(membership.id), level, to: then.layer, from: membership.layer)
                if then.group != membership.group {
                    let group = now.name(of: then.group) ?? then.group.rawValue
                    leftOut.append(LeftOut(level: level, reason: .moved, entries: [Level.group(group).description]))
                }
            } else {
                leave(level, .joinedLater, membership.layer)
            }
        }
        for membership in earlier.memberships.values where now.memberships[membership.id] == nil {
            leave(.machine(membership.machine), .ended, membership.layer)
        }
        leftOut.sort { ($0.level, $0.reason.rawValue) < ($1.level, $1.reason.rawValue) }
        for index in edits.indices { edits[index].basis = now.basis(of: edits[index].subject) }
    }

    private mutating func bring(_ id: LayerID, _ level: Level, to then: Layer, from now: Layer) {
        var network: [String] = []
        for difference in now.differences(to: then) {
            if Section.named(difference.section)?.isNetwork == true {
                network.append(difference.path)
            } else {
                edits.append(
                    Edit(layer: id, section: difference.section, entry: difference.entry, change: difference.change, basis: nil))
            }
        }
        if !network.isEmpty { leftOut.append(LeftOut(level: level, reason: .network, entries: network.sorted())) }
    }

    private mutating func leave(_ level: Level, _ reason: LeftOut.Reason, _ layer: Layer, evenIfEmpty: Bool = false) {
        let own = Layer().differences(to: layer).filter { Section.named($0.section)?.isNetwork != true }
        guard evenIfEmpty || !own.isEmpty else { return }
        leftOut.append(LeftOut(level: level, reason: reason, entries: own.map(\.path).sorted()))
    }
}

extension LayerDifference {
    /// `section/entry`, or the section alone.
    package var path: String { entry.map { "\(section)/\($0)" } ?? section.rawValue }
}
