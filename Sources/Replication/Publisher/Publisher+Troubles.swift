package import ClusterModel

/// What people must hear of about members besides drift.
package struct Troubles: Hashable, Sendable {
    /// Members that are away although nobody disconnected them.
    package var away: [MembershipID: Absence] = [:]
    /// What members refused of what they should run.
    package var rejected: [MembershipID: Receipt] = [:]
    /// Of those that were told of before, members that have not applied what they should run, and not refused it so far.
    package var unapplied: Set<MembershipID> = []
    /// What members lately put right by themselves.
    package var mended: [MembershipID: Mend] = [:]

    package struct Absence: Hashable, Sendable {
        package var lastHeard: Timestamp
        /// That its agent and this manager cannot talk with each other; nil when they could.
        package var objection: String?

        package init(lastHeard: Timestamp, objection: String? = nil) {
            self.lastHeard = lastHeard
            self.objection = objection
        }
    }

    package init() {}
}

extension Publisher {
    /// What is wrong now. Members that were told of stay until it is over.
    ///
    /// `away` and `rejected` were told of. A member is away for ``Limits/offlineSeconds`` before that counts, from when it
    /// was first seen to be, so that neither a restart of its agent nor one of the manager does. One never heard of is not awaited.
    package mutating func troubles(toldOf away: Set<MembershipID>, rejected: Set<MembershipID>, now: Timestamp) -> Troubles {
        var troubles = Troubles()
        let steady = steady(now)
        nextTrouble = nil
        for (membership, member) in members {
            if let absence = absence(of: membership, member, isToldOf: away.contains(membership), steady) {
                troubles.away[membership] = absence
            }
            if let mend = member.record.lastMend {
                let left = Int64(Limits.mendedSeconds) - (now.seconds - mend.heard.seconds)
                if left > 0 {
                    troubles.mended[membership] = mend
                    look(at: steady + left)
                }
            }
            guard !member.isDisconnected else { continue }
            if let receipt = member.record.lastRejected, receipt.target.digest == member.goal.target.digest {
                troubles.rejected[membership] = receipt
            } else if rejected.contains(membership), member.record.appliedDigest != member.goal.target.digest {
                troubles.unapplied.insert(membership)
            }
        }
        return troubles
    }

    /// Whether it is time for another look at troubles although nobody spoke.
    package mutating func isTroubleDue(now: Timestamp) -> Bool {
        guard let next = nextTrouble, next <= steady(now) else { return false }
        nextTrouble = nil
        return true
    }

    private mutating func absence(of membership: MembershipID, _ member: Member, isToldOf: Bool, _ steady: Int64) -> Troubles.Absence? {
        guard !member.record.isConnected, !member.isDisconnected, let lastHeard = member.record.lastHeard else {
            away[membership] = nil
            return nil
        }
        let since = away[membership] ?? steady
        away[membership] = since
        guard isToldOf || steady - since >= Int64(Limits.offlineSeconds) else {
            look(at: since + Int64(Limits.offlineSeconds))
            return nil
        }
        return Troubles.Absence(lastHeard: lastHeard, objection: member.record.versionObjection)
    }

    private mutating func look(at moment: Int64) { nextTrouble = min(moment, nextTrouble ?? moment) }
}
