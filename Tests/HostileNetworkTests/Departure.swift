import ClusterModel

/// One machine is removed and returns, whatever the weather.
struct Departure: Sendable {
    let cluster: Cluster
    let chronicle: Chronicle

    func play(_ agent: Server, after pause: Duration) async throws {
        try await pass(pause)
        let name = agent.node.name
        let gone: Bool? = try await poll(within: .seconds(120), every: .seconds(1)) {
            _ = try await cluster.run(["machine", "remove", name])
            guard let machines = try await cluster.machines() else { return nil }
            return machines.contains { $0["name"]?.text == name } ? nil : true
        }
        chronicle.note("\(name): removed")
        let standalone: Bool? = try await poll(within: .seconds(120), every: .seconds(1)) {
            try await cluster.isMember(agent) ? nil : true
        }
        guard gone == true, standalone == true else { return chronicle.found("\(name) could not be removed, or never heard of it") }
        chronicle.count("removals")
        chronicle.note("\(name): standalone, and on its way back")
        let back: Bool? = try await poll(within: .seconds(120), every: .seconds(1)) { try await comesBack(agent) ? true : nil }
        guard back == true else { return chronicle.found("\(name) could not return") }
        chronicle.count("returns")
        chronicle.note("\(name): returned")
    }

    private func comesBack(_ agent: Server) async throws -> Bool {
        let answer = try await cluster.join(agent)
        if answer.isGood { return true }
        chronicle.note("\(agent.node.name): \(answer.error.prefix(300))")
        // The answer to a join was lost: the machine is in the log, and does not know it. Its administrator starts over.
        if answer.error.contains("already") { _ = try await cluster.run(["machine", "remove", agent.node.name]) }
        return false
    }
}
