extension CertificateSetting {
    /// What people should know of the certificate (mission D4, D9): a pure function of what is kept of it.
    ///
    /// - Parameters:
    ///   - now: the moment to judge by.
    ///   - hosts: host names and addresses that it has to cover: those by which clients reach the services that use it.
    ///   - anchors: the authorities that peers are taken to trust. With them it can be told whether the chain reaches one; without, only a
    ///     leaf that stands alone, or a hole, is called incomplete.
    /// - Returns: the findings, of the chain first; a code may occur once for each certificate.
    package func findings(
        at now: Timestamp, covering hosts: [String] = [], anchors: [CertificateFacts]? = nil
    ) -> [CertificateFinding] {
        guard let leaf else { return [] }
        // Nobody verifies it, so nothing else that verifiers look at matters.
        guard origin != .demo else { return [.demo] + validityFindings(leaf, at: now, severity: .warning) }
        let reading = ChainReading(chain)
        var findings = reading.findings(anchors: anchors)
        for (place, index) in reading.path.enumerated() {
            let facts = chain[index]
            let isRoot = place > 0 && facts.isSelfSigned
            findings += validityFindings(facts, at: now, severity: isRoot ? .notice : .error)
            findings += strengthFindings(facts, key: place == 0 ? key.algorithm : facts.keyAlgorithm)
            if place > 0 { findings += issuerFindings(facts) }
        }
        return findings + leafFindings(leaf) + nameFindings(leaf, hosts)
    }

    private func leafFindings(_ leaf: CertificateFacts) -> [CertificateFinding] {
        var findings: [CertificateFinding] = []
        if leaf.isSelfSigned {
            findings.append(
                .init(
                    .selfSigned, .notice, "It is self-signed: it encrypts, and only peers that were told of it can verify it.",
                    cure: "For peers that verify, have its request signed by an authority that they trust, and upload the certificate."))
        }
        if leaf.isAuthority {
            findings.append(
                .init(
                    .authorityAsLeaf, .warning,
                    "It is marked as the certificate of an authority; many clients refuse such a one on a server.",
                    cure: "Have a certificate issued that is marked as no authority (basic constraints CA:FALSE)."))
        }
        let purposes = leaf.extendedKeyUsage
        if !purposes.isEmpty, !purposes.contains("serverAuth"), !purposes.contains("any") {
            findings.append(
                .init(
                    .noServerPurpose, .error, "It may be used for \(purposes.joined(separator: ", ")), and not by servers (serverAuth).",
                    cure: "Have it issued again for TLS servers."))
        }
        if !leaf.keyUsage.isEmpty, !leaf.keyUsage.contains("digitalSignature") {
            findings.append(
                .init(
                    .unfitKeyUsage, .error,
                    "Its key may be used for \(leaf.keyUsage.joined(separator: ", ")), and not to sign, as every handshake of TLS 1.3 does.",
                    cure: "Have it issued again with the key usage digitalSignature."))
        }
        return findings
    }

    private func nameFindings(_ leaf: CertificateFacts, _ hosts: [String]) -> [CertificateFinding] {
        var findings: [CertificateFinding] = []
        let isHost = HostName.accepts(leaf.commonName.hasPrefix("*.") ? leaf.commonName.dropFirst(2) : leaf.commonName[...])
        if leaf.names.isEmpty, isHost || IPAddress(leaf.commonName) != nil {
            findings.append(
                .init(
                    .commonNameOnly, .warning,
                    "It names \(leaf.commonName) only as its common name; today's clients look at subject alternative names and find none.",
                    cure: "Have it issued again with subject alternative names."))
        }
        // Facts of before know no common name: whether the certificate has no names at all is not known then.
        let missing = hosts.filter { !leaf.covers($0) && !leaf.coversByCommonName($0) }
        if !missing.isEmpty, leaf.isDetailed || !leaf.names.isEmpty {
            let names = leaf.names.isEmpty ? "no name" : leaf.names.shortList
            findings.append(
                .init(
                    .nameMismatch, .error, "It does not cover \(missing.shortList): it speaks for \(names).",
                    cure: "Request a certificate with these names, or give the services one that has them."))
        }
        return findings
    }
}

/// What may be said of any certificate's key and signature. Its own signature says nothing of a root.
func strengthFindings(_ facts: CertificateFacts, key: String) -> [CertificateFinding] {
    var findings: [CertificateFinding] = []
    if key.hasPrefix("rsa-"), let bits = Int(key.dropFirst(4)), bits < 2048 {
        findings.append(
            .init(
                .weakKey, .error, "\(facts.subject) has an RSA key of \(bits) bits, which can be broken.",
                cure: "Make a new key of 2048 bits or more, or an ECDSA key, and have a certificate issued for it."))
    }
    let isWeak = ["-md2", "-md5", "-sha1"].contains { facts.signature.hasSuffix($0) }
    if isWeak, !facts.isSelfSigned {
        findings.append(
            .init(
                .weakSignature, .error, "\(facts.subject) is signed with \(facts.signature), which can be forged and which clients refuse.",
                cure: "Have it issued again with SHA-256 or better."))
    }
    return findings
}

private func issuerFindings(_ facts: CertificateFacts) -> [CertificateFinding] {
    let maySign = facts.isAuthority && (facts.keyUsage.isEmpty || facts.keyUsage.contains("keyCertSign"))
    return maySign
        ? []
        : [
            .init(
                .unfitIssuer, .error, "\(facts.subject) signed a certificate of the chain, and may not sign any: clients refuse the chain.",
                cure: "Have the certificate issued by an authority.")
        ]
}

extension [String] {
    /// The first few, and how many more there are.
    var shortList: String { prefix(5).joined(separator: ", ") + (count > 5 ? " and \(count - 5) more" : "") }
}
