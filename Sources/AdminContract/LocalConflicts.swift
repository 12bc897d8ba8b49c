package import ClusterModel

/// An entry that was edited on a machine itself while it was disconnected: the machine's version and the cluster's (mission C7).
package struct LocalConflictView: Hashable, Sendable, Codable {
    package var section: SectionName
    package var name: String
    /// What was done on the machine: `set` or `remove`.
    package var change: String
    /// The machine's version; null when the entry was taken away there.
    package var local: JSONValue
    /// What the machine would get by what is committed now; null for no such entry.
    package var cluster: JSONValue
    /// The level that the cluster's version is from; null for none.
    @OrNull package var level: Level?
    /// Whether the cluster's version became another since the edit began.
    package var moved: Bool
    /// When the edit was made, by the machine's clock.
    package var time: Timestamp
    /// Whether the caller's uncommitted changes have an edit of this entry at the machine's level.
    package var uncommitted: Bool

    package init(
        section: SectionName, name: String, change: String, local: JSONValue, cluster: JSONValue, level: Level?, moved: Bool,
        time: Timestamp, uncommitted: Bool = false
    ) {
        self.section = section
        self.name = name
        self.change = change
        self.local = local
        self.cluster = cluster
        self.level = level
        self.moved = moved
        self.time = time
        self.uncommitted = uncommitted
    }
}

/// Picks entries among a machine's local conflicts.
package struct LocalConflictChoice: Hashable, Sendable, Codable {
    /// As `section/entry`; nil for every one.
    package var entries: [String]?

    package init(entries: [String]?) {
        self.entries = entries
    }
}
