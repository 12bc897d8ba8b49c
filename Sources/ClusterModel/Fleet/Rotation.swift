#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// One CA of the cluster, as everybody may know it.
package struct ClusterCA: Hashable, Sendable {
    /// The certificate, PEM.
    package let certificate: String
    /// The fingerprint of its public key, which names the sealed key.
    package let key: Digest
    /// SHA-256 of the certificate in DER: what invitations pin and machines confirm.
    package let fingerprint: Digest

    package init(certificate: String, key: Digest) {
        self.certificate = certificate
        self.key = key
        let base64 = certificate.split(whereSeparator: \.isNewline).filter { !$0.hasPrefix("-----") }.joined()
        // What is no PEM is nobody's CA, and has a fingerprint that nobody shows.
        fingerprint = Digest(hashing: Array(Data(base64Encoded: base64) ?? Data(certificate.utf8)))
    }
}

/// The cluster's CA, and how far its replacement by the next has come.
///
/// Four steps: the next CA is *prepared*; machines *trust* both; the next is *activated* and issues; the one before is *retired*.
/// A step that would lock a machine out is not taken before every machine of the roster has confirmed the one before.
package struct Rotation: Hashable, Sendable {
    /// Where the rotation stands.
    package enum Step: String, CaseIterable, Hashable, Sendable, Codable {
        /// There is one CA.
        case settled
        /// The next CA is there, and nobody has been told of it.
        case prepared
        /// Machines are told to trust both; the one before issues.
        case trusted
        /// The next issues.
        case activated
    }

    /// What an administrator may have done.
    package enum Move: String, CaseIterable, Hashable, Sendable, Codable {
        case prepare
        case trust
        case activate
        case retire
        /// Back to one CA, before the next has issued anything.
        case abort
    }

    /// A machine that the next step waits for.
    package struct Absentee: Hashable, Sendable {
        package var membership: MembershipID
        package var machine: String
        package var reason: String
    }

    package private(set) var step = Step.settled
    /// The CA that every machine trusts: the one that issued before the rotation, until it is retired.
    package private(set) var current: ClusterCA
    package private(set) var next: ClusterCA?

    package init(current: ClusterCA) { self.current = current }
}

// MARK: - What holds in each step

extension Rotation {
    /// By whom machines should have managers vouched for.
    package var trusted: [ClusterCA] {
        switch step {
        case .settled, .prepared: [current]
        case .trusted, .activated: accepted
        }
    }

    /// By whom a manager takes machines' certificates: every CA that it has the key of.
    ///
    /// From the first step on: a manager that is restored from a backup of that step meets machines that went further.
    package var accepted: [ClusterCA] { [current] + [next].compactMap(\.self) }

    /// Who vouches for machines, and for the manager on the admin port.
    package var issuing: ClusterCA {
        guard step == .activated, let next else { return current }
        return next
    }

    /// Who vouches for the manager on the member port: whom every machine trusts and every open invitation pins.
    package var shown: ClusterCA { current }

    /// What an invitation pins beside ``shown``.
    package var alsoPinned: [ClusterCA] { trusted.filter { $0 != shown } }

    /// Certificates in PEM, one after the other.
    package static func pem(_ authorities: [ClusterCA]) -> String {
        authorities.map { $0.certificate.hasSuffix("\n") ? $0.certificate : $0.certificate + "\n" }.joined()
    }
}

// MARK: - From step to step

extension Rotation {
    /// The moves that are possible now, whoever has confirmed what; the one that leads on comes first.
    package var moves: [Move] {
        switch step {
        case .settled: [.prepare]
        case .prepared: [.trust, .abort]
        case .trusted: [.activate, .abort]
        case .activated: [.retire]
        }
    }

    /// Takes a step. `prepared` is the next CA, which comes with ``Move/prepare``.
    package mutating func take(_ move: Move, prepared: ClusterCA? = nil) throws(Refusal) {
        guard moves.contains(move) else { throw Rotation.refusal(of: move, at: step) }
        switch move {
        case .prepare:
            guard let prepared, prepared.fingerprint != current.fingerprint, prepared.key != current.key else {
                throw Refusal(.invalid, "The next CA is not another one than the CA that there is.")
            }
            (step, next) = (.prepared, prepared)
        case .trust: step = .trusted
        case .activate: step = .activated
        case .retire:
            if let next { current = next }
            (step, next) = (.settled, nil)
        case .abort: (step, next) = (.settled, nil)
        }
    }

    private static func refusal(of move: Move, at step: Step) -> Refusal {
        let now =
            switch step {
            case .settled: "there is one CA, and no next one. Begin with: muster ca prepare"
            case .prepared: "the next CA is prepared. Go on with muster ca trust, or give it up with muster ca abort"
            case .trusted: "machines are told to trust the next CA. Go on with muster ca activate, or give it up with muster ca abort"
            case .activated: "the next CA issues. Go on with muster ca retire; what is activated is not given up any more"
            }
        return Refusal(.conflict, "The step \"\(move.rawValue)\" does not fit: \(now).")
    }

    /// The machines that the next step waits for, sorted by name; none where it waits for nobody.
    ///
    /// After the last step: those that have not said yet that they dropped the CA that was retired.
    package func absentees(of roster: some Collection<Membership>, records: [MembershipID: MachineRecord]) -> [Absentee] {
        roster.compactMap { membership in
            let record = records[membership.id]
            return objection(to: record).map {
                Absentee(membership: membership.id, machine: membership.machine, reason: Rotation.explain($0, record))
            }
        }
        .sorted { $0.machine < $1.machine }
    }

    /// What a machine has not confirmed; nil when it stands in nobody's way.
    private func objection(to record: MachineRecord?) -> String? {
        let papers = record?.papers
        switch step {
        case .prepared: return nil
        case .settled:
            // Whoever has never said anything was not part of a rotation either.
            guard let papers, papers.trusted != [current.fingerprint] else { return nil }
            return "has not confirmed that it trusts this CA alone"
        case .trusted:
            guard let next, papers?.trusted.contains(next.fingerprint) == true else {
                return "has not confirmed that it trusts the next CA"
            }
            return nil
        case .activated:
            guard let next, papers?.issuer == next.fingerprint else { return "has no certificate of the next CA yet" }
            return nil
        }
    }

    private static func explain(_ objection: String, _ record: MachineRecord?) -> String {
        guard let record else { return "\(objection); it was never heard of" }
        if let agent = record.agent, agent.protocols.upperBound < MemberProtocol.identities {
            return "\(objection); its agent\(agent.agent.isEmpty ? "" : " (\(agent.agent))") is too old for that: upgrade it"
        }
        if record.isConnected { return objection }
        return "\(objection); it is offline" + (record.lastHeard.map { ", last heard of at \($0)" } ?? "")
    }

    /// Refuses the move while machines of the roster have not confirmed what it needs; those in `without` are passed over.
    package func check(
        _ move: Move, roster: some Collection<Membership>, records: [MembershipID: MachineRecord], without: Set<MembershipID> = []
    ) throws(Refusal) {
        guard moves.contains(move) else { throw Rotation.refusal(of: move, at: step) }
        guard move == .activate || move == .retire else { return }
        let absentees = absentees(of: roster, records: records).filter { !without.contains($0.membership) }
        guard absentees.isEmpty else {
            let what = absentees.count == 1 ? "1 machine is" : "\(absentees.count) machines are"
            throw Refusal(
                .conflict,
                "The step \"\(move.rawValue)\" would lock machines out: \(what) not ready. Nothing has changed. Wait for them, or remove "
                    + "those that never come back: muster machine remove NAME", details: absentees.map { "\($0.machine): \($0.reason)" })
        }
    }
}
