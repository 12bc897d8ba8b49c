package import ClusterModel
package import struct ClusterModel.Digest
import Crypto
import SwiftASN1
package import X509

/// A cluster's authority as the other ends know it: its certificate, without the key.
package struct TrustedAuthority: Hashable, Sendable {
    package let certificate: Certificate
    /// SHA-256 of the certificate in DER.
    package let fingerprint: Digest
    /// The cluster that it vouches for, by the URI name in its certificate.
    package let clusterID: String
    package let notBefore: Timestamp
    package let notAfter: Timestamp
    let der: [UInt8]

    /// The certificate in PEM.
    package var pem: String { PEMBlock(label: "CERTIFICATE", bytes: der).text }

    /// Reads the certificate; refuses one that may not sign others.
    package init(der: [UInt8]) throws(Refusal) {
        let certificate: Certificate
        let mayIssue: Bool
        let uris: [String]
        do {
            certificate = try Certificate(derEncoded: der)
            let extensions = certificate.extensions
            let constraints = try extensions.basicConstraints
            let isAuthority = if case .isCertificateAuthority = constraints { true } else { false }
            mayIssue = try isAuthority && (extensions.keyUsage?.keyCertSign ?? false)
            uris = try (extensions.subjectAlternativeNames.map(Array.init) ?? []).compactMap { name in
                if case .uniformResourceIdentifier(let uri) = name { uri } else { nil }
            }
        } catch {
            throw Refusal(.unreadable, "The authority's certificate cannot be read: \(cause(error)).")
        }
        guard mayIssue, P256.Signing.PublicKey(certificate.publicKey) != nil, let uri = uris.first, uris.count == 1,
            uri.hasPrefix("spiffe://"), let (clusterID, _) = Identity.parse(uri: uri + "/manager/m")
        else {
            throw Refusal(.unreadable, "The certificate \(certificate.subject.text) is not a cluster's authority.")
        }
        self.certificate = certificate
        self.der = der
        self.clusterID = clusterID
        fingerprint = Digest(hashing: der)
        notBefore = Timestamp(certificate.notValidBefore)
        notAfter = Timestamp(certificate.notValidAfter)
    }

    /// Reads the one certificate of a PEM text.
    package init(pem: String) throws(Refusal) {
        let blocks = try PEMReader.blocks(in: pem, of: "The authority's file")
        guard let block = blocks.first, blocks.count == 1, block.label == "CERTIFICATE" else {
            throw Refusal(.unreadable, "The authority's file is not one certificate in PEM.")
        }
        try self.init(der: block.bytes)
    }

    /// Reads the certificates of a PEM text: one, or two while a cluster's CA is being replaced.
    package static func list(pem: String) throws(Refusal) -> [TrustedAuthority] {
        var list: [TrustedAuthority] = []
        for block in try PEMReader.blocks(in: pem, of: "The authorities' file") {
            guard block.label == "CERTIFICATE", list.count < Limits.clusterAuthorities else {
                throw Refusal(.unreadable, "The authorities' file is not one or two certificates in PEM.")
            }
            list.append(try TrustedAuthority(der: block.bytes))
        }
        guard !list.isEmpty else { throw Refusal(.unreadable, "The authorities' file holds no certificate.") }
        return list
    }

    /// The authorities that an invitation pins, found in the chain that a manager presented.
    package static func pinned(_ fingerprints: [Digest], in chainDER: [[UInt8]]) throws(Refusal) -> [TrustedAuthority] {
        var found: [TrustedAuthority] = []
        for der in chainDER where fingerprints.contains(Digest(hashing: der)) { found.append(try TrustedAuthority(der: der)) }
        guard found.isEmpty else { return found }
        let names = fingerprints.map(\.short).joined(separator: " or ")
        throw Refusal(
            .unauthenticated,
            "The manager's certificate is not of the cluster that the invitation is for (authority \(names)). If that cluster's CA was "
                + "replaced since, ask for another invitation: muster invite"
        )
    }

    /// Whether the certificate names this authority as its issuer and carries its signature.
    fileprivate func issued(_ leaf: Certificate) -> Bool {
        // Our authorities sign in one way only; that leaves nothing to be confused about.
        leaf.issuer == certificate.subject && leaf.signatureAlgorithm == .ecdsaWithSHA256
            && certificate.publicKey.isValidSignature(leaf.signature, for: leaf)
    }
}

/// Finds out who presents a chain, or refuses with code `unauthenticated`.
///
/// One level only: the chain's first certificate must be signed by one of the trusted authorities itself. Checked by hand,
/// synchronously: signature, both validities, that the leaf is no authority and may authenticate both ways, that nothing critical is
/// unknown, and that its one URI name is an identity in the cluster. Whether a membership is *current* is for the caller to know.
///
/// With `acceptingExpired`, a leaf that expired is accepted too: for a member that returns after a long time and renews.
package func verifyIdentity(
    chainDER: [[UInt8]], trust: [TrustedAuthority], clusterID: String, now: Timestamp, acceptingExpired: Bool = false
) throws(Refusal) -> Identity {
    try verifyPresented(chainDER: chainDER, trust: trust, clusterID: clusterID, now: now, acceptingExpired: acceptingExpired).identity
}

/// As ``verifyIdentity(chainDER:trust:clusterID:now:acceptingExpired:)``, and until when the certificate is valid.
package func verifyPresented(
    chainDER: [[UInt8]], trust: [TrustedAuthority], clusterID: String, now: Timestamp, acceptingExpired: Bool = false
) throws(Refusal) -> (identity: Identity, notAfter: Timestamp) {
    guard let der = chainDER.first else { throw Refusal(.unauthenticated, "The other side presented no certificate.") }
    let leaf: Certificate
    do {
        leaf = try Certificate(derEncoded: der)
    } catch {
        throw Refusal(.unauthenticated, "The presented certificate cannot be read: \(cause(error)).")
    }
    let issuers = trust.filter { $0.clusterID == clusterID && $0.issued(leaf) }
    guard !issuers.isEmpty else {
        throw Refusal(.unauthenticated, "The presented certificate is not signed by the cluster's authority.")
    }
    guard issuers.contains(where: { $0.notBefore <= now && now <= $0.notAfter }) else {
        throw Refusal(.unauthenticated, "The authority that signed the presented certificate has expired or is not yet valid at \(now).")
    }
    try checkUse(of: leaf)
    let (notBefore, notAfter) = (Timestamp(leaf.notValidBefore), Timestamp(leaf.notValidAfter))
    guard notBefore <= now else {
        throw Refusal(.unauthenticated, "The presented certificate is valid from \(notBefore); the clock here says \(now).")
    }
    guard now <= notAfter || acceptingExpired else {
        throw Refusal(.unauthenticated, "The presented certificate expired at \(notAfter); the clock here says \(now).")
    }
    return (try Identity.of(leaf, clusterID: clusterID), notAfter)
}

extension IdentityPapers {
    /// What a machine holds: its certificate, and whom it trusts. Says nothing about whether that is valid.
    package init(chainPEM: String, trustPEM: String) throws(Refusal) {
        let leaf = try CertificateChain(pem: chainPEM).leaf
        let trust = try TrustedAuthority.list(pem: trustPEM)
        self.init(
            trusted: trust.map(\.fingerprint), issuer: trust.first { $0.issued(leaf) }?.fingerprint,
            notBefore: Timestamp(leaf.notValidBefore), notAfter: Timestamp(leaf.notValidAfter))
    }
}

/// Whether the leaf's extensions let it do what an identity does, and ask for nothing that we do not understand.
private func checkUse(of leaf: Certificate) throws(Refusal) {
    typealias Known = ASN1ObjectIdentifier.X509ExtensionID
    let known = [Known.basicConstraints, Known.keyUsage, Known.extendedKeyUsage, Known.subjectAlternativeName]
    if let unknown = leaf.extensions.first(where: { $0.critical && !known.contains($0.oid) }) {
        throw Refusal(.unauthenticated, "The presented certificate has the critical extension \(unknown.oid), which is not known here.")
    }
    let isLeaf: Bool
    let mayAuthenticate: Bool
    do {
        isLeaf = try leaf.extensions.basicConstraints == .notCertificateAuthority
        let purposes = try leaf.extensions.extendedKeyUsage ?? ExtendedKeyUsage()
        mayAuthenticate =
            try leaf.extensions.keyUsage?.digitalSignature == true && purposes.contains(.serverAuth) && purposes.contains(.clientAuth)
    } catch {
        throw Refusal(.unauthenticated, "The presented certificate has an extension that cannot be read: \(cause(error)).")
    }
    guard isLeaf else { throw Refusal(.unauthenticated, "The presented certificate is one of an authority, not of a machine or manager.") }
    guard mayAuthenticate else {
        throw Refusal(.unauthenticated, "The presented certificate is not for authentication in both directions.")
    }
}
