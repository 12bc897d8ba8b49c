package import ClusterModel

/// A level's word on authorities, as people and tools meet it: a list, or the operating system's list trusted or not.
package struct AuthorityView: Hashable, Sendable, Codable {
    package var name: String
    package var level: Level
    /// Whether the operating system's list is trusted; null for a list.
    @OrNull package var trusted: Bool?
    /// The list's certificates in the order of its file.
    package var certificates: [ChainLink]
    /// When the first of them expires; null without any.
    @OrNull package var expires: Timestamp?
    /// SHA-256 of the list's PEM text; null without one.
    @OrNull package var blob: Digest?
    package var findings: [CertificateFinding]
    /// Whether the list does not exist from this level down.
    package var hidden: Bool
    /// Whether no level speaks of it: so the operating system's list is trusted.
    package var implied: Bool
    /// Whether this is the caller's edit, which no machine has seen.
    package var uncommitted: Bool

    private init(name: String, level: Level, trusted: Bool? = nil, hidden: Bool = false, implied: Bool = false, uncommitted: Bool = false) {
        self.name = name
        self.level = level
        self.trusted = trusted
        certificates = []
        expires = nil
        blob = nil
        findings = []
        self.hidden = hidden
        self.implied = implied
        self.uncommitted = uncommitted
    }

    package init(_ setting: AuthoritySetting, name: String, level: Level, findings: [CertificateFinding], uncommitted: Bool) {
        self.init(name: name, level: level, trusted: setting.trusted, uncommitted: uncommitted)
        certificates = setting.certificates.map(ChainLink.init)
        expires = setting.expires
        blob = setting.blob
        self.findings = findings
    }

    /// A list that a level hides.
    package init(hidden name: String, level: Level, uncommitted: Bool) {
        self.init(name: name, level: level, hidden: true, uncommitted: uncommitted)
    }

    /// The operating system's list where no level speaks of it.
    package static let impliedSystem = AuthorityView(name: AuthoritySetting.systemName, level: .cluster, trusted: true, implied: true)
}

/// Asks to take in a list of authorities.
package struct AuthorityAddition: Hashable, Sendable, Codable {
    package var level: Level
    package var name: String
    /// The file in base64: certificates in PEM, or one in DER.
    package var file: String
    /// Whether what the level says under that name may be replaced.
    package var replace: Bool

    package init(level: Level, name: String, file: String, replace: Bool = false) {
        self.level = level
        self.name = name
        self.file = file
        self.replace = replace
    }
}

/// Asks to trust the operating system's list at a level, or not to.
package struct SystemTrust: Hashable, Sendable, Codable {
    package var level: Level
    package var trusted: Bool

    package init(level: Level, trusted: Bool) {
        self.level = level
        self.trusted = trusted
    }
}

/// What taking a level's word on authorities back did.
package struct AuthorityRemoval: Hashable, Sendable, Codable {
    package var name: String
    package var level: Level
    /// The wider level whose word shows through now; null when there is none.
    @OrNull package var inherited: Level?
    package var changes: [ChangeView]
    /// How many edits wait to be committed.
    package var uncommitted: Int

    package init(name: String, level: Level, inherited: Level?, changes: [ChangeView], uncommitted: Int) {
        self.name = name
        self.level = level
        self.inherited = inherited
        self.changes = changes
        self.uncommitted = uncommitted
    }

    /// The command that does without inherited authorities at a level.
    package static func instead(of name: String, at level: Level) -> String {
        let place = level.name.map { " --\(level.kind.rawValue) \($0)" } ?? ""
        return name == AuthoritySetting.systemName ? "muster authority remove system\(place)" : "muster hide authorities/\(name)\(place)"
    }
}
