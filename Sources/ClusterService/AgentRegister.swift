package import ClusterLog
package import ClusterModel
import Synchronization

/// What every machine's agent understands, by its newest word: its last hello, or else its join.
///
/// A change that a machine's agent would not understand is refused before it is made (mission G6). A machine that never said is
/// taken to understand what agents did before they began to say it (``ClusterModel/AgentKnowledge/unsaid``): that is safe, because no
/// agent understands less, and lets work go on that is as old.
package final class AgentRegister: Sendable {
    private struct Words {
        var said: [MembershipID: AgentKnowledge] = [:]
        /// Machines whose newest word is that they understand everything: the most, and asked about at every change.
        var current: Set<MembershipID> = []
    }

    private let words = Mutex(Words())

    /// With what earlier lives of the manager kept.
    package init(_ records: [MembershipID: MachineRecord] = [:]) {
        for (membership, record) in records {
            if let agent = record.agent { note(agent, of: membership) }
        }
    }

    /// What the log's keeper kept of it.
    package static func load(_ log: any ClusterLog) async throws(Refusal) -> AgentRegister {
        AgentRegister(try await RecordStore(log: log).load())
    }

    func note(_ agent: AgentKnowledge, of membership: MembershipID) {
        words.withLock { words in
            words.said[membership] = agent
            if agent.unknown.isEmpty { words.current.insert(membership) } else { words.current.remove(membership) }
        }
    }

    /// What a machine's agent understands.
    package func agent(of membership: Membership) -> AgentKnowledge {
        words.withLock { $0.said[membership.id] } ?? membership.agent ?? .unsaid
    }

    /// What a machine's agent understands, if that is not everything.
    private func older(_ membership: Membership) -> AgentKnowledge? {
        if words.withLock({ $0.current.contains(membership.id) }) { return nil }
        let agent = agent(of: membership)
        return agent.unknown.isEmpty ? nil : agent
    }

    /// Refuses a change by which a machine would get what its agent does not understand, or its kind of gateway cannot express.
    ///
    /// It names machine, entry and field, and what to do. What was too much for a machine before stands in nobody's way.
    package func check(from before: ClusterState, to after: ClusterState) throws(Refusal) {
        try checkAgents(from: before, to: after)
        let limits = after.gatewayLimits(since: before, limit: Limits.receiptReasons + 1) { agent(of: $0).gateway }
        guard let first = limits.first else { return }
        var details = limits.prefix(Limits.receiptReasons).map {
            "machine \($0.machine) (\($0.gateway.rawValue)): \($0.finding.entry): \($0.finding.text)"
        }
        if limits.count > Limits.receiptReasons { details.append("and more") }
        throw Refusal(
            .wouldBreak,
            "Nothing was changed: a gateway cannot do what its machine would get. Change the entry, or set it on that machine to what its gateway can, "
                + "or hide it there: muster hide \(first.finding.entry) --machine \(first.machine)",
            details: details)
    }

    private func checkAgents(from before: ClusterState, to after: ClusterState) throws(Refusal) {
        let lacks = after.lacks(since: before, limit: Limits.receiptReasons + 1, older: older)
        guard let first = lacks.first else { return }
        var details = lacks.prefix(Limits.receiptReasons).map { lack in
            let version = agent(of: lack.membership).agent
            return
                "machine \(lack.membership.machine): \(lack.lack.section)/\(lack.lack.entry) at \(after.level(of: lack.layer) ?? .cluster) needs "
                + "\(lack.lack.text), which its agent\(version.isEmpty ? "" : " (\(version))") does not know"
        }
        if lacks.count > Limits.receiptReasons { details.append("and more") }
        let entry = "\(first.lack.section)/\(first.lack.entry)"
        throw Refusal(
            .version,
            "Nothing was changed: an agent is too old for what its machine would get. Upgrade the agent; or set the entry on that machine to what it "
                + "understands, or hide it there: muster hide \(entry) --machine \(first.membership.machine)",
            details: details)
    }

    /// Which machines have agents that are older than this manager, a line for each kind.
    func notices(of state: ClusterState) -> [String] {
        var machines: [AgentKnowledge: [String]] = [:]
        for membership in state.memberships.values {
            if let agent = older(membership) { machines[agent, default: []].append(membership.machine) }
        }
        return machines.map { agent, names in
            let version =
                agent.agent.isEmpty ? "that has not said what it knows" : "(\(agent.agent)) that does not know all of this version"
            let shown = names.sorted().prefix(AgentRegister.named).joined(separator: ", ")
            let more = names.count > AgentRegister.named ? " and \(names.count - AgentRegister.named) more" : ""
            return "\(names.count == 1 ? "machine" : "machines") \(shown)\(more): an older agent \(version); what needs "
                + "\(agent.unknown.map(\.rawValue).joined(separator: ", ")) cannot be committed there. Upgrade it."
        }
        .sorted()
    }

    /// Machines that a notice names; the rest is counted.
    private static let named = 5
}
