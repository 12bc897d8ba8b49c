package import ClusterModel

/// One uncommitted change: what the level says now, and what it would say.
package struct ChangeView: Hashable, Sendable, Codable {
    package var level: Level
    package var section: SectionName
    /// Null when it concerns the section as a whole.
    @OrNull package var entry: String?
    /// `set`, `hide`, `remove`, `isolate` or `inherit`.
    package var change: String
    /// The committed value; null for none.
    package var before: JSONValue
    /// The value after a commit; null for none.
    package var after: JSONValue
    /// What others changed since the edit began; null when it can be committed.
    @OrNull package var conflict: ConflictView?
    /// The change set it belongs to, which makes a repeated commit harmless.
    package var changeSet: String

    package init(
        level: Level, section: SectionName, entry: String?, change: String, before: JSONValue, after: JSONValue,
        conflict: ConflictView? = nil, changeSet: String
    ) {
        self.level = level
        self.section = section
        self.entry = entry
        self.change = change
        self.before = before
        self.after = after
        self.conflict = conflict
        self.changeSet = changeSet
    }
}

/// What an edit did.
package struct EditSummary: Hashable, Sendable, Codable {
    /// The changes that these edits made; empty when everything was so already.
    package var changes: [ChangeView]
    /// How many uncommitted edits the caller has now.
    package var uncommitted: Int
    /// What people should know of them; left out when there is nothing to say.
    package var notices: [String]?

    package init(changes: [ChangeView], uncommitted: Int, notices: [String] = []) {
        self.changes = changes
        self.uncommitted = uncommitted
        self.notices = notices.isEmpty ? nil : notices
    }
}

/// Which uncommitted changes to drop: all, or those of a section, an entry, a level.
package struct DiscardQuery: Hashable, Sendable {
    package var level: Level?
    package var section: SectionName?
    /// ``SetEntry/wholeSection`` for what concerns the section as a whole.
    package var entry: String?

    package init(level: Level? = nil, section: SectionName? = nil, entry: String? = nil) {
        self.level = level
        self.section = section
        self.entry = entry
    }
}

package struct DiscardSummary: Hashable, Sendable, Codable {
    package var discarded: Int
    /// How many uncommitted edits are left.
    package var uncommitted: Int

    package init(discarded: Int, uncommitted: Int) {
        self.discarded = discarded
        self.uncommitted = uncommitted
    }
}

/// Asks to commit the caller's uncommitted changes.
package struct CommitRequest: Hashable, Sendable, Codable {
    package var comment: String
    /// The change set that is meant: refused when the caller's changes are another's by now, answered as before when it is committed.
    package var changeSet: String?

    package init(comment: String, changeSet: String? = nil) {
        self.comment = comment
        self.changeSet = changeSet
    }
}

/// What a commit did.
package struct CommitView: Hashable, Sendable, Codable {
    /// The new revision; null when there was nothing to commit.
    @OrNull package var revision: Int?
    /// The log's head after it.
    package var position: Int
    /// The machines whose effective configuration it changed.
    package var machines: [MachineImpact]
    /// Every machine of the cluster at that place of the log: all of them have to prove the commit, changed or not.
    package var roster: [String]
    package var notices: [String]
    /// For a rollback: what is not as it was at that revision.
    package var leftOut: [Rollback.LeftOut]?

    package init(
        revision: Int?, position: Int, machines: [MachineImpact], roster: [String] = [], notices: [String] = [],
        leftOut: [Rollback.LeftOut]? = nil
    ) {
        self.revision = revision
        self.position = position
        self.machines = machines
        self.roster = roster
        self.notices = notices
        self.leftOut = leftOut
    }
}

/// What changes for one machine.
package struct MachineImpact: Hashable, Sendable, Codable {
    package var machine: String
    package var changes: [EntryImpact]
    /// The services that will serve another certificate.
    package var services: [ServiceImpact]

    package init(machine: String, changes: [EntryImpact], services: [ServiceImpact] = []) {
        self.machine = machine
        self.changes = changes
        self.services = services
    }
}

/// What changes about one entry of an effective configuration.
package struct EntryImpact: Hashable, Sendable, Codable {
    package var section: SectionName
    package var name: String
    package var change: Kind

    package enum Kind: String, Hashable, Sendable, Codable {
        case added
        case changed
        case removed
    }

    package init(section: SectionName, name: String, change: Kind) {
        self.section = section
        self.name = name
        self.change = change
    }
}

/// Asks to take a cluster document in.
package struct ApplyRequest: Hashable, Sendable, Codable {
    /// The document in its JSON form, files beside it read in.
    package var document: JSONValue
    /// Whether to say what would happen, only.
    package var dryRun: Bool
    /// Whether to commit at once; else the document's changes wait with the caller's others.
    package var commit: Bool
    package var comment: String

    package init(document: JSONValue, dryRun: Bool = false, commit: Bool = false, comment: String = "") {
        self.document = document
        self.dryRun = dryRun
        self.commit = commit
        self.comment = comment
    }
}

/// Asks for everything that is committed, as a cluster document.
package struct SaveRequest: Hashable, Sendable, Codable, CustomStringConvertible {
    /// What private keys are to be sealed under; null leaves them out.
    @OrNull package var password: String?

    package init(password: String? = nil) {
        self.password = password
    }

    package var description: String { password == nil ? "masked" : "with keys, under <redacted>" }
}

/// A cluster document.
package struct SavedDocument: Hashable, Sendable, Codable {
    /// The revision whose settings it has.
    package var revision: Int
    /// The document in its JSON form. Deterministic but for what is sealed.
    package var document: JSONValue
    /// How many private keys are sealed inside.
    package var keys: Int

    package init(revision: Int, document: JSONValue, keys: Int) {
        self.revision = revision
        self.document = document
        self.keys = keys
    }
}

/// What a document changes.
package struct ApplyView: Hashable, Sendable, Codable {
    package var changes: [ChangeView]
    /// Groups that the document lists and the cluster lacks.
    package var groups: [String]
    /// The machines whose effective configuration it changes.
    package var machines: [MachineImpact]
    package var notices: [String]
    /// What the commit did; null when none was asked for, or this is a dry run.
    @OrNull package var commit: CommitView?

    package init(
        changes: [ChangeView], groups: [String] = [], machines: [MachineImpact], notices: [String] = [], commit: CommitView? = nil
    ) {
        self.changes = changes
        self.groups = groups
        self.machines = machines
        self.notices = notices
        self.commit = commit
    }
}

/// A part of a long list.
package struct Page: Hashable, Sendable {
    /// The number after which the list goes on: a log position, or a revision (then the list goes down from it). Nil begins it.
    package var after: Int?
    package var limit: Int

    package static let standardLimit = 1000

    package init(after: Int? = nil, limit: Int = Page.standardLimit) {
        self.after = after
        self.limit = limit
    }
}

/// An entry of the log.
package struct AuditView: Hashable, Sendable, Codable {
    package var position: Int
    package var time: Timestamp
    package var author: String
    /// The event's kind: `machine-joined`.
    package var kind: String
    /// One line for people. No secrets.
    package var summary: String
    /// SHA-256 of the entry's stored bytes.
    package var hash: Digest

    package init(position: Int, time: Timestamp, author: String, kind: String, summary: String, hash: Digest) {
        self.position = position
        self.time = time
        self.author = author
        self.kind = kind
        self.summary = summary
        self.hash = hash
    }
}

/// Whether the log is what was written.
package struct AuditVerification: Hashable, Sendable, Codable {
    package var intact: Bool
    /// The last position that was verified.
    package var position: Int
    package var hash: Digest
    /// Where and how the log is not what was written; null when it is.
    @OrNull package var problem: String?

    package init(intact: Bool, position: Int, hash: Digest, problem: String? = nil) {
        self.intact = intact
        self.position = position
        self.hash = hash
        self.problem = problem
    }
}
