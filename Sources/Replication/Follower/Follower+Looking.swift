package import ClusterModel

// Drift: what was applied and proved may change afterwards, by whatever hand. The member looks from time to time and speaks on change.
extension Follower {
    /// It is time to see whether what is in force is still what was applied. Nothing while anything else is to be done.
    package mutating func look() -> [Action] {
        guard case .none = work, let running, isInForce, !isOver else { return [] }
        work = .looking
        return [.look(running.configuration.digest)]
    }

    /// What ``Action/look(_:)`` saw: what services serve, and what else is no longer as it was applied.
    ///
    /// What is as it was when the member last spoke of it is not said again. A member that mends by itself begins to.
    package mutating func looked(_ proofs: [ServiceProof], drift: [String], now: Timestamp) -> [Action] {
        guard case .looking = work, let running else { return [] }
        work = .none
        let objections = ServiceComparison(of: running.configuration, proofs: proofs).objections + drift
        let isToMend = mending.sees(objections, now: now) && !isNews
        let outcome = Receipt.Outcome.applied(digest: running.configuration.digest, proofs: proofs)
        let drift = Follower.cut(drift, remark: mending.remark)
        let isSaid = proof?.outcome == outcome && proof?.drift == drift
        let words = isSaid ? [] : say(Receipt(target: running.target, outcome: outcome, time: now, drift: drift, isUnasked: true))
        guard isToMend else { return words + next() }
        work = .mending(objections)
        return words + [.mend(running.configuration.digest)]
    }

    /// Whether a configuration is being worked on, so that what gateway and services show says nothing.
    package var isBusy: Bool {
        switch work {
        case .none, .looking: waiting != nil
        case .layingOut, .applying, .resuming, .proving, .mending: true
        }
    }

    /// No more reasons than a receipt has room for; the remark has its place behind them.
    static func cut(_ reasons: [String], remark: String? = nil) -> [String] {
        let room = Limits.receiptReasons - (remark == nil ? 0 : 1)
        return (reasons.prefix(room) + [remark].compactMap(\.self)).map { String($0.prefix(Limits.reasonLength)) }
    }
}
