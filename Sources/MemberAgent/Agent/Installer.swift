import ClusterModel
import Gateways
import Logging

/// Puts generations in force on this machine, each applied, proved and then switched to, or not at all.
///
/// A crash at any point comes back with a generation that was proved: `current` is switched after the proof, and a start
/// applies what is current. Calls come one at a time.
struct Installer: Sendable {
    let directory: StateDirectory
    let gateway: any Gateway
    let prober: any Prober
    let clock: any Clock<Duration>
    let logger: Logger

    /// What became of an attempt.
    enum Outcome: Sendable {
        case inForce(Generation, Proofs)
        /// The one before is in force again; false when even that one could not be put back.
        case rejected(Refusal, isRestored: Bool)
    }

    /// Puts a generation that lies on the disk in force. One that a command made current stays so, also if a newer one took its place
    /// meanwhile. With `replaced` it takes the place of that one only.
    func putInForce(
        _ generation: Generation, over previous: Generation?, isCurrent: Bool = false, insteadOf replaced: Int? = nil
    ) async -> Outcome {
        switch await attempt(generation) {
        case .refused(let refusal):
            // By the gateway's promise, the one before was never out of force.
            return rejected(generation, refusal, isRestored: true)
        case .timedOut:
            return rejected(generation, Installer.timedOut, isRestored: await restore(previous))
        case .seen(let proofs):
            guard proofs.objections.isEmpty else {
                let refusal = Refusal(.wouldBreak, "The services were not seen to serve what they should.", details: proofs.objections)
                return rejected(generation, refusal, isRestored: await restore(previous))
            }
            do throws(Refusal) {
                if !isCurrent { try directory.switchCurrent(to: generation.number, from: replaced) }
            } catch {
                return rejected(generation, error, isRestored: await restore(previous))
            }
            cleanUp()
            return .inForce(generation, proofs)
        }
    }

    /// Applies what was in force before, and looks at what it serves, whatever that is.
    func resume(_ generation: Generation) async throws(Refusal) -> Proofs {
        switch await attempt(generation) {
        case .seen(let proofs): return proofs
        case .refused(let refusal): throw refusal
        case .timedOut: throw Installer.timedOut
        }
    }

    /// Sees what a generation in force serves, and changes nothing.
    func prove(_ generation: Generation) async -> Proofs {
        // Settings that cannot be read are not in force.
        let services = (try? generation.services()) ?? []
        return Proofs(of: services, await prober.prove(services))
    }

    private func rejected(_ generation: Generation, _ refusal: Refusal, isRestored: Bool) -> Outcome {
        logger.warning("configuration rejected", metadata: ["generation": "\(generation)", "reasons": "\(refusal.reasons)"])
        return .rejected(refusal, isRestored: isRestored)
    }

    private func restore(_ previous: Generation?) async -> Bool {
        guard let previous else { return false }
        do throws(Refusal) {
            _ = try await resume(previous)
            return true
        } catch {
            logger.error("the configuration before could not be put back", metadata: ["reasons": "\(error.reasons)"])
            return false
        }
    }

    /// Takes a generation that was rejected off the disk, with its keys.
    func discard(_ generation: Generation) {
        do throws(Refusal) {
            try directory.discard(generation)
        } catch {
            logger.warning("a rejected generation stays on the disk until the next change", metadata: ["reason": "\(error.reason)"])
        }
    }

    /// Deletes what is no longer needed. If that fails now, it is done at the next change or start.
    func cleanUp() {
        do throws(Refusal) {
            try directory.deleteOldGenerations()
        } catch {
            logger.warning("old generations stay on the disk until the next change", metadata: ["reason": "\(error.reason)"])
        }
    }
}

// MARK: - In time

extension Installer {
    private enum Attempt: Sendable {
        /// It is in force, and this is what is served.
        case seen(Proofs)
        case refused(Refusal)
        case timedOut
    }

    private static let timedOut = Refusal(
        .unavailable, "timed out: the gateway had \(Limits.applySeconds) seconds to apply and prove the configuration")

    /// Applies and proves. Cancels that when the time is up, and waits for it to end: a gateway is never asked twice at once.
    private func attempt(_ generation: Generation) async -> Attempt {
        await withTaskGroup(of: Attempt.self) { [gateway, prober, clock] tasks in
            tasks.addTask {
                do throws(Refusal) {
                    let services = try generation.services()
                    try await gateway.apply(generation.configuration)
                    return .seen(Proofs(of: services, await prober.prove(services)))
                } catch {
                    return .refused(error)
                }
            }
            tasks.addTask {
                // Interrupted means that the work is done, or that the agent ends.
                try? await clock.sleep(for: .seconds(Limits.applySeconds))
                return .timedOut
            }
            let first = await tasks.next() ?? .timedOut
            tasks.cancelAll()
            return first
        }
    }
}

extension Generation {
    /// The services that it should bring, or why this version cannot tell.
    func services() throws(Refusal) -> [IntendedService] {
        do throws(SettingError) {
            return try settings.intendedServices()
        } catch {
            throw Refusal(.invalid, "The settings cannot be read here.", details: [error.description])
        }
    }
}

extension Refusal {
    /// Every reason on its own, within the limits of a receipt.
    var reasons: [String] {
        (details.isEmpty ? [reason] : details).prefix(Limits.receiptReasons).map { String($0.prefix(Limits.reasonLength)) }
    }
}
