package import ClusterModel

/// When a machine puts right by itself what is no longer as it was applied, and when it leaves that to people (decision 22).
///
/// What is mended and changes again is changed by a program: the machine waits longer each time, and stops after
/// ``Limits/mends`` times. What then stays as it was applied for ``Limits/mendHeldSeconds`` is a matter of the past.
package struct Mending: Hashable, Sendable {
    private let isOn: Bool
    /// How often it was tried since things last stayed as they were, and when last.
    private var count = 0
    private var last: Timestamp?
    /// Why the last try did not work.
    private var failure: String?
    /// Why what was seen last is not mended at once, for people; nil where there is nothing to say.
    package private(set) var remark: String?

    /// `isOn` is whether the machine is set up to mend anything by itself.
    package init(isOn: Bool) { self.isOn = isOn }

    /// Takes in what a look found wrong; true when it is to be put right now, and that is counted as tried.
    package mutating func sees(_ objections: [String], now: Timestamp) -> Bool {
        remark = nil
        guard isOn else { return false }
        guard !objections.isEmpty else {
            failure = nil
            if let last, now.seconds - last.seconds >= Int64(Limits.mendHeldSeconds) { count = 0 }
            return false
        }
        guard count < Limits.mends, wait(now) == nil else {
            remark = reason(now)
            return false
        }
        (count, last, failure) = (count + 1, now, nil)
        return true
    }

    /// What was tried did not work.
    package mutating func failed(_ refusal: Refusal, now: Timestamp) {
        failure = refusal.receiptReasons.joined(separator: "; ")
        remark = reason(now)
    }

    /// Another configuration was applied, or the same once more because somebody asked: what was tried before counts no more.
    mutating func forget() { self = Mending(isOn: isOn) }

    /// Until when nothing is tried; nil when it may be now. A clock that was set back does not make it longer.
    private func wait(_ now: Timestamp) -> Timestamp? {
        guard let last, count > 0 else { return nil }
        let pause = Int64(Limits.mendPauseSeconds) << Int64(count - 1)
        return (0..<pause).contains(now.seconds - last.seconds) ? last.adding(seconds: pause) : nil
    }

    private func reason(_ now: Timestamp) -> String {
        let times = count == 1 ? "once" : "\(count) times"
        let past = failure.map { "mending it by itself failed: \($0)" } ?? "it was mended \(times) and changed again"
        guard count < Limits.mends else {
            return
                "\(past); this machine has tried \(times) and leaves it alone now: find what changes it, then: muster check MACHINE --keep cluster"
        }
        return wait(now).map { "\(past); the next try is not before \($0)" } ?? past
    }
}

extension Follower {
    /// What became of ``Action/mend(_:)``; after a failure, whether what was running before is in force again.
    package mutating func mended(_ result: Result<[ServiceProof], Refusal>, isRestored: Bool = true, now: Timestamp) -> [Action] {
        guard case .mending(let objections) = work, let running else { return [] }
        work = .none
        switch result {
        case .success(let proofs):
            let outcome = Receipt.Outcome.applied(digest: running.configuration.digest, proofs: proofs)
            return say(Receipt(target: running.target, outcome: outcome, time: now, isUnasked: true, mended: Follower.cut(objections)))
                + next()
        case .failure(let refusal):
            mending.failed(refusal, now: now)
            guard isRestored else {
                isInForce = false
                return next()
            }
            guard var receipt = proof else { return next() }
            (receipt.drift, receipt.time) = (Follower.cut(receipt.drift, remark: mending.remark), now)
            return say(receipt) + next()
        }
    }
}
