package import ClusterModel

/// Asks for a consistency check (mission C10).
package struct ConsistencyRequest: Hashable, Sendable, Codable {
    /// The machine that is meant; every machine when it is missing.
    package var machine: String?

    package init(machine: String? = nil) {
        self.machine = machine
    }
}

/// What one machine really holds against what the cluster holds for it.
package struct ConsistencyView: Hashable, Sendable, Codable {
    package enum Outcome: String, Hashable, Sendable, Codable, CaseIterable {
        case agrees
        case differs
        /// Nothing is known of what it holds; the reason is said.
        case notCompared = "not-compared"
    }

    package var machine: String
    package var outcome: Outcome
    /// Why it was not compared, or not in everything; null when it was.
    @OrNull package var reason: String?
    /// The first ``Limits/differences`` of them.
    package var differences: [DifferenceView]
    /// How many there are more.
    package var moreDifferences: Int

    package init(
        machine: String, outcome: Outcome, reason: String? = nil, differences: [DifferenceView] = [], moreDifferences: Int = 0
    ) {
        self.machine = machine
        self.outcome = outcome
        self.differences = differences
        self.moreDifferences = moreDifferences
        self.reason = reason
    }
}

/// One thing in which a machine is not as the cluster means it.
package struct DifferenceView: Hashable, Sendable, Codable {
    /// Which of the things that are compared with the cluster's word differs: `store`, `gateway` or `service`.
    package var place: ConsistencyDifference.Place
    /// `changed`, `missing`, `extra` or `unreadable`.
    package var kind: ConsistencyDifference.Kind
    /// What was looked at: an entry, a file, a service.
    package var subject: String
    /// The entries that it concerns, as `section/entry`.
    package var entries: [String]
    package var text: String
    /// What the cluster has, and what the machine has, cut short and only the fields that differ; null where there is no value or it is
    /// not known.
    @OrNull package var cluster: String?
    @OrNull package var stored: String?
    /// The commands that put it right, one for each direction.
    package var cures: [String]

    package init(
        place: ConsistencyDifference.Place, kind: ConsistencyDifference.Kind, subject: String, entries: [String], text: String,
        cluster: String? = nil, stored: String? = nil, cures: [String]
    ) {
        self.place = place
        self.kind = kind
        self.subject = subject
        self.entries = entries
        self.text = text
        self.cures = cures
        self.cluster = cluster
        self.stored = stored
    }
}

/// Asks that a machine's differences be put right in one direction.
package struct RepairRequest: Hashable, Sendable, Codable {
    package enum Kept: String, Hashable, Sendable, Codable, CaseIterable {
        /// The machine lays out anew what the cluster holds for it.
        case cluster
        /// What the machine has becomes uncommitted changes of the caller at the machine's level.
        case machine
    }

    package var keep: Kept

    package init(keep: Kept) {
        self.keep = keep
    }
}

/// What a repair came to.
package struct RepairView: Hashable, Sendable, Codable {
    package enum Outcome: String, Hashable, Sendable, Codable, CaseIterable {
        /// The machine applied everything anew.
        case applied
        /// The machine refused; what it served before is in force.
        case rejected
        /// The machine was sent everything and said nothing in time.
        case unanswered
        /// What it has waits in the caller's uncommitted changes.
        case taken
        /// There was nothing to take, or nothing that could be.
        case nothing
    }

    package var machine: String
    package var outcome: Outcome
    /// Why it was rejected; or why entries could not be taken, one sentence each.
    package var reasons: [String]
    /// What now waits to be committed.
    package var changes: [ChangeView]
    /// How the machine stands afterwards; null where that is not asked.
    @OrNull package var check: ConsistencyView?

    package init(
        machine: String, outcome: Outcome, reasons: [String] = [], changes: [ChangeView] = [], check: ConsistencyView? = nil
    ) {
        self.machine = machine
        self.outcome = outcome
        self.reasons = reasons
        self.changes = changes
        self.check = check
    }
}
