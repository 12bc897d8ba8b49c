import ClusterModel
import Replication
import SeededRandomness

/// Certificates and CAs of a simulation: texts that name them, and nothing that could be computed wrong.
enum SimulatedIdentity {
    /// A CA, by its number.
    static func authority(_ number: Int) -> ClusterCA {
        ClusterCA(certificate: "ca \(number)", key: Digest(hashing: Array("ca key \(number)".utf8)))
    }

    /// The fingerprints of a PEM text of CAs.
    static func fingerprints(_ pem: String) -> [Digest] {
        pem.split(separator: "\n").map { ClusterCA(certificate: String($0), key: Digest(hashing: [])).fingerprint }
    }

    /// What a machine holds after a join at a moment.
    static func papers(by rotation: Rotation, now: Timestamp) -> IdentityPapers {
        IdentityPapers(
            trusted: rotation.trusted.map(\.fingerprint), issuer: rotation.issuing.fingerprint, notBefore: now,
            notAfter: now.adding(days: 365))
    }

    /// A certificate for a machine.
    static func renewed(by rotation: Rotation, now: Timestamp) throws -> RenewedIdentity {
        let certificate = try JSONValue(encoding: papers(by: rotation, now: now)).canonicalBytes
        return RenewedIdentity(certificate: String(decoding: certificate, as: UTF8.self), trust: Rotation.pem(rotation.trusted))
    }

    static func papers(_ text: [UInt8]?) -> IdentityPapers? {
        text.flatMap { try? JSONValue(parsing: $0).decode(IdentityPapers.self) }
    }
}

// MARK: - The machine

extension SimulatedMember {
    /// What its disk says that it holds.
    var papers: IdentityPapers? {
        guard let text = disk.read("papers") else { return nil }
        if let readPapers, readPapers.text == text { return readPapers.papers }
        guard let papers = SimulatedIdentity.papers(text) else { return nil }
        readPapers = (text, papers)
        return papers
    }

    /// Before the identity, which makes it a member.
    func take(_ papers: IdentityPapers) throws { try disk.replace("papers", try JSONValue(encoding: papers).canonicalBytes) }

    /// A file of its own for each: those whom it trusts, then the certificate.
    func adopt(_ offer: AuthorityOffer) throws -> IdentityPapers? {
        guard var papers else { return nil }
        papers.trusted = SimulatedIdentity.fingerprints(offer.trust).sorted()
        try take(papers)
        return papers
    }

    func takeUp(_ renewed: RenewedIdentity) throws -> IdentityPapers? {
        guard let new = SimulatedIdentity.papers(Array(renewed.certificate.utf8)) else { return nil }
        let trusted = SimulatedIdentity.fingerprints(renewed.trust)
        _ = try adopt(AuthorityOffer(trust: renewed.trust, issuing: trusted[0]))
        var papers = new
        papers.trusted = trusted.sorted()
        try take(papers)
        return papers
    }
}

// MARK: - The cluster

extension SimulatedWorld {
    /// Somebody takes the next step of the rotation, or gives it up, if the gate lets them.
    func rotate() {
        guard let publisher = manager.publisher, let rotation = manager.state.rotation else { return }
        let move = random.chance(150) ? random.pick(rotation.moves) : rotation.moves[0]
        let roster = Array(manager.state.memberships.values)
        do throws(Refusal) {
            try rotation.check(move, roster: roster, records: publisher.records)
        } catch {
            return note("the step \(move.rawValue) is refused: \(error.details.joined(separator: ", "))")
        }
        let prepared = move == .prepare ? SimulatedIdentity.authority(nextEntry()) : nil
        manager.append(.caRotated(CARotated(move, prepared: prepared)))
    }

    /// The steps keep their promises: whoever is a member recognizes the manager, and is recognized.
    func checkIdentities() {
        guard unknownEntries == nil, let rotation = manager.state.rotation else { return }
        for member in members where manager.state.memberships[member.id] != nil {
            guard let papers = member.papers else { return violation("\(member.name) holds no papers") }
            if !papers.trusted.contains(rotation.shown.fingerprint) { violation("\(member.name) does not recognize the manager any more") }
            guard let issuer = papers.issuer, rotation.accepted.contains(where: { $0.fingerprint == issuer }) else {
                return violation("the manager does not take the certificate of \(member.name) any more")
            }
            if rotation.step == .activated, let next = rotation.next, !papers.trusted.contains(next.fingerprint) {
                violation("the next CA was activated before \(member.name) trusted it")
            }
        }
    }

    /// Whether a machine has followed the CA to where it is.
    func holdsNewest(_ member: SimulatedMember) -> Bool {
        guard let rotation = manager.state.rotation, let papers = member.papers else { return false }
        return papers.trusted == rotation.trusted.map(\.fingerprint).sorted() && papers.issuer == rotation.issuing.fingerprint
            && manager.publisher?.record(of: member.id)?.papers == papers
    }
}
