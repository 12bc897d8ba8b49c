/// What a machine holds to prove who it is and to know a manager by, as it says once it is on its disk.
package struct IdentityPapers: Hashable, Sendable, Codable {
    /// The fingerprints of the CAs by which managers must be vouched for, sorted.
    package var trusted: [Digest]
    /// The CA of the machine's certificate, if it is among them.
    package var issuer: Digest?
    /// From when to when the certificate is valid.
    package var notBefore: Timestamp
    package var notAfter: Timestamp

    package init(trusted: [Digest], issuer: Digest?, notBefore: Timestamp, notAfter: Timestamp) {
        self.trusted = trusted.sorted()
        self.issuer = issuer
        self.notBefore = notBefore
        self.notAfter = notAfter
    }

    /// Whether the certificate is over.
    package func hasExpired(at now: Timestamp) -> Bool { notAfter < now }

    /// Whether it is time for another certificate: less than a third of this one's life is left, or another CA issues now.
    package func isRenewalDue(at now: Timestamp, issuing: Digest?) -> Bool {
        if let issuing, issuer != issuing { return true }
        return (notAfter.seconds - now.seconds) * 3 < notAfter.seconds - notBefore.seconds
    }
}
