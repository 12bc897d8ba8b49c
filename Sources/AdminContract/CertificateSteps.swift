package import ClusterModel

// The steps of a certificate's life after it was made: request, upload, export, check.

/// A certificate request (PKCS#10) for a key that the cluster holds.
package struct CertificateRequestView: Hashable, Sendable, Codable {
    package var name: String
    package var level: Level
    package var subject: String
    /// The subject alternative names that are asked for.
    package var names: [String]
    /// The fingerprint of the key, which the signed certificate must be for.
    package var key: Digest
    package var pem: String

    package init(name: String, level: Level, subject: String, names: [String], key: Digest, pem: String) {
        self.name = name
        self.level = level
        self.subject = subject
        self.names = names
        self.key = key
        self.pem = pem
    }
}

/// Asks to take in what an authority sent: the signed certificate, intermediates, or both.
package struct CertificateUpload: Hashable, Sendable, Codable {
    package var level: Level
    package var name: String
    /// The signed certificate's file, PEM, DER or PKCS#7, in base64; nil to add intermediates only.
    package var certificate: String?
    /// Files with intermediates, PEM, DER or PKCS#7, in base64.
    package var intermediates: [String]

    package init(level: Level, name: String, certificate: String?, intermediates: [String] = []) {
        self.level = level
        self.name = name
        self.certificate = certificate
        self.intermediates = intermediates
    }
}

/// Asks for a certificate with its key as a PKCS#12 file under a password (mission D5).
package struct CertificateExport: Hashable, Sendable, Codable {
    package var level: Level
    package var name: String
    package var password: String
    /// For programs that read nothing else: 3DES and SHA-1, which are weak.
    package var legacy: Bool

    package init(level: Level, name: String, password: String, legacy: Bool = false) {
        self.level = level
        self.name = name
        self.password = password
        self.legacy = legacy
    }
}

extension CertificateExport: CustomStringConvertible {
    package var description: String { "export of \(name) at \(level) <redacted>" }
}

/// An exported file. Its description hides it.
package struct ExportedCertificate: Hashable, Sendable, Codable, CustomStringConvertible {
    /// The PKCS#12 file in base64.
    package var pkcs12: String
    package var fingerprint: Digest

    package init(pkcs12: String, fingerprint: Digest) {
        self.pkcs12 = pkcs12
        self.fingerprint = fingerprint
    }

    package var description: String { "PKCS#12 file of \(fingerprint.short) <redacted>" }
}

/// One service of one machine, with what there is to say of the certificate that it should serve and of the one that it was seen to.
package struct ServiceCheck: Hashable, Sendable, Codable {
    package var machine: String
    package var service: String
    package var certificate: String
    package var level: Level
    /// What it should serve.
    package var fingerprint: Digest
    /// What the last proof saw; null for nothing.
    @OrNull package var served: Digest?
    /// Why it cannot be seen; null when it can.
    @OrNull package var unprovable: String?
    package var findings: [CertificateFinding]

    package init(
        machine: String, service: String, certificate: String, level: Level, fingerprint: Digest, served: Digest?, unprovable: String?,
        findings: [CertificateFinding]
    ) {
        self.machine = machine
        self.service = service
        self.certificate = certificate
        self.level = level
        self.fingerprint = fingerprint
        self.served = served
        self.unprovable = unprovable
        self.findings = findings
    }
}
