package import ClusterModel

/// What others made of an entry since the caller's edit of it began (mission B4).
package struct ConflictView: Hashable, Sendable, Codable {
    /// What they did: `set`, `hide`, `remove`, `isolate` or `inherit`.
    package var change: String
    /// The value that they set; null for none.
    package var theirs: JSONValue
    /// The value that the caller's edit builds on; null for none, and when it was not set by a revision.
    package var base: JSONValue
    /// The revision that did it; null when none did.
    @OrNull package var revision: Int?
    @OrNull package var author: String?
    @OrNull package var time: Timestamp?
    /// One sentence of this for people.
    package var text: String

    package init(
        change: String, theirs: JSONValue, base: JSONValue, revision: Int?, author: String?, time: Timestamp?, text: String
    ) {
        self.change = change
        self.theirs = theirs
        self.base = base
        self.revision = revision
        self.author = author
        self.time = time
        self.text = text
    }
}

/// Asks to keep the caller's edits over what others committed: those of a section, an entry, a level.
package struct KeepRequest: Hashable, Sendable, Codable {
    package var level: Level?
    package var section: SectionName
    /// Nil for every entry; ``SetEntry/wholeSection`` for the section as a whole.
    package var entry: String?

    package init(level: Level? = nil, section: SectionName, entry: String? = nil) {
        self.level = level
        self.section = section
        self.entry = entry
    }
}

/// What committing the caller's changes would do.
package struct ChangesPreview: Hashable, Sendable, Codable {
    /// The machines whose effective configuration it would change.
    package var machines: [MachineImpact]
    package var notices: [String]
    /// Why a commit would be refused now, one each; empty when it would not.
    package var problems: [String]

    package init(machines: [MachineImpact], notices: [String] = [], problems: [String] = []) {
        self.machines = machines
        self.notices = notices
        self.problems = problems
    }
}

/// What a service of a machine will serve, if that is another certificate than now.
package struct ServiceImpact: Hashable, Sendable, Codable {
    /// `listener/public`, `https/data1`, `delivery`.
    package var service: String
    /// What it serves now by what is committed; null for no TLS, or no service.
    @OrNull package var before: Served?
    @OrNull package var after: Served?

    package struct Served: Hashable, Sendable, Codable {
        /// The certificate's name.
        package var certificate: String
        package var fingerprint: Digest

        package init(certificate: String, fingerprint: Digest) {
            self.certificate = certificate
            self.fingerprint = fingerprint
        }
    }

    package init(service: String, before: Served?, after: Served?) {
        self.service = service
        self.before = before
        self.after = after
    }
}
