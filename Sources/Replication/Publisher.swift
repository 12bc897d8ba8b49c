package import ClusterModel

/// What one machine should run, with the configuration behind the digest.
package struct MachineTarget: Hashable, Sendable {
    package var target: Target
    package var configuration: EffectiveConfiguration

    package init(target: Target, configuration: EffectiveConfiguration) {
        self.target = target
        self.configuration = configuration
    }
}

/// What a manager does about its members: who is sent what, and when. Level-triggered: only the newest target matters.
///
/// A value without clock, socket or store. Each call answers with actions, to be performed in order.
package struct Publisher: Sendable {
    package enum Action: Hashable, Sendable {
        /// Send this; the shell adds the material, and leaves out what the member has from this connection.
        case update(ConnectionID, MachineTarget, base: EffectiveConfiguration?, has: MaterialNeeded, head: LogHead)
        case welcome(ConnectionID, LogHead)
        case refuse(ConnectionID, Refusal.Code, reason: String)
        case end(ConnectionID, Ended)
        case close(ConnectionID)
        /// Keep the receipt as the machine's newest word.
        case record(MembershipID, Receipt)
        case alarm(MembershipID, String)
    }

    private struct Session: Sendable {
        var connection: ConnectionID
        var lastHeard: Timestamp
        var isReady = false
        var running: EffectiveConfiguration?
        var runningDigest: Digest?
        /// The newest target it has answered for, so that an answered target is not sent twice.
        var answered: Target?
        /// The material it has, as far as this connection sent it: two configurations of one digest may need different keys.
        var material = MaterialNeeded()
        var inFlight: (wanted: MachineTarget, since: Timestamp)?
        /// The digest it rejected: not sent again until the target changes or somebody asks.
        var rejected: Digest?
    }

    private var targets: [MembershipID: MachineTarget] = [:]
    private var ended: [MembershipID: Ended] = [:]
    private var head = LogHead.empty
    private var sessions: [MembershipID: Session] = [:]
    private var memberOf: [ConnectionID: MembershipID] = [:]
    /// Recent configurations by digest, for deltas; bounded, oldest out first.
    private var recent: [Digest: EffectiveConfiguration] = [:]
    private var recentOrder: [Digest] = []
    private let recentLimit: Int

    package init(recentLimit: Int = 4096) {
        self.recentLimit = recentLimit
    }

    /// Whether a member has a live connection.
    package func isConnected(_ membership: MembershipID) -> Bool { sessions[membership] != nil }

    package func lastHeard(_ membership: MembershipID) -> Timestamp? { sessions[membership]?.lastHeard }

    // MARK: - What happened

    /// The cluster moved on: new targets for all, and memberships that are over.
    package mutating func stateChanged(
        targets: [MembershipID: MachineTarget], ended: [MembershipID: Ended], head: LogHead, now: Timestamp
    ) -> [Action] {
        self.targets = targets
        self.ended = ended
        self.head = head
        for target in targets.values { remember(target.configuration) }
        var actions: [Action] = []
        for (membership, session) in sessions.sorted(by: { $0.key < $1.key }) {
            if let over = ended[membership] {
                actions += drop(membership, session.connection, [.end(session.connection, over)])
            } else {
                actions += drive(membership, now: now)
            }
        }
        return actions
    }

    /// A member's connection is up. What it is told follows its hello.
    package mutating func opened(_ connection: ConnectionID, _ membership: MembershipID, now: Timestamp) -> [Action] {
        if let over = ended[membership] { return [.end(connection, over), .close(connection)] }
        guard targets[membership] != nil else {
            return [.refuse(connection, .forbidden, reason: "This cluster knows no such membership."), .close(connection)]
        }
        if let other = sessions[membership] {
            guard other.lastHeard.adding(seconds: Int64(Limits.silenceSeconds)) <= now else {
                let reason =
                    "Another machine is connected with this identity: its disk was cloned. Join this machine under a name of its own."
                return [
                    .alarm(membership, "a second connection with the identity of this machine was refused: a cloned disk?"),
                    .refuse(connection, .duplicateMember, reason: reason), .close(connection),
                ]
            }
            memberOf[other.connection] = nil
            sessions[membership] = Session(connection: connection, lastHeard: now)
            memberOf[connection] = membership
            return [.close(other.connection)]
        }
        sessions[membership] = Session(connection: connection, lastHeard: now)
        memberOf[connection] = membership
        return []
    }

    /// A member said hello. `holds` is whether the log has the entry that the member has seen.
    package mutating func hello(_ connection: ConnectionID, _ hello: Hello, holdsSeen: Bool, now: Timestamp) -> [Action] {
        guard let membership = memberOf[connection], var session = sessions[membership] else { return [.close(connection)] }
        guard hello.version == Hello.protocolVersion else {
            return drop(
                membership, connection,
                [
                    .refuse(
                        connection, .version,
                        reason:
                            "This manager speaks version \(Hello.protocolVersion) of the member protocol, and the agent version \(hello.version)."
                    )
                ])
        }
        guard holdsSeen else {
            let reason =
                "This member has seen log position \(hello.seen.position), which this manager lacks: it was restored from an older backup. It pushes nothing until: muster manager recover"
            return drop(membership, connection, [.alarm(membership, reason), .refuse(connection, .conflict, reason: reason)])
        }
        session.lastHeard = now
        session.isReady = true
        session.runningDigest = hello.running
        session.running = hello.running.flatMap { recent[$0] }
        session.rejected = hello.rejected
        session.inFlight = nil
        sessions[membership] = session
        var actions: [Action] = []
        let skew = abs(hello.clock.seconds - now.seconds)
        if skew > Int64(Limits.clockSkewSeconds) {
            actions.append(.alarm(membership, "its clock is \(skew) seconds off"))
        }
        actions.append(.welcome(connection, head))
        return actions + drive(membership, now: now)
    }

    /// A member's word on a target.
    package mutating func receipt(_ connection: ConnectionID, _ receipt: Receipt, now: Timestamp) -> [Action] {
        guard let membership = memberOf[connection], var session = sessions[membership] else { return [] }
        session.lastHeard = now
        session.answered = receipt.target
        switch receipt.outcome {
        case .applied(let digest, _):
            session.runningDigest = digest
            session.running = recent[digest]
            if let wanted = session.inFlight?.wanted, wanted.target.digest == digest {
                // A configuration that does not read was never sent.
                session.material = (try? wanted.configuration.materialNeeded()) ?? MaterialNeeded()
            }
            session.rejected = nil
        case .rejected:
            session.rejected = receipt.target.digest
        }
        session.inFlight = nil
        sessions[membership] = session
        return [.record(membership, receipt)] + drive(membership, now: now)
    }

    /// Anything else was heard.
    package mutating func heard(_ connection: ConnectionID, now: Timestamp) {
        if let membership = memberOf[connection] { sessions[membership]?.lastHeard = now }
    }

    package mutating func closed(_ connection: ConnectionID) {
        guard let membership = memberOf.removeValue(forKey: connection) else { return }
        if sessions[membership]?.connection == connection { sessions[membership] = nil }
    }

    /// Somebody asks to send a rejected target once more.
    package mutating func retry(_ membership: MembershipID, now: Timestamp) -> [Action] {
        sessions[membership]?.rejected = nil
        sessions[membership]?.answered = nil
        return drive(membership, now: now)
    }

    /// Time passed: an update that was never answered counts as rejected.
    package mutating func tick(now: Timestamp) -> [Action] {
        var actions: [Action] = []
        for session in sessions.values.sorted(by: { $0.connection.rawValue < $1.connection.rawValue }) {
            guard let flight = session.inFlight, flight.since.adding(seconds: Int64(Limits.applySeconds)) < now else { continue }
            let receipt = Receipt(
                target: flight.wanted.target, outcome: .rejected(reasons: ["timed out: no answer within \(Limits.applySeconds) seconds"]),
                time: now)
            actions += self.receipt(session.connection, receipt, now: session.lastHeard)
        }
        return actions
    }

    // MARK: - Decisions

    /// At most one update in flight, the newest target, nothing that was rejected.
    private mutating func drive(_ membership: MembershipID, now: Timestamp) -> [Action] {
        guard var session = sessions[membership], session.isReady, session.inFlight == nil, let wanted = targets[membership] else {
            return []
        }
        guard session.answered != wanted.target, session.rejected != wanted.target.digest else { return [] }
        session.inFlight = (wanted, now)
        sessions[membership] = session
        return [.update(session.connection, wanted, base: session.running, has: session.material, head: head)]
    }

    private mutating func drop(_ membership: MembershipID, _ connection: ConnectionID, _ words: [Action]) -> [Action] {
        memberOf[connection] = nil
        sessions[membership] = nil
        return words + [.close(connection)]
    }

    private mutating func remember(_ configuration: EffectiveConfiguration) {
        guard recent.updateValue(configuration, forKey: configuration.digest) == nil else { return }
        recentOrder.append(configuration.digest)
        if recentOrder.count > recentLimit { recent[recentOrder.removeFirst()] = nil }
    }
}

extension Update {
    /// What a member with this base lacks of a target.
    package static func building(
        _ wanted: MachineTarget, base: EffectiveConfiguration?, has: MaterialNeeded, head: LogHead, material: (MaterialNeeded) -> [Material]
    ) throws(SettingError) -> Update {
        let changed = wanted.configuration.sections.filter { base?[$0.name] != $0 }
        let removed = (base?.sections ?? []).map(\.name).filter { wanted.configuration[$0] == nil }
        var needed = try wanted.configuration.materialNeeded()
        needed.keys.subtract(has.keys)
        needed.chains.subtract(has.chains)
        return Update(
            target: wanted.target, head: head, base: base?.digest, sections: changed, removed: removed, material: material(needed))
    }
}
