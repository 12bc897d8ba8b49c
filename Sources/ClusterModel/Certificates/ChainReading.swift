/// How the certificates of a chain hang together.
struct ChainReading {
    let chain: [CertificateFacts]
    /// The places of the leaf, its issuer, that one's issuer, as far as they are there.
    let path: [Int]

    init(_ chain: [CertificateFacts]) {
        self.chain = chain
        var path = chain.isEmpty ? [] : [0]
        while let last = path.last, let next = ChainReading.issuer(of: last, in: chain, besides: path) { path.append(next) }
        self.path = path
    }

    /// Facts of before do not know who signed, so that names must do.
    private static func issuer(of place: Int, in chain: [CertificateFacts], besides path: [Int]) -> Int? {
        let facts = chain[place]
        guard !facts.isSelfSigned else { return nil }
        return chain.indices.first { other in
            !path.contains(other) && (facts.isDetailed ? chain[other].fingerprint == facts.signer : chain[other].subject == facts.issuer)
                // A copy of what is in the path is a copy and no issuer.
                && !path.contains { chain[$0].fingerprint == chain[other].fingerprint }
        }
    }

    /// What there is to say of the chain as a whole.
    func findings(anchors: [CertificateFacts]?) -> [CertificateFinding] {
        var findings: [CertificateFinding] = []
        if path != path.sorted() {
            findings.append(
                .init(
                    .outOfOrder, .warning,
                    "The intermediates do not stand in the order in which each signed the one before; some clients give up.",
                    cure: "Upload the certificate and its intermediates again: they are put in order."))
        }
        let surplus = chain.indices.filter { !path.contains($0) }.map { ($0, kind(of: $0)) }
        findings += surplus.map { surplusFinding(chain[$0], $1) }
        if path.count > 1, let root = path.last.map({ chain[$0] }), root.isSelfSigned {
            findings.append(
                .init(
                    .rootIncluded, .notice, "The chain ends with the root \(root.subject), which clients have or do not trust anyway.",
                    cure: "Leave the root out; it costs bytes in every handshake and helps nobody."))
        }
        if let last = path.last, isIncomplete(at: chain[last], anchors, surplus.map(\.1)) {
            findings.append(gap(behind: chain[last], anchors))
        }
        return findings
    }

    private enum Surplus { case duplicate, stale, authority, leaf }

    private func kind(of place: Int) -> Surplus {
        let facts = chain[place]
        for other in path.map({ chain[$0] }) {
            let isSameKey = facts.keyFingerprint != nil && facts.keyFingerprint == other.keyFingerprint
            if facts.fingerprint == other.fingerprint || (facts.subject == other.subject && isSameKey && facts.isAuthority) {
                return .duplicate
            }
            if !facts.isDetailed, facts.subject == other.subject { return .duplicate }
        }
        if chain[..<place].contains(where: { $0.fingerprint == facts.fingerprint }) { return .duplicate }
        if path.contains(where: { chain[$0].issuer == facts.subject && !chain[$0].isSelfSigned }) { return .stale }
        return facts.isAuthority ? .authority : .leaf
    }

    private func surplusFinding(_ facts: CertificateFacts, _ kind: Surplus) -> CertificateFinding {
        let name = "\(facts.subject) (\(facts.fingerprint.short))"
        switch kind {
        case .duplicate:
            return .init(
                .duplicateIntermediate, .warning,
                "\(name) is in the chain a second time, by itself or as another certificate of the same key.",
                cure: "Leave it out: upload the certificate with each intermediate once.")
        case .stale:
            return .init(
                .staleIntermediate, .warning,
                "\(name) has the issuer's name, and not the key that signed: it is left from before a renewal, and misleads clients.",
                cure: "Leave it out, and have the issuer's present certificate in its place.")
        case .authority, .leaf:
            return .init(
                .unrelatedCertificate, .warning, "\(name) has nothing to do with this certificate: no signature leads to it.",
                cure: "Leave it out: upload the certificate with its own intermediates only.")
        }
    }

    private func isIncomplete(at last: CertificateFacts, _ anchors: [CertificateFacts]?, _ surplus: [Surplus]) -> Bool {
        guard !last.isSelfSigned else { return false }
        guard let anchors else { return path.count == 1 || surplus.contains(.authority) }
        return !anchors.contains { anchor in
            let isNamed = last.issuerKeyID.isEmpty || anchor.keyID.isEmpty || last.issuerKeyID == anchor.keyID
            return anchor.subject == last.issuer && isNamed
        }
    }

    private func gap(behind last: CertificateFacts, _ anchors: [CertificateFacts]?) -> CertificateFinding {
        let place = anchors == nil ? "which is not in the chain" : "which is neither in the chain nor among the trusted authorities"
        return .init(
            .missingIssuer, .warning, "\(last.subject) is signed by \(last.issuer), \(place): most clients cannot verify it.",
            cure: "Add the certificate of \(last.issuer) to the chain; the authority that issued it has it for download.")
    }
}
