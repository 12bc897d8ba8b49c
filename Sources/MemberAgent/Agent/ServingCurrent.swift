import ClusterModel
import Gateways
import Logging
import Replication

// What is in force on the disk, and what commands change there.
extension AgentService {
    /// Serves what was in force before this start, with or without a manager.
    func start() async throws(Refusal) -> [Errand] {
        let (found, damages) = try directory.current()
        board.damages = damages.map(\.description)
        for damage in damages {
            logger.error("a generation is damaged", metadata: ["damage": "\(damage)"])
        }
        // A member gets all of it from its manager; a standalone machine has nowhere to get it from.
        let isMember = try directory.membershipFacts() != nil
        guard found != nil || isMember else {
            throw Refusal(
                .unreadable, "No generation in \(directory.path) can be read. Restore it from a backup, or make the machine anew.",
                details: board.damages)
        }
        current = found
        if let found, !damages.isEmpty { try directory.switchCurrent(to: found.number) }
        let errands = await lookAtMembership()
        if !isInForce, following?.follower.running == nil { await resumeOwn() }
        installer.cleanUp()
        return errands
    }

    /// A standalone machine's settings may have been changed while no agent ran: those were never proved, and if the gateway
    /// refuses them the ones before are put back.
    private func resumeOwn() async {
        guard let generation = current else { return }
        do throws(Refusal) {
            took(generation, try await installer.resume(generation))
        } catch {
            logger.error("the gateway refuses what is in force", metadata: ["reasons": "\(error.reasons)"])
            board.objections = error.reasons
            guard let previous = previousOwn(before: generation.number),
                case .inForce(let restored, let proofs) = await installer.putInForce(previous, over: nil)
            else { return }
            installer.discard(generation)
            took(restored, proofs)
            board.objections = error.reasons
        }
    }

    private func previousOwn(before number: Int) -> Generation? {
        // What cannot be read is of no use here.
        let numbers = ((try? directory.generationNumbers()) ?? []).filter { $0 < number }
        return numbers.reversed().lazy.compactMap { [directory] in try? directory.generation($0) }
            .first { $0.kind == .standalone }
    }

    /// Applies what a command has put in force; goes back when that does not work.
    func lookAtCurrent() async -> [Errand] {
        guard let number = directory.currentNumber() else { return [] }
        guard number != current?.number else {
            guard !isInForce, retries.isDue() else { return [] }
            return await retry()
        }
        do throws(DamagedGeneration) {
            return await take(try directory.generation(number))
        } catch {
            logger.error("a generation is damaged", metadata: ["damage": "\(error)"])
            board.damages = [error.description]
            if let current { goBack(to: current, from: number) }
        }
        return []
    }

    private func take(_ generation: Generation) async -> [Errand] {
        if isInForce, current?.settings.digest == generation.settings.digest {
            // A machine that left: the same settings, now its own. Or edits that came to nothing.
            current = generation
            installer.cleanUp()
            return await ranOwn(generation)
        }
        let previous = current
        switch await installer.putInForce(generation, over: isInForce ? previous : nil, isCurrent: true) {
        case .inForce(let generation, let proofs):
            took(generation, proofs)
            board.damages = []
            return await ranOwn(generation)
        case .rejected(let refusal, let isRestored):
            board.objections = refusal.reasons
            isInForce = isInForce && isRestored
            guard let previous else { return [] }
            goBack(to: previous, from: generation.number)
            installer.discard(generation)
            return await droppedOwn(generation)
        }
    }

    /// What is in force on the disk and not at the gateway is tried again.
    private func retry() async -> [Errand] {
        guard following?.follower.running == nil else { return await obey(following?.follower.started()) }
        await resumeOwn()
        return []
    }

    /// The gateway has it in force, and this is what it was seen to serve.
    func took(_ generation: Generation, _ proofs: Proofs) {
        current = generation
        isInForce = true
        retries = Retries()
        board.proofs = proofs
        board.objections = proofs.objections
        board.drift = []
        board.remark = nil
    }

    private func goBack(to previous: Generation, from rejected: Int) {
        do throws(Refusal) {
            try directory.switchCurrent(to: previous.number, from: rejected)
        } catch {
            logger.error("the generation before cannot be put back", metadata: ["reason": "\(error.reason)"])
        }
    }
}

/// When to try again what failed: after 1, 2, 4 ... seconds, at most a minute. Counted in ticks.
struct Retries: Sendable {
    private var pause = 1
    private var left = 1

    init() {}

    mutating func isDue() -> Bool {
        left -= 1
        guard left <= 0 else { return false }
        pause = min(60, pause * 2)
        left = pause
        return true
    }
}
