import ClusterModel
import Logging
import Replication

// What is no longer as it was applied is laid out and applied once more, where the machine is set up to do so by itself.
extension AgentService {
    /// Performs ``Follower/Action/mend(_:)``.
    func mend() async -> [Follower.Action] {
        guard let generation = current else { return [] }
        defer { board.remark = following?.follower.mending.remark }
        switch await remake(generation) {
        case .inForce(_, let proofs): return following?.follower.mended(.success(proofs.proofs), now: now()) ?? []
        case .rejected(let refusal, let isRestored):
            return following?.follower.mended(.failure(refusal), isRestored: isRestored, now: now()) ?? []
        }
    }

    /// The same for a standalone machine, when it is due.
    func mendOwn(_ generation: Generation, _ objections: [String]) async {
        if mending.sees(objections, now: now()), case .rejected(let refusal, _) = await remake(generation) {
            mending.failed(refusal, now: now())
        }
        board.remark = mending.remark
    }

    /// Puts what is current in force once more, as a new generation: what lies on the disk may be what was changed.
    private func remake(_ generation: Generation) async -> Installer.Outcome {
        logger.warning("what is in force was changed, and is mended", metadata: ["generation": "\(generation)", "drift": "\(board.drift)"])
        let laid: Generation
        do throws(Refusal) {
            laid = try directory.layOutAgain(generation, for: following?.follower.running?.target)
        } catch {
            logger.error("what was changed cannot be mended", metadata: ["reason": "\(error.reason)"])
            return .rejected(error, isRestored: true)
        }
        // A command may put another in its place meanwhile, and that one stands. Where somebody took the link away, there is none.
        let replaced = directory.currentNumber() == nil ? nil : generation.number
        let outcome = await installer.putInForce(laid, over: generation, insteadOf: replaced)
        switch outcome {
        case .inForce(let generation, let proofs):
            logger.notice("what was changed is mended", metadata: ["generation": "\(generation)"])
            took(generation, proofs)
            board.damages = []
            // If it cannot be kept in mind, edits that a later start refuses are taken back, as if they had never been proved.
            if !generation.edits.isEmpty { try? directory.noteProved(generation) }
        case .rejected(_, let isRestored):
            isInForce = isInForce && isRestored
            installer.discard(laid)
        }
        return outcome
    }
}
