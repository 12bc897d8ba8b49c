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
    /// What is as it was when the member last spoke of it is not said again.
    package mutating func looked(_ proofs: [ServiceProof], drift: [String], now: Timestamp) -> [Action] {
        guard case .looking = work, let running else { return [] }
        work = .none
        let outcome = Receipt.Outcome.applied(digest: running.configuration.digest, proofs: proofs)
        let drift = Follower.cut(drift)
        guard proof?.outcome != outcome || proof?.drift != drift else { return next() }
        return say(Receipt(target: running.target, outcome: outcome, time: now, drift: drift, isUnasked: true)) + next()
    }

    /// Whether a configuration is being worked on, so that what gateway and services show says nothing.
    package var isBusy: Bool {
        switch work {
        case .none, .looking: waiting != nil
        case .layingOut, .applying, .resuming, .proving: true
        }
    }

    static func cut(_ reasons: [String]) -> [String] {
        reasons.prefix(Limits.receiptReasons).map { String($0.prefix(Limits.reasonLength)) }
    }
}
