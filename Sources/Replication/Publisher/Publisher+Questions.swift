package import ClusterModel

// Drift, what a check asks about, and repair. Questions are frames beside the updates: they wait for none.
extension Publisher {
    /// The connection on which a member can be asked what it holds. Refuses with the reason why there is none.
    package func reach(_ membership: MembershipID) throws(Refusal) -> ConnectionID {
        guard let member = members[membership] else { throw Refusal(.notFound, "it is no machine of this cluster any more") }
        guard let connection = member.connection, let greeting = connection.greeting else {
            let heard = member.record.lastHeard.map { "it was last heard of at \($0)" } ?? "it was never heard of"
            throw Refusal(.unavailable, "it is offline: \(member.record.versionObjection ?? heard)")
        }
        guard greeting.version >= Publisher.versionOfQuestions else {
            let agent = member.record.agent?.agent ?? ""
            throw Refusal(
                .version,
                "its agent\(agent.isEmpty ? "" : " (\(agent))") is too old to be asked what it holds: it speaks version \(greeting.version) of the member protocol"
            )
        }
        return connection.id
    }

    /// The version of the member protocol that brought questions.
    private static let versionOfQuestions = 2

    /// Somebody asks that a machine lay everything out anew, whatever it says that it runs. Refused while it is not there.
    package mutating func resend(_ membership: MembershipID, now: Timestamp) throws(Refusal) -> [Action] {
        guard lost == nil else { throw Refusal(.conflict, outdated ?? "") }
        guard var member = members[membership] else { throw Refusal(.notFound, "It is no machine of this cluster any more.") }
        guard member.connection?.greeting != nil else {
            throw Refusal(
                .unavailable, "The machine is offline, so nothing can be sent to it. Try again when it is back: muster machine list")
        }
        member.isWholeWanted = true
        member.rejection = nil
        member.record.forgetRejection()
        members[membership] = member
        return push(membership, now: now)
    }

    /// Whether all that was wanted of a member was sent and answered; nil when it is not there.
    package func isAnswered(_ membership: MembershipID) -> Bool? {
        guard let member = members[membership], let connection = member.connection, connection.greeting != nil else { return nil }
        // What was rejected is not sent, so it is not waited for.
        return connection.inFlight == nil && (!member.isWholeWanted || member.rejection?.digest == member.goal.target.digest)
    }

    /// What is wrong with machines that are no longer as they were when they applied their configuration, by their newest word.
    package mutating func drift() -> [MembershipID: [String]] {
        judgeDrift(atMost: unjudged.count)
        return drifting
    }

    /// Holds the newest words of so many machines against what they applied; true when more wait for that.
    ///
    /// Not when a word comes: a commit is answered by all machines at once, and to compare takes longer than to take their word in.
    @discardableResult
    package mutating func judgeDrift(atMost limit: Int) -> Bool {
        for membership in Array(unjudged.prefix(limit)) { judgeDrift(of: membership) }
        return !unjudged.isEmpty
    }

    /// What cannot be compared any more stays as it was.
    mutating func judgeDrift(of membership: MembershipID) {
        guard unjudged.remove(membership) != nil, let member = members[membership], let applied = member.known(member.record.appliedDigest)
        else { return }
        let reasons = ServiceComparison(of: applied, proofs: member.record.proofs).objections + member.record.drift
        drifting[membership] = reasons.isEmpty ? nil : reasons
    }
}
