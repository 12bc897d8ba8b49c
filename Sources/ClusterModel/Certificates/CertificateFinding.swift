/// Something about a certificate that people should know, and what to do about it (mission D4, D9).
package struct CertificateFinding: Hashable, Sendable, Codable {
    /// What programs switch on. Open: a code from a newer peer stays what it is.
    package struct Code: RawRepresentable, Hashable, Sendable, Codable, CustomStringConvertible {
        package var rawValue: String

        package init(rawValue: String) { self.rawValue = rawValue }

        package var description: String { rawValue }
    }

    package enum Severity: String, Hashable, Sendable, Codable, CaseIterable {
        /// Peers that verify refuse the certificate, or will not find it to be the one they look for.
        case error
        /// Some peers refuse it, or all will soon.
        case warning
        /// Worth knowing.
        case notice
    }

    package var code: Code
    package var severity: Severity
    package var text: String
    package var cure: String

    package init(code: Code, severity: Severity, text: String, cure: String) {
        self.code = code
        self.severity = severity
        self.text = text
        self.cure = cure
    }

    init(_ code: Code, _ severity: Severity, _ text: String, cure: String) {
        self.init(code: code, severity: severity, text: text, cure: cure)
    }
}

extension CertificateFinding.Code {
    // What is on the wire.
    package static let notServed = Self(rawValue: "not-served")
    // The chain as a whole.
    package static let outOfOrder = Self(rawValue: "out-of-order")
    package static let missingIssuer = Self(rawValue: "missing-issuer")
    package static let duplicateIntermediate = Self(rawValue: "duplicate-intermediate")
    package static let staleIntermediate = Self(rawValue: "stale-intermediate")
    package static let unrelatedCertificate = Self(rawValue: "unrelated-certificate")
    package static let rootIncluded = Self(rawValue: "root-included")
    package static let unfitIssuer = Self(rawValue: "unfit-issuer")
    // Any certificate.
    package static let expired = Self(rawValue: "expired")
    package static let notYetValid = Self(rawValue: "not-yet-valid")
    package static let expiresSoon = Self(rawValue: "expires-soon")
    package static let weakKey = Self(rawValue: "weak-key")
    package static let weakSignature = Self(rawValue: "weak-signature")
    // The leaf.
    package static let authorityAsLeaf = Self(rawValue: "authority-as-leaf")
    package static let selfSigned = Self(rawValue: "self-signed")
    package static let demo = Self(rawValue: "demo")
    package static let nameMismatch = Self(rawValue: "name-mismatch")
    package static let commonNameOnly = Self(rawValue: "common-name-only")
    package static let noServerPurpose = Self(rawValue: "no-server-purpose")
    package static let unfitKeyUsage = Self(rawValue: "unfit-key-usage")
    // The file it came in.
    package static let legacyEncryption = Self(rawValue: "legacy-encryption")
    package static let unauthenticatedFile = Self(rawValue: "unauthenticated-file")
    // A list of authorities.
    package static let notAnAuthority = Self(rawValue: "not-an-authority")
    package static let duplicateAuthority = Self(rawValue: "duplicate-authority")
    package static let missingRoot = Self(rawValue: "missing-root")
    package static let unreadableCertificate = Self(rawValue: "unreadable-certificate")
}

extension CertificateFinding {
    /// The ready-made certificate, wherever it is shown (mission D6).
    package static let demo = CertificateFinding(
        .demo, .warning, "This is the ready-made certificate: it encrypts, and nobody can verify it.",
        cure: "Assign a certificate of your own to the services that use it: muster cert create, or muster cert import.")

    /// A PKCS#12 file whose encryption is easily broken, said once, when it is imported.
    package static let legacyEncryption = CertificateFinding(
        .legacyEncryption, .warning,
        "The PKCS#12 file was encrypted in an old way (RC2, RC4 or 3DES): whoever has a copy of it can try many passwords a second.",
        cure: "Delete the copies of the file, and export with AES the next time. If others had it, make a new key and a new certificate.")

    /// A PKCS#12 file without a MAC, said once, when it is imported.
    package static let unauthenticatedFile = CertificateFinding(
        .unauthenticatedFile, .notice,
        "The PKCS#12 file has no MAC, so that nothing tells whether its intermediates were altered. The key fits the certificate.",
        cure: "Compare the intermediates with those that the authority publishes.")
}
