package import ClusterModel

/// Whom a member is to trust from now on, and by whom certificates are issued.
package struct AuthorityOffer: Hashable, Sendable {
    /// The certificates of the CAs, PEM: these and no others.
    package var trust: String
    /// The fingerprint of the one among them that issues.
    package var issuing: Digest

    package init(trust: String, issuing: Digest) {
        self.trust = trust
        self.issuing = issuing
    }
}

/// Another certificate for the key that a member has.
package struct RenewedIdentity: Hashable, Sendable {
    /// The certificate chain, PEM.
    package var certificate: String
    /// The certificates of the CAs to trust from now on, PEM.
    package var trust: String

    package init(certificate: String, trust: String) {
        self.certificate = certificate
        self.trust = trust
    }
}
