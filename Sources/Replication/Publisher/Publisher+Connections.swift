package import ClusterModel

extension Publisher {
    /// Seconds of silence after which a connection yields to a new one of the same membership.
    ///
    /// A ping was due, and there was time for its answer.
    static let yieldSeconds = Limits.pingSeconds + Limits.helloSeconds

    /// A member's connection was accepted. Nothing is sent before its hello, except a no.
    package mutating func opened(_ connection: ConnectionID, membership: MembershipID, now: Timestamp) -> [Action] {
        if let end = ended[membership] { return [.end(connection, end), .close(connection)] }
        guard let member = members[membership] else {
            unknown[connection] = membership
            return []
        }
        var actions: [Action] = []
        if let first = member.connection {
            guard steady(now) - first.lastHeard > Int64(Publisher.yieldSeconds) else {
                members[membership]?.connection?.isContested = true
                return refusal(of: connection, .duplicateMember, Publisher.duplicate)
            }
            actions = [.close(first.id)] + closed(first.id)
        }
        connections[connection] = membership
        let time = steady(now)
        members[membership]?.connection = Connection(id: connection, lastHeard: time)
        return actions
    }

    /// Anything arrived on a connection, a ping's answer included.
    ///
    /// A connection that is heard of after a second one of the same membership was refused is alive: then two machines
    /// hold one identity. (A machine that lost power comes back while its old connection still looks open; that is no alarm.)
    package mutating func heard(_ connection: ConnectionID, now: Timestamp) -> [Action] {
        guard let membership = connections[connection], var member = members[membership], let open = member.connection else { return [] }
        member.connection?.lastHeard = steady(now)
        member.connection?.isContested = false
        member.record.lastHeard = now
        members[membership] = member
        return open.isContested ? [.alarm(.duplicateMember(membership))] : []
    }

    /// A member's first message; `standing` is that of the entry it has seen in this manager's log.
    package mutating func hello(_ connection: ConnectionID, _ hello: Hello, standing: SightingStanding, now: Timestamp) -> [Action] {
        guard let membership = connections[connection], let member = members[membership] else {
            return unknown.removeValue(forKey: connection).map { greet(unknown: connection, $0, hello, standing) } ?? []
        }
        var actions = heard(connection, now: now)
        guard member.connection?.greeting == nil else {
            return actions + drop(connection, .invalid, "A member says hello once on a connection.")
        }
        actions += learn(hello.knowledge, of: membership)
        guard let version = MemberProtocol.agreed(with: hello.knowledge.protocols) else {
            return actions
                + drop(connection, .version, "There is no version to talk in: \(MemberProtocol.disagreement(with: hello.knowledge)).")
        }
        let seen = hello.seen.head
        switch standing {
        case .held, .givenUp: break
        case .lost: return actions + drop(connection, lost: hello.seen, of: membership)
        case .unproven:
            return actions + [.alarm(.logUnknown(membership, seen: seen))] + drop(connection, .conflict, Publisher.unproven(seen))
        }
        guard standing == .givenUp || seen.position <= head.head.position else {
            // It is in the log, and what follows from it has not been worked out here yet: another manager was quicker.
            return actions + drop(connection, .unavailable, Publisher.stillReading)
        }
        let skew = hello.clock.seconds.subtractingReportingOverflow(now.seconds)
        if skew.overflow || skew.partialValue.magnitude > Limits.clockSkewSeconds {
            actions.append(.alarm(.clockSkew(membership, seconds: skew.overflow ? .max : skew.partialValue)))
        }
        if members[membership]?.greet(hello, version: version) == true { actions.append(.forgetEdits(membership)) }
        actions.append(.welcome(connection, head, version: version))
        if let papers = hello.papers { actions += take(papers, of: membership) }
        return actions + introduce(membership) + push(membership, isProofAskedFor: true, now: now)
    }

    /// What a member's agent understands, also of one that is turned away: people are told why.
    private mutating func learn(_ knowledge: AgentKnowledge, of membership: MembershipID) -> [Action] {
        members[membership]?.record.turnedAway = nil
        guard members[membership]?.record.agent != knowledge else { return [] }
        members[membership]?.record.agent = knowledge
        return [.know(membership, knowledge)]
    }

    /// A member is there and was turned away before its hello: its agent's protocol is another.
    package mutating func turnedAway(_ membership: MembershipID, because reason: String) {
        members[membership]?.record.turnedAway = reason
    }

    /// A certificate of this cluster for a membership that the log does not have: perhaps it joined in what a backup lacks.
    private mutating func greet(
        unknown connection: ConnectionID, _ membership: MembershipID, _ hello: Hello, _ standing: SightingStanding
    ) -> [Action] {
        guard hasTargets else { return refusal(of: connection, .unavailable, Publisher.stillReading) }
        guard standing == .lost else { return refusal(of: connection, .forbidden, Publisher.unknownMembership) }
        return drop(connection, lost: hello.seen, of: membership)
    }

    /// This log is older than what a member has seen: nothing goes to anybody from now on.
    private mutating func drop(_ connection: ConnectionID, lost seen: Sighting, of membership: MembershipID) -> [Action] {
        lost = lost ?? seen
        return [.alarm(.logOutdated(membership, seen: seen.head))] + drop(connection, .conflict, Publisher.outdated(seen.head, head))
    }

    /// A member's word on a target.
    package mutating func receipt(_ connection: ConnectionID, _ receipt: Receipt, now: Timestamp) -> [Action] {
        guard let membership = connections[connection], members[membership] != nil else { return [] }
        var actions = heard(connection, now: now)
        guard members[membership]?.connection?.greeting != nil else {
            return actions + drop(connection, .invalid, "A member says hello first.")
        }
        let receipt = receipt.withinLimits.consistent
        members[membership]?.take(receipt)
        unjudged.insert(membership)
        actions.append(.record(membership, receipt))
        return actions + push(membership, now: now)
    }

    /// A connection is gone, from whichever side.
    package mutating func closed(_ connection: ConnectionID) -> [Action] {
        unknown[connection] = nil
        returning[connection] = nil
        guard let membership = connections.removeValue(forKey: connection) else { return [] }
        members[membership]?.connection = nil
        members[membership]?.record.isConnected = false
        return []
    }

    mutating func drop(_ connection: ConnectionID, _ code: Refusal.Code, _ reason: String) -> [Action] {
        refusal(of: connection, code, reason) + closed(connection)
    }

    private static let stillReading = "This manager is still reading its log. Try again in a moment."

    private static let duplicate =
        "Another connection of this membership is open. If this machine's disk was copied from another machine, join it as a machine of its own."

    private static func unproven(_ seen: LogHead) -> String {
        "This member says that it has seen entry \(seen.position) (\(seen.hash.short)), which is not in this cluster's log, and nothing vouches for it. "
            + "Let the machine leave (muster agent leave) and join again."
    }
}

extension Publisher.Member {
    /// Takes in a hello; true when it says that what is kept of the member's own edits is out of date.
    fileprivate mutating func greet(_ hello: Hello, version: Int) -> Bool {
        let isApartKnown = version >= MemberProtocol.apart
        connection?.greeting = Publisher.Greeting(
            running: hello.running, version: version, older: hello.knowledge.unknown.isEmpty ? nil : hello.knowledge,
            repeats: hello.rejected,
            isDisconnected: isApartKnown && hello.isDisconnected,
            isWordDue: isApartKnown && (hello.isDisconnected || hello.localEdits > 0))
        record.isConnected = true
        if hello.running != record.appliedDigest { record.isProofValid = false }
        // What the manager concluded may be wrong by now; what the member said stands.
        if rejection?.isMembersWord == false || hello.running == goal.target.digest {
            rejection = nil
            record.forgetRejection()
        }
        if hello.rejected == goal.target.digest, hello.running != goal.target.digest, !isRetried {
            rejection = Publisher.Rejection(digest: goal.target.digest, isMembersWord: true)
        }
        isRetried = false
        guard isApartKnown, hello.localEdits == 0, !edits.edits.isEmpty else { return false }
        edits = LocalEdits()
        return true
    }

    /// Whether this is the rejection that the hello announced, for the first time.
    private mutating func repeats(_ receipt: Receipt) -> Bool {
        guard case .rejected = receipt.outcome, connection?.greeting?.repeats == receipt.target.digest else { return false }
        connection?.greeting?.repeats = nil
        return true
    }

    fileprivate mutating func take(_ receipt: Receipt) {
        let isAnswer = !receipt.isUnasked && connection?.inFlight?.target.digest == receipt.target.digest
        // A word said again after the welcome is older than what was sent since: the member was asked to try it once more, and will.
        if repeats(receipt), isAnswer { return }
        record.take(receipt, target: goal.target.digest)
        if isAnswer { connection?.inFlight = nil }
        switch receipt.outcome {
        case .applied(let digest, _):
            connection?.greeting?.running = digest
            // With something else in flight, the machine is about to leave what it speaks of.
            record.isProofValid = connection?.inFlight == nil
            if rejection?.digest == digest { rejection = nil }
        case .rejected where receipt.target.digest == goal.target.digest:
            rejection = Publisher.Rejection(digest: goal.target.digest, isMembersWord: true)
        case .rejected:
            break
        }
    }
}

extension Receipt {
    /// No more reasons and proofs than the limits allow; the rest is cut off.
    fileprivate var withinLimits: Receipt {
        var receipt = self
        receipt.drift = drift.prefix(Limits.receiptReasons).map { String($0.prefix(Limits.reasonLength)) }
        switch outcome {
        case .applied(let digest, let proofs):
            receipt.outcome = .applied(digest: digest, proofs: Array(proofs.prefix(Limits.services)))
        case .rejected(let reasons):
            let cut = reasons.prefix(Limits.receiptReasons).map { String($0.prefix(Limits.reasonLength)) }
            receipt.outcome = .rejected(reasons: cut)
        }
        return receipt
    }

    /// A member that laid out something else than it was sent has not applied its target, and would not the next time either.
    fileprivate var consistent: Receipt {
        guard case .applied(let digest, _) = outcome, digest != target.digest else { return self }
        let reason = "the agent laid out \(digest.short) where \(target.digest.short) was meant; its version does not fit this manager's"
        return Receipt(target: target, outcome: .rejected(reasons: [reason]), time: time)
    }
}
