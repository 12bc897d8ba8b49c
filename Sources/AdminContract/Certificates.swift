package import ClusterModel

/// A certificate as people and tools meet it. Never its key.
package struct CertificateView: Hashable, Sendable, Codable {
    package var name: String
    package var level: Level
    /// `self-signed`, `imported`, `uploaded` or `demo`.
    package var origin: String
    package var subject: String
    package var issuer: String
    /// SHA-256 of the leaf in DER.
    package var fingerprint: Digest
    package var notBefore: Timestamp
    package var notAfter: Timestamp
    /// Subject alternative names.
    package var names: [String]
    /// The key's algorithm and size: `ecdsa-p256`.
    package var key: String
    /// The services that use it, on whichever machines: `listener/public`.
    package var usedBy: [String]
    package var findings: [CertificateFinding]
    /// The leaf first.
    package var chain: [ChainLink]
    /// Whether this is the caller's edit, which no machine has seen.
    package var uncommitted: Bool

    package init(
        name: String, level: Level, origin: String, subject: String, issuer: String, fingerprint: Digest, notBefore: Timestamp,
        notAfter: Timestamp, names: [String], key: String, usedBy: [String], findings: [CertificateFinding], chain: [ChainLink],
        uncommitted: Bool
    ) {
        self.name = name
        self.level = level
        self.origin = origin
        self.subject = subject
        self.issuer = issuer
        self.fingerprint = fingerprint
        self.notBefore = notBefore
        self.notAfter = notAfter
        self.names = names
        self.key = key
        self.usedBy = usedBy
        self.findings = findings
        self.chain = chain
        self.uncommitted = uncommitted
    }

    /// The view of a setting, whose leaf its section's rule guarantees; nil without one.
    package init?(
        _ setting: CertificateSetting, name: String, level: Level, usedBy: [String], findings: [CertificateFinding], uncommitted: Bool
    ) {
        guard let leaf = setting.leaf else { return nil }
        self.init(
            name: name, level: level, origin: setting.origin.rawValue, subject: leaf.subject, issuer: leaf.issuer,
            fingerprint: leaf.fingerprint, notBefore: leaf.notBefore, notAfter: leaf.notAfter, names: leaf.names,
            key: setting.key.algorithm, usedBy: usedBy, findings: findings, chain: setting.chain.map(ChainLink.init),
            uncommitted: uncommitted)
    }
}

/// One certificate of a chain.
package struct ChainLink: Hashable, Sendable, Codable {
    package var subject: String
    package var issuer: String
    package var fingerprint: Digest
    package var notBefore: Timestamp
    package var notAfter: Timestamp

    package init(_ facts: CertificateFacts) {
        subject = facts.subject
        issuer = facts.issuer
        fingerprint = facts.fingerprint
        notBefore = facts.notBefore
        notAfter = facts.notAfter
    }
}

/// Asks for a self-signed certificate, made by the manager.
package struct CertificateCreation: Hashable, Sendable {
    package var level: Level
    package var name: String
    package var request: SelfSignedRequest
    /// Whether a certificate of that name may be replaced.
    package var replace: Bool

    package init(level: Level, name: String, request: SelfSignedRequest, replace: Bool) {
        self.level = level
        self.name = name
        self.request = request
        self.replace = replace
    }
}

extension CertificateCreation: Codable {
    private enum Key: String, CodingKey { case level, name, request, replace }

    /// Throws a ``SettingError`` for a request that is not one.
    package init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: Key.self)
        level = try container.decode(Level.self, forKey: .level)
        name = try container.decode(String.self, forKey: .name)
        request = try SelfSignedRequest(try container.decode(JSONValue.self, forKey: .request), at: SettingPath("request"))
        replace = try container.decodeIfPresent(Bool.self, forKey: .replace) ?? false
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: Key.self)
        try container.encode(level, forKey: .level)
        try container.encode(name, forKey: .name)
        try container.encode(request.json, forKey: .request)
        try container.encode(replace, forKey: .replace)
    }
}

/// Asks to take in a certificate with its key. Replaces key and chain of a certificate of that name.
package struct CertificateImport: Hashable, Sendable, Codable {
    package var level: Level
    package var name: String
    /// A PKCS#12 file, in base64 (RFC 4648, section 4).
    package var pkcs12: String?
    /// The file's password; without one, the empty password.
    package var password: String?
    /// The certificate and its intermediates, in PEM.
    package var pem: String?
    /// The private key, in PEM; ``password`` opens one that is encrypted.
    package var key: String?

    /// Takes a PKCS#12 file.
    package init(level: Level, name: String, pkcs12: String, password: String) {
        self.level = level
        self.name = name
        self.pkcs12 = pkcs12
        self.password = password
    }

    /// Takes PEM texts.
    package init(level: Level, name: String, pem: String, key: String, password: String? = nil) {
        self.level = level
        self.name = name
        self.pem = pem
        self.key = key
        self.password = password
    }
}

extension CertificateImport: CustomStringConvertible {
    package var description: String { "import of \(name) at \(level) <redacted>" }
}

/// Asks to set a machine's or group's certificate at a wider level (mission C6).
package struct CertificatePromotion: Hashable, Sendable, Codable {
    package var name: String
    package var from: Level
    package var to: Level

    package init(name: String, from: Level, to: Level) {
        self.name = name
        self.from = from
        self.to = to
    }
}
