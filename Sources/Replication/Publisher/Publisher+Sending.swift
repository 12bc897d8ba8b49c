package import ClusterModel

extension Publisher {
    /// Tells a member what it has to know, and sends it what it lacks, if it is there, follows, is not busy, and has not rejected it.
    ///
    /// With `isProofAskedFor`, a proof that fell short is worth another look now.
    mutating func push(_ membership: MembershipID, isProofAskedFor: Bool = false, now: Timestamp) -> [Action] {
        tell(membership) + send(membership, isProofAskedFor: isProofAskedFor, now: now)
    }

    private mutating func send(_ membership: MembershipID, isProofAskedFor: Bool, now: Timestamp) -> [Action] {
        guard lost == nil, var member = members[membership], let connection = member.connection, let greeting = connection.greeting,
            connection.inFlight == nil, member.mayFollow, member.rejection?.digest != member.goal.target.digest
        else { return [] }
        let goal = member.goal
        if greeting.running == goal.target.digest, !member.isWholeWanted, !member.needsProof(isAskedFor: isProofAskedFor) { return [] }
        let lacks = greeting.older.map { goal.configuration.lacks(of: $0) } ?? []
        guard lacks.isEmpty else { return reject(membership, goal.target, Publisher.tooOld(for: lacks), now: now) }

        member.connection?.inFlight = InFlight(target: goal.target, since: steady(now))
        // From here on the machine may be on its way from what it last proved.
        if member.record.appliedDigest != goal.target.digest { member.record.isProofValid = false }
        let base = member.isWholeWanted ? nil : member.known(greeting.running)
        member.isWholeWanted = false
        members[membership] = member
        let plan = UpdatePlan(target: goal.target, head: head, configuration: goal.configuration, base: base)
        return [.update(connection.id, plan)]
    }

    /// The manager's own conclusion that a member does not take a target. It stands as a rejection.
    mutating func reject(_ membership: MembershipID, _ target: Target, _ reason: String, now: Timestamp) -> [Action] {
        let receipt = Receipt(target: target, outcome: .rejected(reasons: [reason]), time: now)
        guard var member = members[membership] else { return [] }
        member.rejection = Rejection(digest: target.digest, isMembersWord: false)
        member.record.take(receipt, target: member.goal.target.digest)
        members[membership] = member
        return [.record(membership, receipt)]
    }

    /// Time passes: members that have been applying for too long have rejected, as far as the fleet is concerned.
    ///
    /// Call it every second or so. Should the receipt come later all the same, it counts.
    package mutating func tick(now: Timestamp) -> [Action] {
        var actions: [Action] = []
        for membership in order {
            guard let inFlight = members[membership]?.connection?.inFlight,
                steady(now) - inFlight.since >= Int64(Limits.applySeconds)
            else { continue }
            members[membership]?.connection?.inFlight = nil
            actions += reject(membership, inFlight.target, Publisher.timedOut, now: now)
            actions += push(membership, now: now)
        }
        return actions
    }

    private static let timedOut =
        "timed out: the machine did not say within \(Limits.applySeconds) seconds that it applied the configuration; look at its agent's log"

    private static func tooOld(for lacks: [SettingLack]) -> String {
        "the agent on this machine is too old for \(SettingLack.text(of: lacks)); upgrade it, or take these settings away from the machine"
    }
}

extension Publisher.Member {
    /// Whether a machine that runs its target's digest should still be asked to prove it.
    ///
    /// An earlier receipt for the same digest proves a newer target too: a change that does not concern a machine sends it nothing.
    fileprivate func needsProof(isAskedFor: Bool) -> Bool {
        guard record.vouches(for: goal.target.digest) else { return true }
        return isAskedFor && !ServiceComparison(of: goal.configuration, proofs: record.proofs).objections.isEmpty
    }
}
