/// The versions of the conversation between members and managers that this version of Muster speaks.
package enum MemberProtocol {
    /// What came with which: 2, kinds of frames for machines apart, inventories and identities.
    package static let versions = 1...2
    /// The first version in which a member can be told that it is disconnected, and tells of its own edits.
    package static let apart = 2
    /// The version that came with frames about a member's identity.
    package static let identities = 2

    /// The version that is spoken with somebody who speaks these: the newest of both; nil when there is none.
    package static func agreed(with others: ClosedRange<Int>) -> Int? {
        versions.overlaps(others) ? min(versions.upperBound, others.upperBound) : nil
    }

    /// Why there is no conversation with an agent, and what to do.
    package static func disagreement(with agent: AgentKnowledge) -> String {
        let older = agent.protocols.upperBound < versions.lowerBound ? "the agent" : "the manager"
        return
            "the agent\(agent.agent.isEmpty ? "" : " (\(agent.agent))") speaks \(spoken(agent.protocols)) of the member protocol, and this "
            + "manager \(spoken(versions)): upgrade \(older)"
    }

    private static func spoken(_ versions: ClosedRange<Int>) -> String {
        versions.count == 1 ? "version \(versions.lowerBound)" : "versions \(versions.lowerBound) to \(versions.upperBound)"
    }
}
