package import ClusterModel

/// The member's decisions: which target it works on, what it checks first, and what it says about the outcome.
///
/// One configuration is worked on at a time, and of those that wait only the newest is kept. Whatever fails, what was in
/// force before stays in force. A value without clock, socket or disk; the agent performs the actions and comes back
/// with what became of them.
package struct Follower: Sendable {
    package internal(set) var running: Running?
    package private(set) var memory: Memory
    /// The newest target heard of, for people.
    package private(set) var newest: Target?
    /// Why the last connection was given up or refused, until a manager welcomes this member.
    package internal(set) var objection: Refusal?
    /// Whether the manager at the other end took the hello.
    package internal(set) var isWelcome = false
    /// The version of the conversation that the manager's welcome named: frames of a later one are not sent.
    package private(set) var version = MemberProtocol.versions.lowerBound
    /// Whether the membership ended and the machine is standalone.
    package private(set) var isOver = false

    /// Whether the machine keeps apart, and its own edits, as its disk has them.
    package internal(set) var apart: Apart

    private let knowledge: AgentKnowledge
    var work = Work.none
    var waiting: Installation?
    private var ending: Ended?
    /// The last word on what is running; nil until there is one in this process.
    var proof: Receipt?
    /// Whether the gateway took what is running. After a failed start it has not.
    var isInForce = false
    /// A delta did not fit: the next hello asks for everything.
    private var needsWhole = false
    /// The rejection that the last hello told of.
    private var announced: Digest?
    /// A digest that was rejected between hello and welcome, and said at the welcome: what the manager sent meanwhile is answered by that.
    private var answered: Digest?
    var backoff = Backoff()
    private var resumption = Backoff()
    /// Whether the agent will call ``started()`` again.
    private var isResumptionDue = false
    /// What it holds of its identity.
    var identity: HeldIdentity
    package internal(set) var mending: Mending

    enum Work: Sendable {
        case none
        case layingOut(Installation)
        case applying(Installation, laidOut: Digest)
        case resuming
        case proving
        case looking
        /// With what it is that is put right.
        case mending([String])
    }

    /// A follower for what is on the disk: the current generation (nil before the first one from the cluster) and the memory.
    ///
    /// `knowledge` is what the agent says of itself, `papers` what it holds of its identity; nil for one that renews nothing. `mends` is
    /// whether it puts right by itself what is no longer as it was applied.
    package init(
        running: Running?, memory: Memory, apart: Apart = Apart(), knowledge: AgentKnowledge, papers: IdentityPapers? = nil,
        mends: Bool = false
    ) {
        mending = Mending(isOn: mends)
        identity = HeldIdentity(papers: papers)
        self.running = running
        self.memory = memory
        self.apart = apart
        self.knowledge = knowledge
    }

    /// The agent started, or the wait of ``Action/resumeLater(after:)`` is over. What is current serves again, with or without a manager.
    package mutating func started() -> [Action] {
        isResumptionDue = false
        guard running != nil, !isInForce, !isOver else { return [] }
        guard case .none = work else { return resumeLater() }
        return resume()
    }
}

// MARK: - The connection

extension Follower {
    /// A connection to a manager is open.
    package mutating func connected(now: Timestamp) -> [Action] {
        guard !isOver else { return [] }
        isWelcome = false
        // It came on another connection; the manager forgot that it sent it, and sends it again if it is still meant.
        waiting = nil
        announced = memory.rejection?.target.digest
        if identity.connected(now: now) { return [.renew] }
        var hello = Hello(
            knowledge: knowledge, clock: now, running: needsWhole ? nil : running?.configuration.digest,
            rejected: memory.rejection?.target.digest, seen: memory.seen, papers: identity.papers)
        hello.isDisconnected = apart.isDisconnected
        hello.localEdits = apart.edits.count
        return [.hello(hello)]
    }

    /// The connection is gone, or could not be made. `random` (0 to 1) spreads the next attempts of a fleet.
    package mutating func disconnected(random: Double) -> [Action] {
        isWelcome = false
        return isOver ? [] : [.reconnect(after: backoff.next(random: random))]
    }

    package mutating func received(_ message: ManagerMessage, now: Timestamp) -> [Action] {
        guard !isOver, ending == nil else { return [] }
        switch message {
        case .welcome(let head, let version): return welcomed(head, version) + renewIfDue(now: now)
        case .authorities(let offer): return offered(offer)
        case .renewed(let renewed): return identity.hasAsked ? [.takeUp(renewed)] : []
        case .update(let update): return received(update, now: now)
        case .apart(let isDisconnected): return isWelcome ? [.stayApart(isDisconnected)] : []
        case .settled(let edits): return isWelcome ? [.settle(edits)] : []
        case .ended(let end): return ended(end)
        // Questions are answered beside all this: they change nothing.
        case .question: return []
        case .refused(let code, let reason):
            identity.refused(code)
            return giveUp(Refusal(code, reason))
        case .joined, .ping, .pong: return []
        }
    }

    private mutating func welcomed(_ head: Sighting, _ version: Int) -> [Action] {
        guard knowledge.protocols.contains(version) else {
            return giveUp(
                Refusal(.version, "The manager wants to speak version \(version) of the member protocol, which this agent does not."))
        }
        let before = memory
        guard sees(head) else { return giveUp(behind(head)) }
        isWelcome = true
        self.version = version
        objection = nil
        backoff.succeeded()
        // The manager may have missed or forgotten both: they were said on another connection, perhaps to another manager.
        var words = memory.rejection.map { [Action.report($0)] } ?? []
        let rejected = memory.rejection?.target.digest
        answered = rejected == announced ? nil : rejected
        if !isBusy, let proof { words.append(.report(proof)) }
        return remember(unless: before) + words + (apart == Apart() ? [] : tell())
    }

    /// Takes in a head; false when it is older than what this member has seen, or of another history.
    private mutating func sees(_ sighting: Sighting) -> Bool {
        guard sighting.mayFollow(memory.seen) else { return false }
        memory.seen = sighting
        return true
    }

    /// One durable step for all that changed.
    private func remember(unless before: Memory) -> [Action] { memory == before ? [] : [.remember(memory)] }

    private func behind(_ sighting: Sighting) -> Refusal {
        let (head, seen) = (sighting.head, memory.seen.head)
        return Refusal(
            .conflict,
            "This manager's log ends at entry \(head.position) (\(head.hash.short)), and this machine has seen entry \(seen.position) "
                + "(\(seen.hash.short)): it was restored from an older backup. This machine keeps what it runs until: muster manager recover"
        )
    }

    mutating func giveUp(_ refusal: Refusal) -> [Action] {
        isWelcome = false
        objection = refusal
        return [.hangUp(refusal)]
    }

    private mutating func ended(_ end: Ended) -> [Action] {
        ending = end
        waiting = nil
        return next()
    }
}

// MARK: - Updates

extension Follower {
    private mutating func received(_ update: Update, now: Timestamp) -> [Action] {
        guard isWelcome else { return [] }
        if let objection = objectionToUpdates { return giveUp(objection) }
        let before = memory
        guard sees(update.head) else { return giveUp(behind(update.head)) }
        newest = update.target
        defer { answered = nil }
        if let rejection = memory.rejection, rejection.target.digest == update.target.digest, answered == update.target.digest {
            // Sent before the manager heard of it, and taken as answered since: another try would be one that nobody knows of.
            waiting = nil
            return remember(unless: before) + [.report(rejection)]
        }
        if memory.rejection?.target.digest != update.target.digest { memory.rejection = nil }
        let actions = remember(unless: before)
        do throws(Refusal) {
            let installation = try checked(update)
            needsWhole = needsWhole && update.base != nil
            return actions + take(installation)
        } catch {
            guard update.base == nil || error.code == .version else {
                needsWhole = true
                return actions + giveUp(error)
            }
            // The whole does not fit either: asking for it again would not help.
            return actions + reject(update.target, error, now: now)
        }
    }

    private func checked(_ update: Update) throws(Refusal) -> Installation {
        let base = update.base == nil ? nil : running?.configuration
        let configuration = try assemble(base: base, update: update)
        try understand(configuration, over: base)
        let missing = try materialMissing(for: configuration, base: base, material: update.material)
        guard missing.isEmpty else {
            let names = missing.map(\.short).joined(separator: ", ")
            throw Refusal(.conflict, "The update lacks keys or certificate chains that it needs: \(names).")
        }
        return Installation(target: update.target, configuration: configuration, material: update.material, base: update.base)
    }

    /// Refuses by name what this agent does not know, down to the single field: nothing is passed over.
    ///
    /// What the base has was read before.
    private func understand(_ configuration: EffectiveConfiguration, over base: EffectiveConfiguration?) throws(Refusal) {
        let lacks = configuration.lacks(of: knowledge)
        guard lacks.isEmpty else {
            throw Refusal(.version, "This agent is too old for \(SettingLack.text(of: lacks)). Upgrade it.")
        }
        for section in configuration.sections {
            guard let kind = Section.named(section.name), section != base?[section.name] else { continue }
            let read = Set(base?[section.name]?.entries.map(\.digest) ?? [])
            for entry in section.entries where !read.contains(entry.digest) {
                guard kind.naming.accepts(entry.name) else {
                    throw Refusal(
                        .version,
                        "This agent does not know what \(section.name)/\(entry.name) is. If it is older than the manager, upgrade it.")
                }
                do throws(SettingError) {
                    _ = try kind.normalize(entry.value, SettingPath(section.name.rawValue, entry.name))
                } catch {
                    throw Refusal(.version, "This agent does not understand \(error). If it is older than the manager, upgrade it.")
                }
            }
        }
    }

    /// The newest wins: it replaces what waits, and joins what is being worked on if that is the same.
    private mutating func take(_ installation: Installation) -> [Action] {
        waiting = nil
        switch work {
        case .layingOut(var current) where current.target.digest == installation.target.digest:
            current.target = installation.target
            work = .layingOut(current)
            return []
        case .applying(var current, let laidOut) where current.target.digest == installation.target.digest:
            current.target = installation.target
            work = .applying(current, laidOut: laidOut)
            return []
        default:
            waiting = installation
            return next()
        }
    }

    /// Whether something waits that takes the place of what is running.
    var isNews: Bool { waiting != nil || ending != nil }

    /// Begins what waits, if nothing is being worked on.
    mutating func next() -> [Action] {
        guard case .none = work else { return [] }
        if let ending {
            isOver = true
            return [.flatten(ending)]
        }
        guard let installation = waiting else { return [] }
        waiting = nil
        // News of the target only: it is running already. One that came whole was asked for, and is laid out anew.
        if installation.base != nil, running?.configuration.digest == installation.target.digest {
            running?.target = installation.target
            guard isInForce else { return resume() }
            work = .proving
            return [.prove(installation.target.digest)]
        }
        work = .layingOut(installation)
        return [.layOut(installation)]
    }

    private mutating func resume() -> [Action] {
        guard let running else { return [] }
        work = .resuming
        return [.resume(running.configuration.digest)]
    }
}

// MARK: - Outcomes

extension Follower {
    /// What became of ``Action/layOut(_:)``: the digest computed from what is on the disk now.
    package mutating func laidOut(_ result: Result<Digest, Refusal>, now: Timestamp) -> [Action] {
        guard case .layingOut(let installation) = work else { return [] }
        work = .none
        let digest = installation.target.digest
        switch result {
        case .success(digest) where waiting == nil && ending == nil:
            work = .applying(installation, laidOut: digest)
            return [.apply(digest)]
        case .success(digest):
            return [.rollBack(digest)] + next()
        case .success(let other):
            let refusal = Refusal(
                .unreadable, "What was laid out reads back as \(other.short), not as \(digest.short). Check this machine's disk.")
            return [.rollBack(digest)] + reject(installation.target, refusal, now: now) + next()
        case .failure(let refusal) where refusal.code == .notFound && installation.base != nil:
            needsWhole = true
            return [.rollBack(digest)] + giveUp(refusal) + next()
        case .failure(let refusal):
            return [.rollBack(digest)] + reject(installation.target, refusal, now: now) + next()
        }
    }

    /// What became of ``Action/apply(_:)`` or ``Action/resume(_:)``; after a failure, whether what was running before is in force again.
    package mutating func applied(_ result: Result<[ServiceProof], Refusal>, isRestored: Bool = true, now: Timestamp) -> [Action] {
        switch work {
        case .applying(let installation, let laidOut):
            work = .none
            switch result {
            case .success(let proofs): return adopt(installation, laidOut: laidOut, proofs, now: now) + next()
            case .failure(let refusal):
                if !isRestored { isInForce = false }
                return [.rollBack(laidOut)] + reject(installation.target, refusal, now: now) + next()
            }
        case .resuming:
            work = .none
            guard let running else { return next() }
            switch result {
            case .success(let proofs):
                isInForce = true
                resumption.succeeded()
                return prove(running, proofs, now: now) + next()
            case .failure(let refusal): return failedToResume(running, refusal, now: now) + next()
            }
        case .none, .layingOut, .proving, .looking, .mending:
            return []
        }
    }

    /// What ``Action/prove(_:)`` saw, as for ``looked(_:drift:now:)``.
    package mutating func proved(_ proofs: [ServiceProof], drift: [String] = [], now: Timestamp) -> [Action] {
        guard case .proving = work, let running else { return [] }
        work = .none
        return prove(running, proofs, drift: drift, now: now) + next()
    }

    private mutating func adopt(_ installation: Installation, laidOut: Digest, _ proofs: [ServiceProof], now: Timestamp) -> [Action] {
        let adopted = Running(target: installation.target, configuration: installation.configuration)
        running = adopted
        isInForce = true
        mending.forget()
        let before = memory
        if memory.rejection?.target.digest == laidOut { memory.rejection = nil }
        return remember(unless: before)
            + say(Receipt(target: adopted.target, outcome: .applied(digest: laidOut, proofs: proofs), time: now))
    }

    /// What served before does not now: it is tried until it does, and said once.
    private mutating func failedToResume(_ running: Running, _ refusal: Refusal, now: Timestamp) -> [Action] {
        isInForce = false
        let receipt = Receipt(target: running.target, outcome: .rejected(reasons: refusal.receiptReasons), time: now)
        let isNews = proof?.outcome != receipt.outcome
        return (isNews ? say(receipt) : []) + resumeLater()
    }

    private mutating func resumeLater() -> [Action] {
        guard !isResumptionDue else { return [] }
        isResumptionDue = true
        return [.resumeLater(after: resumption.next(random: 1))]
    }

    mutating func prove(_ running: Running, _ proofs: [ServiceProof], drift: [String] = [], now: Timestamp) -> [Action] {
        say(
            Receipt(
                target: running.target, outcome: .applied(digest: running.configuration.digest, proofs: proofs), time: now,
                drift: Follower.cut(drift)))
    }

    /// Keeps the word on what is running, for this connection and the next.
    mutating func say(_ receipt: Receipt) -> [Action] {
        proof = receipt
        return isWelcome ? [.report(receipt)] : []
    }

    private mutating func reject(_ target: Target, _ refusal: Refusal, now: Timestamp) -> [Action] {
        let receipt = Receipt(target: target, outcome: .rejected(reasons: refusal.receiptReasons), time: now)
        memory.rejection = receipt
        return [.remember(memory)] + (isWelcome ? [.report(receipt)] : [])
    }
}
