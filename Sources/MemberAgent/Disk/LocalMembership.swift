package import ClusterModel
package import Replication

/// A machine's side of its membership: which it is, and how it proves it. Its description hides the key.
package struct LocalMembership: Hashable, Sendable, CustomStringConvertible, CustomDebugStringConvertible {
    package var facts: Facts
    /// The private key, made on this machine, and its certificate chain.
    package var identity: MemberIdentity
    /// The certificates of the cluster's CA, PEM.
    package var trust: String

    /// Which stay in which cluster this is.
    package struct Facts: Hashable, Sendable, Codable {
        package var membership: MembershipID
        package var clusterID: String
        package var cluster: String
        package var group: String
        /// Where managers take members: `HOST:PORT`.
        package var managers: [String]

        package init(membership: MembershipID, clusterID: String, cluster: String, group: String, managers: [String]) {
            self.membership = membership
            self.clusterID = clusterID
            self.cluster = cluster
            self.group = group
            self.managers = managers
        }
    }

    package init(facts: Facts, identity: MemberIdentity, trust: String) {
        self.facts = facts
        self.identity = identity
        self.trust = trust
    }

    package var description: String { "member \(facts.membership) of \(facts.cluster) <redacted>" }
    package var debugDescription: String { description }
}
