package import ClusterModel
import SwiftASN1
package import X509

/// A certificate and the intermediates that lead from it toward a root: leaf first, the rest as it was given.
package struct CertificateChain: Sendable {
    /// The certificates, the leaf first; never empty.
    package let certificates: [Certificate]
    /// What is known of each, in the same order.
    package let facts: [CertificateFacts]
    /// What is known of the leaf's key.
    package let leafKey: KeyFacts
    /// Each certificate as it was read.
    package let der: [[UInt8]]
    /// The canonical text: each certificate in PEM, lines of 64 characters, line feeds. This is the blob that members lay out.
    package let pem: String

    /// The certificate that a service serves.
    package let leaf: Certificate

    /// The digest of ``pem``, which is the name of its blob.
    package var blob: Digest { Digest(hashing: pem.utf8) }

    /// A chain of certificates that stand in the right order.
    ///
    /// - Throws: a `limit` for more than ``Limits/chainLength``, `unreadable` for none or one with a damaged extension.
    package init(_ certificates: [Certificate]) throws(Refusal) {
        guard let leaf = certificates.first else { throw Refusal(.unreadable, "There is no certificate.") }
        try CertificateChain.checkLength(certificates.count)
        self.certificates = certificates
        self.leaf = leaf
        do {
            der = try certificates.map { try $0.derBytes }
            facts = try CertificateFacts.linked(certificates)
            leafKey = try KeyFacts(leaf.publicKey)
        } catch {
            throw Refusal(.unreadable, "A certificate has an extension that cannot be read: \(cause(error)).")
        }
        pem = der.map { PEMBlock(label: "CERTIFICATE", bytes: $0).text }.joined()
    }

    fileprivate static func checkLength(_ count: Int) throws(Refusal) {
        guard count <= Limits.chainLength else {
            throw Refusal(
                .limit, "There are \(count) certificates; a chain has at most \(Limits.chainLength). Leave out what is not used.")
        }
    }

    /// Reads the certificates of a PEM text in its order. Blocks of other kinds are passed over.
    package init(pem: String) throws(Refusal) {
        try self.init(CertificateChain.certificates(inPEM: pem))
    }

    /// Whether the private key belongs to the leaf.
    package func isServed(by key: PrivateKey) -> Bool { key.facts.fingerprint == leafKey.fingerprint }

    /// The fingerprint of the key in a certificate: SHA-256 of its SubjectPublicKeyInfo in DER.
    package static func keyFingerprint(ofLeaf certificate: Certificate) throws -> Digest {
        try KeyFacts(certificate.publicKey).fingerprint
    }

    /// What stands in the markers of a certificate in PEM; the second is how old OpenSSL wrote it.
    static let labels = ["CERTIFICATE", "X509 CERTIFICATE"]

    static func certificates(inPEM pem: String) throws(Refusal) -> [Certificate] {
        let blocks = try PEMReader.blocks(in: pem, of: "The certificate file")
        let certificates = try certificates(inDER: encodings(in: blocks))
        guard !certificates.isEmpty else {
            let found = blocks.isEmpty ? "" : " It has \(blocks.map(\.label).joined(separator: ", "))."
            throw Refusal(.unreadable, "The certificate file has no certificate in PEM.\(found)")
        }
        return certificates
    }

    /// Each certificate of the blocks in DER: those that are one, and those of PKCS#7 blocks.
    static func encodings(in blocks: [PEMBlock], labels: [String] = labels) throws(Refusal) -> [[UInt8]] {
        var encodings: [[UInt8]] = []
        for block in blocks {
            if labels.contains(block.label) { encodings.append(block.bytes) }
            if PKCS7.labels.contains(block.label) { encodings += try PKCS7.certificates(in: block.bytes) ?? [] }
        }
        return encodings
    }

    static func certificate(inDER der: [UInt8], number: Int) throws(Refusal) -> Certificate {
        do {
            return try Certificate(derEncoded: der)
        } catch {
            let advice = error is ASN1Error ? "" : " \(PrivateKey.supported)"
            throw Refusal(.unreadable, "Certificate \(number) cannot be read: \(cause(error)).\(advice)")
        }
    }
}

extension CertificateChain {
    /// Puts certificates that came in any order into a chain for a key: see ``ordered(_:forKey:)``.
    package init(_ certificates: [Certificate], for key: PrivateKey) throws(Refusal) {
        guard let ordered = try CertificateChain.ordered(certificates, forKey: key.facts.fingerprint) else {
            throw Refusal(
                .unreadable,
                certificates.isEmpty ? "There is no certificate." : "No certificate matches the private key: each has another public key.")
        }
        try self.init(ordered)
    }

    /// The leaf, which is the certificate with that key, then each certificate's issuer as long as it is there, then what is left in the
    /// order it came. A repeated certificate is dropped. Nil when no certificate has the key.
    ///
    /// Of several certificates with the key, the one that expires last is the leaf: the others are what it renewed.
    static func ordered(_ certificates: [Certificate], forKey fingerprint: Digest) throws(Refusal) -> [Certificate]? {
        // Checked here too: a thousand certificates of one name would take a million signatures to order.
        var rest = try distinct(certificates)
        let own = rest.indices.filter { index in
            // A key that cannot be encoded is not this one.
            (try? keyFingerprint(ofLeaf: rest[index])) == fingerprint
        }
        guard let leaf = own.max(by: { rest[$0].notValidAfter < rest[$1].notValidAfter }) else { return nil }
        return try ordered(behind: rest.remove(at: leaf), rest)
    }

    /// A leaf and what goes with it, in the order of ``ordered(_:forKey:)``.
    static func ordered(behind leaf: Certificate, _ others: [Certificate]) throws(Refusal) -> [Certificate] {
        var rest = try distinct(others)
        return path(from: leaf, through: &rest) + rest
    }

    private static func distinct(_ certificates: [Certificate]) throws(Refusal) -> [Certificate] {
        var seen: Set<Certificate> = []
        let distinct = certificates.filter { seen.insert($0).inserted }
        try checkLength(distinct.count)
        return distinct
    }

    /// The certificate, then each one's issuer, taken from the others as long as it is there.
    private static func path(from leaf: Certificate, through rest: inout [Certificate]) -> [Certificate] {
        var path = [leaf]
        while let last = path.last, !last.signed(last) {
            // An authority may have two certificates for one key, of itself and from another authority, old and new. The one from another
            // leads on, which reaches more clients; of those, the newer lasts.
            let issuers = rest.indices.filter { rest[$0].signed(last) }
            let best = issuers.max { left, right in
                let (leadsOn, otherLeadsOn) = (rest[left].issuer != rest[left].subject, rest[right].issuer != rest[right].subject)
                return leadsOn == otherLeadsOn ? rest[left].notValidAfter < rest[right].notValidAfter : otherLeadsOn
            }
            guard let best else { break }
            path.append(rest.remove(at: best))
        }
        return path
    }

    /// The chain without what no client needs: only the leaf and each certificate's issuer as long as it is there, without the root.
    ///
    /// This cures the findings of order, duplicates, stale and unrelated certificates and the root at once.
    package func tidied() throws(Refusal) -> CertificateChain {
        var rest = Array(certificates.dropFirst())
        var path = CertificateChain.path(from: leaf, through: &rest)
        if path.count > 1, let last = path.last, last.signed(last) { path.removeLast() }
        return try CertificateChain(path)
    }
}

/// A private key and the chain that belongs to it.
package struct ImportedIdentity: Sendable {
    package let key: PrivateKey
    package let chain: CertificateChain

    /// - Throws: `unreadable` when the key is not the leaf's.
    package init(key: PrivateKey, chain: CertificateChain) throws(Refusal) {
        guard chain.isServed(by: key) else {
            throw Refusal(.unreadable, "The private key does not belong to the certificate \(chain.facts.first?.subject ?? "").")
        }
        self.key = key
        self.chain = chain
    }

    /// Reads a key and its certificates, which may stand in any order, from two PEM texts (or twice the same).
    ///
    /// The password is for a key that is encrypted; it is not looked at for one that is not.
    package init(keyPEM: String, chainPEM: String, keyPassword: String? = nil) throws(Refusal) {
        let key = try PrivateKey(pem: keyPEM, password: keyPassword)
        try self.init(key: key, chain: CertificateChain(CertificateChain.certificates(inPEM: chainPEM), for: key))
    }

    /// The setting that names this key and chain.
    package func setting(
        origin: CertificateSetting.Origin = .imported, request: SelfSignedRequest? = nil
    ) -> CertificateSetting {
        CertificateSetting(origin: origin, key: key.facts, chain: chain.facts, chainBlob: chain.blob, request: request)
    }
}
