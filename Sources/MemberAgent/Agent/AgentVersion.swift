package import ClusterModel

/// What an agent says about its version, for people.
let agentVersion = "muster/1"

extension AgentKnowledge {
    /// What this version's agent says that it understands.
    package static var ofThisAgent: AgentKnowledge { .ours(agent: agentVersion) }
}
