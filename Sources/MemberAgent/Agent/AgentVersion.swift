package import ClusterModel

extension AgentKnowledge {
    /// What this version's agent says that it understands.
    package static var ofThisAgent: AgentKnowledge { .ours(agent: musterVersion) }
}
