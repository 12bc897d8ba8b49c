package import ClusterModel
import X509

/// The cluster's own certificate authority: it vouches for machines and managers, and for nobody else.
package struct ClusterAuthority: Sendable {
    private let key: PrivateKey
    private let chain: CertificateChain
    /// What the other ends need of it.
    package let trusted: TrustedAuthority
    /// The cluster that it vouches for: the trust domain of the identities it issues.
    package let clusterID: String

    /// The authority's certificate, which everybody may have.
    package var certificatePEM: String { chain.pem }
    /// The authority's private key in PKCS#8: a secret, kept sealed.
    package var keyPEM: String { key.pem }
    /// SHA-256 of the certificate in DER: what an invitation pins.
    package var fingerprint: Digest { trusted.fingerprint }
    /// When the authority's own certificate expires.
    package var notAfter: Timestamp { trusted.notAfter }

    /// Years that an authority lasts; rotation makes the next one long before.
    private static let lifetimeDays = 3653

    /// Makes a new authority: ECDSA P-256, ten years, for leaves only (path length 0).
    package static func create(clusterID: String, clusterName: String, now: Timestamp) throws -> ClusterAuthority {
        guard Identity.parse(uri: Identity.manager("m").uri(clusterID: clusterID)) != nil else {
            throw Refusal(
                .invalid, "\"\(clusterID.prefix(64))\" cannot be a cluster's id: lower-case letters, digits, '-', '_' and '.' can.")
        }
        let key = try PrivateKey.generate(.ecdsaP256)
        let subject = try DistinguishedName {
            OrganizationName("Muster")
            OrganizationalUnitName(clusterID)
            CommonName(clusterName)
        }
        let certificate = try Certificate(
            version: .v3, serialNumber: randomSerialNumber(), publicKey: key.publicKey,
            notValidBefore: now.adding(seconds: -backdatingSeconds).date, notValidAfter: now.adding(days: lifetimeDays).date,
            issuer: subject, subject: subject,
            extensions: Certificate.Extensions {
                Critical(BasicConstraints.isCertificateAuthority(maxPathLength: 0))
                Critical(KeyUsage(keyCertSign: true))
                SubjectKeyIdentifier(hash: key.publicKey)
                // The trust domain's own SPIFFE ID, as X509-SVID section 3 asks of a signing certificate.
                SubjectAlternativeNames([.uniformResourceIdentifier("spiffe://\(clusterID)")])
            },
            issuerPrivateKey: key.signer)
        return try ClusterAuthority(key: key, chain: CertificateChain([certificate]))
    }

    /// Reads an authority that ``create(clusterID:clusterName:now:)`` made.
    package init(certificatePEM: String, keyPEM: String) throws(Refusal) {
        try self.init(key: PrivateKey(pem: keyPEM), chain: CertificateChain(pem: certificatePEM))
    }

    private init(key: PrivateKey, chain: CertificateChain) throws(Refusal) {
        guard chain.isServed(by: key), chain.der.count == 1, let der = chain.der.first else {
            throw Refusal(.unreadable, "The authority's certificate and private key do not belong together.")
        }
        self.key = key
        self.chain = chain
        trusted = try TrustedAuthority(der: der)
        clusterID = trusted.clusterID
    }

    /// Vouches for whoever holds the key of a request. Nothing but that key is taken from the request.
    package func issue(
        _ identity: Identity, publicKeyOf request: CertificateRequest, lifetimeDays: Int, now: Timestamp
    ) throws -> CertificateChain {
        try issue(identity, to: request.publicKey, names: [], lifetimeDays: lifetimeDays, now: now)
    }

    /// Vouches for the holder of a key of our own, with host names and addresses beside the identity.
    package func issue(
        _ identity: Identity, for key: PrivateKey, names: [String] = [], lifetimeDays: Int, now: Timestamp
    ) throws -> CertificateChain {
        try issue(identity, to: key.publicKey, names: names, lifetimeDays: lifetimeDays, now: now)
    }

    /// The leaf, then the authority itself, so that a machine that knows only the authority's fingerprint can find it in the chain.
    private func issue(
        _ identity: Identity, to publicKey: Certificate.PublicKey, names: [String], lifetimeDays: Int, now: Timestamp
    ) throws -> CertificateChain {
        let uri = identity.uri(clusterID: clusterID)
        guard Identity.parse(uri: uri)?.identity == identity else {
            throw Refusal(.invalid, "\"\(uri.prefix(200))\" is no identity: letters, digits, '-', '_' and '.' may be in its last part.")
        }
        guard (1...Limits.certificateDays).contains(lifetimeDays), now < notAfter else {
            throw Refusal(.invalid, "A certificate cannot last \(lifetimeDays) days from \(now): the authority expires at \(notAfter).")
        }
        let alternativeNames = [.uniformResourceIdentifier(uri)] + (try generalNames(names))
        let certificate = try Certificate(
            version: .v3, serialNumber: randomSerialNumber(), publicKey: publicKey,
            notValidBefore: now.adding(seconds: -backdatingSeconds).date,
            notValidAfter: min(now.adding(days: lifetimeDays), notAfter).date,
            issuer: trusted.certificate.subject, subject: DistinguishedName { OrganizationName("Muster") },
            extensions: Certificate.Extensions {
                Critical(BasicConstraints.notCertificateAuthority)
                Critical(KeyUsage(digitalSignature: true))
                try ExtendedKeyUsage([.serverAuth, .clientAuth])
                SubjectKeyIdentifier(hash: publicKey)
                AuthorityKeyIdentifier(keyIdentifier: SubjectKeyIdentifier(hash: key.publicKey).keyIdentifier)
                SubjectAlternativeNames(alternativeNames)
            },
            issuerPrivateKey: key.signer)
        return try CertificateChain([certificate, trusted.certificate])
    }
}

extension ClusterAuthority: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    package var description: String { "authority \(fingerprint.short), <redacted>" }
    package var debugDescription: String { description }
    package var customMirror: Mirror { Mirror(self, children: []) }
}
