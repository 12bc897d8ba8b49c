import ClusterModel
import Gateways
import Logging
import Replication

// A member that is disconnected on purpose, and what somebody at the machine edits meanwhile.
extension AgentService {
    /// Keeps what the manager said about staying apart.
    func stayApart(_ isDisconnected: Bool) -> [Follower.Action] {
        logger.notice(isDisconnected ? "disconnected from the cluster on purpose" : "reconnected to the cluster")
        return stands { () throws(Refusal) in try directory.stayApart(isDisconnected) }
    }

    /// Forgets edits that the manager says are decided.
    func settle(_ edits: [String]) -> [Follower.Action] {
        stands { () throws(Refusal) in try directory.settle(edits) }
    }

    private func stands(_ change: () throws(Refusal) -> Apart) -> [Follower.Action] {
        do throws(Refusal) {
            return following?.follower.stands(.success(try change())) ?? []
        } catch {
            // The manager says it again on the next connection.
            logger.error("what the manager said cannot be kept", metadata: ["reason": "\(error.reason)"])
            return following?.follower.stands(.failure(error)) ?? []
        }
    }

    /// Tells the manager which edits this machine has, with their keys and chains.
    func report(_ apart: Apart) {
        var report = LocalEditReport(isDisconnected: apart.isDisconnected, edits: apart.edits)
        do throws(Refusal) {
            report.material = try current?.material(of: apart.edits) ?? []
        } catch {
            logger.error("keys of local edits cannot be read", metadata: ["reason": "\(error.reason)"])
        }
        following?.connection?.link.send(.localEdits(report))
    }

    /// The edits of a generation are in force.
    func ranOwn(_ generation: Generation) async -> [Errand] {
        guard generation.kind == .member, let target = generation.target, following != nil else { return [] }
        do throws(Refusal) {
            if !generation.edits.isEmpty { try directory.noteProved(generation) }
            let apart = try directory.apart(of: generation)
            let running = Follower.Running(target: target, configuration: generation.settings)
            return await obey(following?.follower.ranOwn(running, board.proofs?.proofs ?? [], apart: apart, now: now()))
        } catch {
            logger.error("what is in force cannot be kept in mind", metadata: ["reason": "\(error.reason)"])
            board.damages = [error.reason]
            return []
        }
    }

    /// The gateway rejected edits: those that it has in force count, and the manager may have heard of others.
    func droppedOwn(_ generation: Generation) async -> [Errand] {
        guard generation.kind == .member, following != nil else { return [] }
        return await obey(stands { () throws(Refusal) in try directory.apart() })
    }

    /// Puts back what was in force before edits that were made while no agent ran, and that the gateway refuses. Nil when there is no
    /// such: what was proved once is tried again and again, and stays.
    func putBack(_ generation: Generation, after refusal: Refusal) async -> [Follower.Action]? {
        // What cannot be read is of no use here, nor below.
        guard !generation.edits.isEmpty, let record = try? directory.apartRecord(), record.proved != generation.number,
            // As above.
            let previous = ((try? directory.generationNumbers()) ?? []).last(where: { $0 < generation.number })
                .flatMap({ try? directory.generation($0) }),
            previous.kind == .member, let target = previous.target,
            case .inForce(let restored, let proofs) = await installer.putInForce(previous, over: nil),
            // Read a moment ago.
            let apart = try? directory.apart(of: restored)
        else { return nil }
        installer.discard(generation)
        took(restored, proofs)
        board.objections = refusal.reasons
        let running = Follower.Running(target: target, configuration: restored.settings)
        return following?.follower.ranOwn(running, proofs.proofs, apart: apart, now: now())
    }
}
