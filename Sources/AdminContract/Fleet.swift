package import ClusterModel

/// Who the caller is, as the manager sees it.
package struct CallerView: Hashable, Sendable, Codable {
    package var user: String
    package var role: Role
    /// The group that the role is limited to; null for the whole cluster.
    @OrNull package var group: String?
    package var cluster: String

    package init(user: String, role: Role, group: String? = nil, cluster: String) {
        self.group = group
        self.user = user
        self.role = role
        self.cluster = cluster
    }
}

/// The whole cluster at a glance.
package struct ClusterStatus: Hashable, Sendable, Codable {
    package var cluster: String
    package var clusterID: String
    /// The newest committed revision; 0 before the first.
    package var revision: Int
    /// The log's head.
    package var position: Int
    package var machines: [MachineView]
    /// How many edits the caller has not committed.
    package var uncommitted: Int
    /// What people should know: a listener that a machine does not open, a manager that needs repair.
    package var notices: [String]
    package var alerts: AlertSummary

    package init(
        cluster: String, clusterID: String, revision: Int, position: Int, machines: [MachineView], uncommitted: Int, notices: [String] = [],
        alerts: AlertSummary = AlertSummary()
    ) {
        self.cluster = cluster
        self.clusterID = clusterID
        self.revision = revision
        self.position = position
        self.machines = machines
        self.uncommitted = uncommitted
        self.notices = notices
        self.alerts = alerts
    }
}

/// One machine of the fleet.
package struct MachineView: Hashable, Sendable, Codable {
    package var name: String
    /// What the machine calls itself, when that is another name: that under which it joined.
    @OrNull package var ownName: String?
    package var group: String
    package var state: MachineState
    package var targetRevision: Int
    /// Null until the machine has applied something.
    @OrNull package var appliedRevision: Int?
    package var targetDigest: Digest
    @OrNull package var appliedDigest: Digest?
    /// Why it is rejected, drifted or disconnected, or cannot be talked with, one each.
    package var reasons: [String]
    package var services: [ServiceView]
    /// The services that it is given and does not open, and why.
    package var disabled: [DisabledService]
    /// When the manager last heard from it; null for never.
    @OrNull package var lastSeen: Timestamp?
    /// The version of its agent, as that said; null until it did.
    @OrNull package var agentVersion: String?
    /// What it drives; null where it did not say, or named a kind that this manager does not know and so takes to be capable of everything.
    @OrNull package var gateway: GatewayKind?
    /// What of its settings its agent is too old for, one each.
    package var lacks: [String]
    /// The entries that were edited on the machine itself while it was disconnected, and that are not decided, as `section/entry`.
    package var localEdits: [String]
    /// Its newest word, its newest success and its newest refusal: three facts, which may speak of three targets.
    @OrNull package var lastReceived: ReceiptView?
    @OrNull package var lastApplied: ReceiptView?
    /// Null again once it applied what it had refused.
    @OrNull package var lastRejected: ReceiptView?

    package init(
        name: String, ownName: String? = nil, group: String, state: MachineState, targetRevision: Int, appliedRevision: Int?,
        targetDigest: Digest, appliedDigest: Digest?, reasons: [String] = [], services: [ServiceView] = [],
        disabled: [DisabledService] = [],
        lastSeen: Timestamp? = nil, agentVersion: String? = nil, gateway: GatewayKind? = nil, lacks: [String] = [],
        localEdits: [String] = [], lastReceived: ReceiptView? = nil, lastApplied: ReceiptView? = nil, lastRejected: ReceiptView? = nil
    ) {
        self.ownName = ownName
        self.localEdits = localEdits
        self.lastReceived = lastReceived
        self.lastApplied = lastApplied
        self.lastRejected = lastRejected
        self.name = name
        self.group = group
        self.state = state
        self.targetRevision = targetRevision
        self.appliedRevision = appliedRevision
        self.targetDigest = targetDigest
        self.appliedDigest = appliedDigest
        self.reasons = reasons
        self.services = services
        self.disabled = disabled
        self.lastSeen = lastSeen
        self.agentVersion = agentVersion
        self.gateway = gateway
        self.lacks = lacks
    }
}

/// A machine's word on a target.
package struct ReceiptView: Hashable, Sendable, Codable {
    package var revision: Int
    /// The place of the log that the target was computed from.
    package var position: Int
    package var digest: Digest
    /// `applied` or `rejected`.
    package var outcome: String
    package var reasons: [String]
    /// By the machine's clock.
    package var time: Timestamp

    package init(revision: Int, position: Int, digest: Digest, outcome: String, reasons: [String] = [], time: Timestamp) {
        self.revision = revision
        self.position = position
        self.digest = digest
        self.outcome = outcome
        self.reasons = reasons
        self.time = time
    }
}

/// A service of a machine: what it should serve, and what it was seen to serve.
package struct ServiceView: Hashable, Sendable, Codable {
    /// `listener/public`, `https/data1`, `delivery`, `ldap`, `web-security`, `service/malware-analysis`.
    package var service: String
    /// The name of the assigned certificate.
    package var certificate: String
    /// SHA-256 of the leaf it should serve.
    package var fingerprint: Digest
    /// What the proof saw.
    @OrNull package var served: Digest?
    /// Why it cannot be probed.
    @OrNull package var unprovable: String?

    package init(service: String, certificate: String, fingerprint: Digest, served: Digest?, unprovable: String? = nil) {
        self.service = service
        self.certificate = certificate
        self.fingerprint = fingerprint
        self.served = served
        self.unprovable = unprovable
    }
}

/// A group and who is in it.
package struct GroupView: Hashable, Sendable, Codable {
    package var name: String
    package var machines: [String]

    package init(name: String, machines: [String]) {
        self.name = name
        self.machines = machines
    }
}

/// Asks for a new group.
package struct GroupRequest: Hashable, Sendable, Codable {
    package var name: String

    package init(name: String) {
        self.name = name
    }
}

/// Asks for an invitation.
package struct InvitationRequest: Hashable, Sendable, Codable {
    /// The group that the machine joins; without it, the cluster's first.
    package var group: String?
    /// Seconds until it expires, at most ``Limits/invitationHours``.
    package var expiresSeconds: Int
    /// The one machine that may use it, by name; without it, any.
    package var machine: String?
    /// Whether an administrator decides on each machine that uses it; without it, no.
    package var approval: Bool?

    package init(group: String?, expiresSeconds: Int, machine: String? = nil, approval: Bool? = nil) {
        self.approval = approval
        self.group = group
        self.expiresSeconds = expiresSeconds
        self.machine = machine
    }
}

/// An invitation, once: the manager keeps only the hash of its secret.
package struct InvitationView: Hashable, Sendable, Codable {
    /// The text that `agent join` takes. A secret.
    package var invitation: String
    package var id: String
    package var group: String
    package var expires: Timestamp
    /// The one machine that may use it; left out for any.
    package var machine: String?

    package init(invitation: String, id: String, group: String, expires: Timestamp, machine: String? = nil) {
        self.invitation = invitation
        self.id = id
        self.group = group
        self.expires = expires
        self.machine = machine
    }
}

extension InvitationView: CustomStringConvertible {
    package var description: String { "invitation \(id) <redacted>" }
}
