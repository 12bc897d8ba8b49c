package import ClusterModel

/// A committed change of settings.
package struct RevisionView: Hashable, Sendable, Codable {
    package var revision: Int
    package var author: String
    package var time: Timestamp
    package var comment: String
    /// `commit` or `rollback`.
    package var kind: String

    package init(revision: Int, author: String, time: Timestamp, comment: String, kind: String) {
        self.revision = revision
        self.author = author
        self.time = time
        self.comment = comment
        self.kind = kind
    }
}

/// Asks what differs in the settings of two revisions. Nil is the head: what holds now. 0 is the time before the first revision.
package struct DiffQuery: Hashable, Sendable {
    package var from: Int?
    package var to: Int?

    package init(from: Int?, to: Int?) {
        self.from = from
        self.to = to
    }
}

/// What differs in the settings of two revisions.
package struct DiffView: Hashable, Sendable, Codable {
    package var from: Int
    package var to: Int
    /// By level; only those that differ.
    package var levels: [LevelDiff]

    package init(from: Int, to: Int, levels: [LevelDiff]) {
        self.from = from
        self.to = to
        self.levels = levels
    }
}

/// What differs at one level.
package struct LevelDiff: Hashable, Sendable, Codable {
    package var level: Level
    /// Whether the level is there at `both` revisions, was `added` in between (a machine joined), or `removed`.
    package var presence: StateDifference.Presence
    /// What it was called at the first revision, when that is another name.
    @OrNull package var former: Level?
    /// The groups that the machine was in at the two revisions, when these are two.
    @OrNull package var movedFrom: String?
    @OrNull package var movedTo: String?
    package var changes: [EntryDiff]

    package init(
        level: Level, presence: StateDifference.Presence, former: Level? = nil, movedFrom: String? = nil, movedTo: String? = nil,
        changes: [EntryDiff]
    ) {
        (self.former, self.movedFrom, self.movedTo) = (former, movedFrom, movedTo)
        self.level = level
        self.presence = presence
        self.changes = changes
    }
}

/// What differs about one entry, or a section as a whole.
package struct EntryDiff: Hashable, Sendable, Codable {
    package var section: SectionName
    /// Null when it concerns the section as a whole.
    @OrNull package var entry: String?
    /// `set`, `hide`, `remove`, `isolate` or `inherit`.
    package var change: String
    /// The value at the first revision; null for none.
    package var before: JSONValue
    /// The value at the second.
    package var after: JSONValue

    package init(section: SectionName, entry: String?, change: String, before: JSONValue, after: JSONValue) {
        self.section = section
        self.entry = entry
        self.change = change
        self.before = before
        self.after = after
    }
}

/// Asks to bring the settings back to an earlier revision, as a new one.
package struct RollbackRequest: Hashable, Sendable, Codable {
    package var revision: Int
    package var comment: String
    /// Whether to say what would happen, only.
    package var preview: Bool

    package init(revision: Int, comment: String = "", preview: Bool = false) {
        self.revision = revision
        self.comment = comment
        self.preview = preview
    }
}
