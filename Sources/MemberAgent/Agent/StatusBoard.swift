import ClusterModel
import Replication

/// What the agent's status is made of.
struct StatusBoard: Sendable {
    let name: String
    let now: WallClock
    /// What the services were last seen to serve.
    var proofs: Proofs?
    /// Why the newest settings are not in force, or not proved.
    var objections: [String] = []
    /// What is no longer as it was applied, besides what services serve.
    var drift: [String] = []
    /// Why that is not mended at once.
    var remark: String?
    /// What is wrong on the disk.
    var damages: [String] = []
    /// That a membership ended, and why.
    var ending: String?
    private var last: AgentStatus?

    init(name: String, now: @escaping WallClock) {
        self.name = name
        self.now = now
    }

    /// The status, if it is another than the last one asked for.
    mutating func changed(serving: Generation?, following: Following?) -> AgentStatus? {
        var status = AgentStatus(name: name, mode: following == nil ? .standalone : .member, since: last?.since ?? now())
        if let following {
            let facts = following.membership.facts
            (status.cluster, status.group, status.membership) = (facts.cluster, facts.group, facts.membership)
            status.connected = following.connection != nil && following.follower.isWelcome
            status.manager = following.connection?.manager
            status.disconnected = following.follower.apart.isDisconnected
            status.localEdits = following.follower.apart.edits.map(\.path)
            status.targetRevision = (following.follower.newest ?? serving?.target)?.revision
        }
        status.appliedRevision = serving?.target?.revision
        status.appliedDigest = serving?.settings.digest
        status.services = serving == nil ? [] : proofs?.services ?? []
        let connection = status.connected ? nil : following?.follower.objection?.reason ?? following?.trouble
        status.reasons = objections + drift + damages + [remark, ending, connection].compactMap(\.self)
        guard status != last else { return nil }
        status.since = now()
        last = status
        return status
    }
}
