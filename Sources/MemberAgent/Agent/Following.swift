import ClusterModel
import Gateways
import Logging
import Replication

/// A membership, as the running agent follows it.
struct Following: Sendable {
    var membership: LocalMembership
    var follower: Follower
    /// The newest attempt to connect; word of older ones is not heard.
    var attempt = 0
    var connection: ManagerConnection?
    /// Why there is no connection.
    var trouble: String?
    /// What was last laid out and is not in force yet.
    var laidOut: Generation?

    init(
        _ membership: LocalMembership, current: Generation?, memory: Follower.Memory, apart: Apart, knowledge: AgentKnowledge, mends: Bool
    ) {
        self.membership = membership
        var running: Follower.Running?
        if let current, current.kind == .member, let target = current.target {
            running = Follower.Running(target: target, configuration: current.settings)
        }
        // A certificate that cannot be read shows at the connection; nothing is renewed then.
        follower = Follower(
            running: running, memory: memory, apart: apart, knowledge: knowledge, papers: try? membership.papers, mends: mends)
    }

    /// Managers take turns.
    func manager(for attempt: Int) -> String? {
        let managers = membership.facts.managers
        return managers.isEmpty ? nil : managers[attempt % managers.count]
    }
}

// MARK: - The membership on the disk

extension AgentService {
    /// Begins to follow after a join, and stops after a leave: commands do both on the disk.
    func lookAtMembership() async -> [Errand] {
        do throws(Refusal) {
            guard try directory.membershipFacts() != following?.membership.facts else { return [] }
            stopFollowing()
            guard let membership = try directory.membership() else { return [] }
            following = Following(
                membership, current: current, memory: try directory.memory(), apart: try directory.apart(of: current), knowledge: knowledge,
                mends: mends)
            board.ending = nil
            logger.notice("following a cluster", metadata: ["cluster": "\(membership.facts.cluster)"])
            return await obey(isInForce ? [] : following?.follower.started()) + dial(after: .zero)
        } catch {
            board.damages = [error.reason]
            return []
        }
    }

    private func stopFollowing() {
        following?.connection?.link.close()
        following = nil
    }

    private func dial(after pause: Duration) -> [Errand] {
        dials += 1
        guard let membership = following?.membership, let manager = following?.manager(for: dials) else { return [] }
        following?.attempt = dials
        return [.dial(number: dials, manager: manager, membership: membership, after: pause)]
    }

    /// Performs errands beside the loop.
    static func perform(
        _ errand: Errand, connector: any ManagerConnector, clock: any Clock<Duration>, feed: AsyncStream<AgentEvent>.Continuation,
        questions: AsyncStream<(Int, Question)>.Continuation
    ) async {
        // The sleep throws when the agent ends.
        guard (try? await clock.sleep(for: errand.pause)) != nil else { return }
        guard case .dial(let number, let manager, let membership, _) = errand else {
            feed.yield(.resumptionIsDue)
            return
        }
        let trust = ManagerTrust.authorities(pem: membership.trust, clusterID: membership.facts.clusterID)
        do throws(Refusal) {
            let (link, events) = try await connector.connect(to: manager, as: membership.identity, trusting: trust)
            feed.yield(.opened(ManagerConnection(number: number, manager: manager, link: link)))
            for await event in events {
                switch event {
                case .received(.question(let question)): questions.yield((number, question))
                case .received(let message): feed.yield(.heard(number, message))
                case .closed(let reason): return _ = feed.yield(.closed(number, reason: reason))
                }
            }
            feed.yield(.closed(number, reason: "the connection ended"))
        } catch {
            feed.yield(.closed(number, reason: "\(manager): \(error.reason)"))
        }
    }
}

// MARK: - The connection

extension AgentService {
    func opened(_ connection: ManagerConnection) async -> [Errand] {
        guard connection.number == following?.attempt else {
            connection.link.close()
            return []
        }
        following?.connection = connection
        following?.trouble = nil
        return await obey(following?.follower.connected(now: now()))
    }

    func heard(_ message: ManagerMessage, on number: Int) async -> [Errand] {
        guard number == following?.connection?.number else { return [] }
        return await obey(following?.follower.received(message, now: now()))
    }

    func closed(_ number: Int, reason: String) async -> [Errand] {
        guard number == following?.attempt else { return [] }
        logger.info("no connection to a manager", metadata: ["reason": "\(reason)"])
        following?.trouble = reason
        return await disconnect()
    }

    /// What there was of the connection is over, from whichever side.
    private func disconnect() async -> [Errand] {
        following?.connection?.link.close()
        following?.connection = nil
        following?.attempt = 0
        return await obey(following?.follower.disconnected(random: Double.random(in: 0...1, using: &generator)))
    }
}

// MARK: - The follower's actions

extension AgentService {
    /// Performs what the follower decided, and what it decides on hearing what became of that.
    func obey(_ actions: [Follower.Action]?) async -> [Errand] {
        var queue = actions ?? []
        var errands: [Errand] = []
        while !queue.isEmpty {
            switch queue.removeFirst() {
            case .hello(let hello): following?.connection?.link.send(.hello(hello))
            case .report(let receipt): following?.connection?.link.send(.receipt(receipt))
            case .remember(let memory): remember(memory)
            case .stayApart(let isDisconnected): queue += stayApart(isDisconnected)
            case .settle(let edits): queue += settle(edits)
            case .reportEdits(let apart): report(apart)
            case .layOut(let installation):
                let result = layOut(installation)
                queue += following?.follower.laidOut(result, now: now()) ?? []
            case .apply: queue += await apply()
            case .resume: queue += await resume()
            case .prove: queue += await prove()
            case .look: queue += await look()
            case .mend: queue += await mend()
            case .rollBack: rollBack()
            case .flatten(let end): flatten(end)
            case .renew: queue += askForRenewal()
            case .adopt(let offer): queue += keepIdentity { directory throws(Refusal) in try directory.adopt(offer) }
            case .takeUp(let renewed):
                let now = now()
                queue += keepIdentity { directory throws(Refusal) in try directory.takeUp(renewed, now: now) }
            case .show(let papers): following?.connection?.link.send(.papers(papers))
            case .hangUp(let refusal):
                logger.warning("gave up a connection", metadata: ["manager": "\(manager)", "reason": "\(refusal.reason)"])
                errands += await disconnect()
            case .reconnect(let pause): errands += dial(after: pause)
            case .resumeLater(let pause): errands.append(.resume(after: pause))
            }
        }
        return errands
    }

    private var manager: String { following?.connection?.manager ?? "none" }

    private func remember(_ memory: Follower.Memory) {
        do throws(Refusal) {
            try directory.remember(memory)
        } catch {
            // It is said again at the next word from a manager; until then a restart knows a little less.
            logger.error("what was seen cannot be kept", metadata: ["reason": "\(error.reason)"])
        }
    }

    private func layOut(_ installation: Follower.Installation) -> Result<Digest, Refusal> {
        do throws(Refusal) {
            var base: GatewayConfiguration?
            if let digest = installation.base {
                guard let holder = current, holder.settings.digest == digest else {
                    throw Refusal(.notFound, "The generation \(digest.short), which the update builds on, is not on this machine's disk.")
                }
                base = holder.configuration
            }
            let configuration = try GatewayConfiguration(settings: installation.configuration, material: installation.material, base: base)
            let laid = try directory.layOut(configuration, kind: .member, target: installation.target)
            following?.laidOut = laid
            // The digest is of what the disk has, and the keys on it are those that the settings name.
            return .success(try directory.readBack(laid).settings.digest)
        } catch {
            return .failure(error)
        }
    }

    private func apply() async -> [Follower.Action] {
        guard let generation = following?.laidOut else { return [] }
        switch await installer.putInForce(generation, over: isInForce ? current : nil) {
        case .inForce(let generation, let proofs):
            following?.laidOut = nil
            took(generation, proofs)
            board.damages = []
            return following?.follower.applied(.success(proofs.proofs), now: now()) ?? []
        case .rejected(let refusal, let isRestored):
            board.objections = refusal.reasons
            if !isRestored { isInForce = false }
            return following?.follower.applied(.failure(refusal), isRestored: isRestored, now: now()) ?? []
        }
    }

    private func resume() async -> [Follower.Action] {
        guard let generation = current else { return [] }
        do throws(Refusal) {
            let proofs = try await installer.resume(generation)
            took(generation, proofs)
            return following?.follower.applied(.success(proofs.proofs), now: now()) ?? []
        } catch {
            isInForce = false
            board.objections = error.reasons
            if let actions = await putBack(generation, after: error) { return actions }
            return following?.follower.applied(.failure(error), isRestored: false, now: now()) ?? []
        }
    }

    private func prove() async -> [Follower.Action] {
        guard var generation = current else { return [] }
        // It has proved another revision of the same settings.
        generation.target = following?.follower.running?.target
        let (proofs, drift) = await look(at: generation)
        took(generation, proofs)
        board.drift = drift
        return following?.follower.proved(proofs.proofs, drift: drift, now: now()) ?? []
    }

    private func look() async -> [Follower.Action] {
        guard let generation = current else { return [] }
        let (proofs, drift) = await look(at: generation)
        saw(proofs, drift)
        defer { board.remark = following?.follower.mending.remark }
        return following?.follower.looked(proofs.proofs, drift: drift, now: now()) ?? []
    }

    private func rollBack() {
        guard let generation = following?.laidOut else { return }
        following?.laidOut = nil
        installer.discard(generation)
    }

    /// The membership is over: the same settings go on being served, as the machine's own.
    private func flatten(_ end: Ended) {
        logger.notice("the membership ended", metadata: ["reason": "\(end.reason)"])
        do throws(Refusal) {
            let own = try directory.flatten()
            board.ending = "The membership in \(following?.membership.facts.cluster ?? "the cluster") ended at \(end.time): \(end.reason)"
            current = own
        } catch {
            // The identity is still there: the agent connects with it again, and is told again.
            logger.error("the machine cannot be made standalone", metadata: ["reason": "\(error.reason)"])
            board.damages = [error.reason]
        }
        stopFollowing()
    }
}
