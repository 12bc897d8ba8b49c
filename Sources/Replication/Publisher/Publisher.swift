package import ClusterModel

/// The manager's decisions about its members: what to send to whom, whom to refuse, and what each member's word is worth.
///
/// Level-triggered: a member is driven toward its newest target, whatever it missed in between. At most one update is in
/// flight per member. A digest that a member rejected is not sent again until the target changes or somebody asks
/// (``retry(_:now:)``). A value without clock, socket or store: events go in, actions come out, in a fixed order for
/// the same events.
package struct Publisher: Sendable {
    /// The newest entry of the log that targets were computed from.
    package private(set) var head = Sighting.none
    /// What a member has seen and this manager's log lacks: it was restored from an older backup, and sends nothing to anybody.
    var lost: Sighting?
    var members: [MembershipID: Member] = [:]
    /// The members by name: dictionaries have an order of their own in every process.
    var order: [MembershipID] = []
    var ended: [MembershipID: Ended] = [:]
    var connections: [ConnectionID: MembershipID] = [:]
    /// What was found wrong with machines that are no longer as they were, and whose newest word was not looked at yet.
    var drifting: [MembershipID: [String]] = [:]
    var unjudged: Set<MembershipID> = []
    /// Since when members are seen to be away, by the steady clock.
    var away: [MembershipID: Int64] = [:]
    /// When a look at troubles says something else although nobody speaks, by the steady clock.
    var nextTrouble: Int64?
    /// Connections of memberships that the log does not have; what their hello says may show why.
    var unknown: [ConnectionID: MembershipID] = [:]
    /// Connections of memberships whose certificate has expired.
    var returning: [ConnectionID: MembershipID] = [:]
    /// Whom members should trust, and who issues; nil before the manager has said.
    var authorities: Authorities?
    /// What was known at the manager's start; a member takes its own over when it is first heard of.
    private var stored: [MembershipID: MachineRecord]
    private var storedEdits: [MembershipID: LocalEdits]
    /// Seconds by a clock that only goes forward, for what is waited for; the wall clock may be set meanwhile. It is told before every
    /// call; nil: the wall clock of each call will do, because nobody sets it.
    package var uptime: Int64?

    /// A publisher that knows of no targets yet; `records` is what earlier lives of the manager kept.
    package init(records: [MembershipID: MachineRecord] = [:], edits: [MembershipID: LocalEdits] = [:]) {
        stored = records
        storedEdits = edits
    }

    /// Takes in what earlier lives of the manager kept; what was heard in this one stands.
    package mutating func recall(_ records: [MembershipID: MachineRecord], edits: [MembershipID: LocalEdits] = [:]) {
        stored = records.filter { members[$0.key] == nil }
        storedEdits = edits.filter { members[$0.key] == nil }
    }

    /// Whether a state of the cluster was ever taken in.
    package var hasTargets: Bool { head != .none }

    /// The seconds by which waiting is measured.
    func steady(_ now: Timestamp) -> Int64 { uptime ?? now.seconds }

    /// What is known of every current member.
    package var records: [MembershipID: MachineRecord] { members.mapValues(\.record) }

    /// What is known of one member; nil when it is not a current member.
    package func record(of membership: MembershipID) -> MachineRecord? { members[membership]?.record }

    /// How a member stands against its target; nil when it is not a current member.
    package func status(of membership: MembershipID) -> MachineStatus? {
        members[membership].map { member in
            MachineStatus(
                of: member.goal, record: member.record, isDisconnected: member.isDisconnected,
                undecided: member.edits.undecided(for: member.goal.configuration).count)
        }
    }

    /// What every current member should run.
    package var targets: [MembershipID: MachineTarget] { members.mapValues(\.goal) }

    /// What a member should run; nil when it is not a current member.
    package func target(of membership: MembershipID) -> MachineTarget? { members[membership]?.goal }
}

// MARK: - What is kept for a member

extension Publisher {
    /// How many configurations besides the target are kept as bases of deltas. A member runs its target, the one before,
    /// or (while it is slow or away) one more; further back it gets the whole.
    static let pastConfigurations = 2

    struct Member: Sendable {
        var goal: MachineTarget
        /// Earlier targets' configurations, newest first.
        var past: [EffectiveConfiguration] = []
        var record = MachineRecord()
        var rejection: Rejection?
        /// Kept from following on purpose.
        var isDisconnected = false
        /// What was edited on the machine itself meanwhile.
        var edits = LocalEdits()
        /// Somebody asked for another try: the next hello's `rejected` does not count.
        var isRetried = false
        /// Somebody asked that everything be laid out anew, and it has not been sent so far.
        var isWholeWanted = false
        var connection: Connection?
    }

    /// A digest that is not sent again.
    struct Rejection: Sendable {
        var digest: Digest
        /// Whether the member said so itself; otherwise the manager concluded it, and a new connection may prove it wrong.
        var isMembersWord: Bool
    }

    /// A member's connection.
    struct Connection: Sendable {
        var id: ConnectionID
        /// By the steady clock.
        var lastHeard: Int64
        /// Another connection of this membership was refused since this one was last heard of.
        var isContested = false
        /// Nil before its hello.
        var greeting: Greeting?
        var inFlight: InFlight?
        /// What it was told of the cluster's CAs.
        var offered: AuthorityOffer?
        /// How many certificates it asked for.
        var renewals = 0
    }

    struct Greeting: Sendable {
        var running: Digest?
        /// The version of the conversation that both speak: frames of a later one are not sent.
        var version: Int
        /// What the member's agent understands; nil for everything that this version does.
        var older: AgentKnowledge?
        /// The digest whose rejection the member says once more on this connection, until it has done so.
        var repeats: Digest?
        /// Whether the member keeps apart, as it last said.
        var isDisconnected: Bool
        /// It has yet to say which edits of its own it has; nothing is sent to it before.
        var isWordDue: Bool
        /// What it was last told about staying apart, and has not answered.
        var told: Bool?
        /// The edits that it was told are settled, and has not answered.
        var settled: Set<String> = []
    }

    struct InFlight: Sendable {
        var target: Target
        /// By the steady clock.
        var since: Int64
    }
}

extension Publisher.Member {
    /// The configuration of a digest, if it is among those that are kept.
    func known(_ digest: Digest?) -> EffectiveConfiguration? {
        guard let digest else { return nil }
        return goal.configuration.digest == digest ? goal.configuration : past.first { $0.digest == digest }
    }

    /// Takes a new target. Another digest ends every rejection.
    mutating func aim(at newest: MachineTarget) {
        if newest.target.digest != goal.target.digest {
            past.removeAll { $0.digest == goal.configuration.digest || $0.digest == newest.configuration.digest }
            past.insert(goal.configuration, at: 0)
            past.removeLast(max(0, past.count - Publisher.pastConfigurations))
            rejection = nil
            isRetried = false
            record.forgetRejection()
        }
        goal = newest
    }
}

// MARK: - Targets

extension Publisher {
    /// The cluster's state changed: every current member's target, every ended membership, and the log's head.
    ///
    /// `disconnected` are kept from following: they have targets, and get nothing. Call it with what is durable only. Takes time in
    /// proportion to the members.
    package mutating func stateChanged(
        targets: [MembershipID: MachineTarget], ended: [MembershipID: Ended], disconnected: Set<MembershipID> = [], head: Sighting,
        now: Timestamp
    ) -> [Action] {
        self.head = head
        self.ended = ended
        var actions: [Action] = []
        if order.contains(where: { targets[$0] == nil }) {
            for membership in order where targets[membership] == nil { actions += remove(membership) }
            order.removeAll { targets[$0] == nil }
        }
        if targets.count > order.count {
            order += add(targets.filter { members[$0.key] == nil })
            order.sort()
        }
        for membership in order {
            guard let newest = targets[membership] else { continue }
            members[membership]?.aim(at: newest)
            members[membership]?.isDisconnected = disconnected.contains(membership)
            actions += push(membership, now: now)
        }
        return actions
    }

    /// Somebody asks that a rejected target be tried again, or that a machine prove once more what it serves; one that drifted is sent
    /// everything anew.
    package mutating func retry(_ membership: MembershipID, now: Timestamp) -> [Action] {
        guard var member = members[membership] else { return [] }
        member.rejection = nil
        member.isRetried = member.connection?.greeting == nil
        member.record.forgetRejection()
        judgeDrift(of: membership)
        if drifting[membership] != nil { member.isWholeWanted = true }
        members[membership] = member
        return push(membership, isProofAskedFor: true, now: now)
    }

    private mutating func add(_ targets: [MembershipID: MachineTarget]) -> [MembershipID] {
        for (membership, target) in targets {
            var member = Member(goal: target)
            if let edits = storedEdits.removeValue(forKey: membership) { member.edits = edits }
            if let record = stored.removeValue(forKey: membership) {
                member.record = record
                member.record.restart()
                if record.lastRejected?.target.digest == target.target.digest {
                    member.rejection = Rejection(digest: target.target.digest, isMembersWord: true)
                }
            }
            members[membership] = member
            unjudged.insert(membership)
        }
        return Array(targets.keys)
    }

    private mutating func remove(_ membership: MembershipID) -> [Action] {
        drifting[membership] = nil
        unjudged.remove(membership)
        away[membership] = nil
        guard let member = members.removeValue(forKey: membership) else { return [] }
        let forgotten: [Action] = member.edits.edits.isEmpty ? [] : [.forgetEdits(membership)]
        guard let connection = member.connection?.id else { return forgotten }
        connections[connection] = nil
        if let end = ended[membership] { return forgotten + [.end(connection, end), .close(connection)] }
        return forgotten + refusal(of: connection, .forbidden, Publisher.unknownMembership)
    }

    static let unknownMembership =
        "This membership is not in the cluster's log. If the machine has just joined, it tries again by itself; otherwise look at: muster machine list"

    func refusal(of connection: ConnectionID, _ code: Refusal.Code, _ reason: String) -> [Action] {
        [.refuse(connection, code, reason: reason), .close(connection)]
    }
}
