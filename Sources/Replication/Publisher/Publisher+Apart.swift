package import ClusterModel

// Members that are disconnected on purpose, and what was edited on them meanwhile (mission C7).
//
// While a member is disconnected, and afterwards until each of its own edits is decided, nothing is sent to it. It is told of both, and
// its word is waited for: until it has said which edits it has, it may have some that nobody has seen.
extension Publisher {
    /// What a member has to be told before anything else.
    mutating func tell(_ membership: MembershipID) -> [Action] {
        guard lost == nil, let member = members[membership], let connection = member.connection, var greeting = connection.greeting,
            greeting.version >= MemberProtocol.apart
        else { return [] }
        let isNews = (greeting.told ?? greeting.isDisconnected) != member.isDisconnected
        // Nearly always: a commit asks for every member.
        guard isNews || !member.edits.edits.isEmpty else { return [] }
        var actions: [Action] = []
        if isNews {
            greeting.told = member.isDisconnected
            greeting.isWordDue = true
            // Somebody may edit it, or has done so already: what it proved before says nothing any more.
            members[membership]?.record.isProofValid = false
            actions.append(.apart(connection.id, member.isDisconnected))
        }
        if !member.isDisconnected, !greeting.isWordDue, !member.edits.edits.isEmpty {
            let settled = member.edits.settled(for: member.goal.configuration)
            if !settled.isEmpty {
                greeting.settled = Set(settled)
                greeting.isWordDue = true
                actions.append(.settled(connection.id, settled))
            }
        }
        members[membership]?.connection?.greeting = greeting
        return actions
    }

    /// A member says whether it is disconnected, and which edits of its own it has; they have been kept.
    package mutating func reported(_ connection: ConnectionID, _ report: LocalEditReport, now: Timestamp) -> [Action] {
        guard let membership = connections[connection], members[membership] != nil else { return [] }
        var actions = heard(connection, now: now)
        guard members[membership]?.connection?.greeting != nil else {
            return actions + drop(connection, .invalid, "A member says hello first.")
        }
        members[membership]?.take(report)
        actions += push(membership, now: now)
        return actions
    }

    /// Edits of a member were given up, durably.
    package mutating func dropped(_ edits: Set<String>, of membership: MembershipID, now: Timestamp) -> [Action] {
        guard let known = members[membership]?.edits.edits else { return [] }
        members[membership]?.edits.dropped.formUnion(edits.intersection(known.map(\.id)))
        return push(membership, now: now)
    }

    /// The edits of a member's own, as it last said; none for one that is not a current member.
    package func localEdits(of membership: MembershipID) -> LocalEdits { members[membership]?.edits ?? LocalEdits() }

    /// The edits of all members that have some.
    package var localEdits: [MembershipID: LocalEdits] { members.mapValues(\.edits).filter { !$0.value.edits.isEmpty } }

    /// The member that a connection is of; nil for any other.
    package func member(on connection: ConnectionID) -> MembershipID? { connections[connection] }
}

extension Publisher.Member {
    /// Whether it may be sent its target.
    var mayFollow: Bool {
        guard !isDisconnected, connection?.greeting?.isWordDue != true else { return false }
        return edits.edits.isEmpty || edits.undecided(for: goal.configuration).isEmpty
    }

    fileprivate mutating func take(_ report: LocalEditReport) {
        edits.edits = report.edits
        edits.dropped.formIntersection(report.edits.map(\.id))
        guard var greeting = connection?.greeting else { return }
        greeting.isDisconnected = report.isDisconnected
        // It may have been on its way before the member heard what it was told.
        let isAnswer = greeting.told == nil || greeting.told == report.isDisconnected
        if isAnswer, greeting.settled.isDisjoint(with: report.edits.map(\.id)) {
            greeting.told = nil
            greeting.settled = []
            greeting.isWordDue = false
        }
        connection?.greeting = greeting
    }
}
