/// What people should know of a list of authorities that peers are verified against (mission D11).
///
/// The certificates stand in the order of their file, each with its signer among them. Of a list that people keep themselves they are
/// also told what expires soon; one of the operating system comes with its updates.
package func authorityFindings(_ list: [CertificateFacts], at now: Timestamp, tellingSoon: Bool = false) -> [CertificateFinding] {
    var findings: [CertificateFinding] = []
    var seen: Set<Digest> = []
    var keys: Set<AuthorityKey> = []
    for facts in list {
        let name = "\(facts.subject) (\(facts.fingerprint.short))"
        guard seen.insert(facts.fingerprint).inserted else {
            findings.append(
                .init(.duplicateAuthority, .warning, "\(name) is in the list more than once.", cure: "Leave the repetition out."))
            continue
        }
        if !keys.insert(AuthorityKey(subject: facts.subject, key: facts.keyFingerprint)).inserted {
            findings.append(
                .init(
                    .duplicateAuthority, .notice, "\(name) is another certificate of an authority and key that the list has already.",
                    cure: "Keep the one that is valid longer, unless both are needed."))
        }
        if !facts.isAuthority {
            findings.append(
                .init(
                    .notAnAuthority, .error, "\(name) is not the certificate of an authority: nothing that it signs is trusted.",
                    cure: "Put the certificate of the authority that issued it into the list instead."))
        }
        if facts.isAuthority, !facts.isSelfSigned, facts.signer == nil {
            findings.append(
                .init(
                    .missingRoot, .warning,
                    "\(name) is an intermediate, and its issuer \(facts.issuer) is not in the list: nothing is verified by it.",
                    cure: "Add the root that it leads to."))
        }
        findings += validityFindings(facts, at: now, severity: .warning).filter { tellingSoon || $0.code != .expiresSoon }.map(
            \.ofAuthority)
        findings += strengthFindings(facts, key: facts.keyAlgorithm)
    }
    return findings
}

private struct AuthorityKey: Hashable {
    var subject: String
    var key: Digest?
}

extension CertificateFinding {
    /// A finding about the validity of an authority, which others renew.
    fileprivate var ofAuthority: CertificateFinding {
        guard code != .notYetValid else { return self }
        var finding = self
        finding.cure = "Put the authority's present certificate into the list, beside this one until no peer needs it."
        return finding
    }
}
