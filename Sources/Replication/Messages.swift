package import ClusterModel

/// What a member says to a manager.
package enum MemberMessage: Hashable, Sendable {
    case hello(Hello)
    case receipt(Receipt)
    case localEdits(LocalEditReport)
    /// A part of the answer to a question. From version 2 on.
    case inventory(InventoryPart)
    case join(JoinRequest)
    /// What the member holds of its identity now, on its disk.
    case papers(IdentityPapers)
    /// Asks for another certificate for the member's key: PKCS#10 in DER.
    case renewal(certificateRequest: [UInt8])
    case ping
    case pong
}

/// What a manager says to a member.
package enum ManagerMessage: Hashable, Sendable {
    /// The newest log entry; the member keeps it and shows it at its next hello. And the version of the protocol that is spoken now.
    case welcome(Sighting, version: Int = MemberProtocol.versions.upperBound)
    case update(Update)
    /// Whether the member is to stay apart from its cluster: disconnected on purpose, or not any more. It answers with its local edits.
    case apart(Bool)
    /// These local edits are decided, by their ids: the member forgets them, and answers with those that are left.
    case settled([String])
    /// What does the member hold? It may come at any time after the welcome. From version 2 on.
    case question(Question)
    /// The membership is over; the member flattens what it last applied and is standalone.
    case ended(Ended)
    /// No, and why; the manager closes the connection after it.
    case refused(Refusal.Code, reason: String)
    case joined(JoinAnswer)
    /// By whom managers must be vouched for from now on, and who issues.
    case authorities(AuthorityOffer)
    case renewed(RenewedIdentity)
    case ping
    case pong
}

/// The first frame of a member with an identity.
package struct Hello: Hashable, Sendable {
    /// What the agent understands, and its version.
    package var knowledge: AgentKnowledge
    package var clock: Timestamp
    /// The digest of the generation it runs; nil before the first.
    package var running: Digest?
    /// The digest it last rejected, if it has heard of nothing newer.
    package var rejected: Digest?
    /// The newest log entry it has heard of from any manager.
    package var seen: Sighting
    /// Whether it keeps apart from its cluster because it was told so.
    package var isDisconnected = false
    /// How many edits of its own it has that are not settled. It says which once it is welcome.
    package var localEdits = 0
    /// What it holds of its identity; nil if it does not say.
    package var papers: IdentityPapers?

    package init(
        knowledge: AgentKnowledge, clock: Timestamp, running: Digest?, rejected: Digest? = nil, seen: Sighting = .none,
        papers: IdentityPapers? = nil
    ) {
        self.papers = papers
        self.knowledge = knowledge
        self.clock = clock
        self.running = running
        self.rejected = rejected
        self.seen = seen
    }

    /// Of an agent that understands what this version does.
    package init(agent: String, clock: Timestamp, running: Digest?, rejected: Digest? = nil, seen: Sighting = .none) {
        self.init(knowledge: .ours(agent: agent), clock: clock, running: running, rejected: rejected, seen: seen)
    }
}

/// What somebody at a machine edited while it was disconnected: all that is not settled.
package struct LocalEditReport: Hashable, Sendable {
    /// Whether the member keeps apart from its cluster.
    package var isDisconnected: Bool
    package var edits: [LocalEdit]
    /// Keys and chains that the edits speak of.
    package var material: [Material]

    package init(isDisconnected: Bool, edits: [LocalEdit] = [], material: [Material] = []) {
        self.isDisconnected = isDisconnected
        self.edits = edits
        self.material = material
    }
}

/// A new target with what the member lacks to lay it out.
package struct Update: Hashable, Sendable {
    package var target: Target
    package var head: Sighting
    /// The digest that this update builds on; nil when it holds the whole configuration.
    package var base: Digest?
    /// Whole sections: all of them without a base, else those that differ from it and are not among the changes.
    package var sections: [EffectiveSection]
    /// What changes in sections of the base.
    package var changes: [SectionChange]
    /// Sections of the base that are gone.
    package var removed: [SectionName]
    /// Keys and chains that the base did not need.
    package var material: [Material]

    package init(
        target: Target, head: Sighting, base: Digest?, sections: [EffectiveSection], changes: [SectionChange] = [],
        removed: [SectionName] = [], material: [Material] = []
    ) {
        self.target = target
        self.head = head
        self.base = base
        self.sections = sections
        self.changes = changes
        self.removed = removed
        self.material = material
    }
}

/// A private key or a certificate chain, as PEM text. Its description never shows the content.
package struct Material: Hashable, Sendable, CustomStringConvertible, CustomDebugStringConvertible {
    package enum Kind: String, Hashable, Sendable {
        /// Named by the fingerprint of its public key.
        case key
        /// Named by SHA-256 of its text.
        case chain
    }

    package var kind: Kind
    package var digest: Digest
    package var pem: [UInt8]

    package init(kind: Kind, digest: Digest, pem: [UInt8]) {
        self.kind = kind
        self.digest = digest
        self.pem = pem
    }

    package var description: String { "\(kind.rawValue) \(digest.short) <redacted>" }
    package var debugDescription: String { description }
}

/// The word that a membership is over.
package struct Ended: Hashable, Sendable {
    package var reason: String
    package var time: Timestamp

    package init(reason: String, time: Timestamp) {
        self.reason = reason
        self.time = time
    }
}

/// A machine without an identity asks to become a member. The only frame such a connection may send.
package struct JoinRequest: Hashable, Sendable, CustomStringConvertible, CustomDebugStringConvertible {
    package var invitation: String
    /// The invitation's secret. Never logged.
    package var secret: String
    package var machine: String
    /// PKCS#10 in DER, signed by the key that the machine made for itself.
    package var certificateRequest: [UInt8]
    /// The machine's network settings: its layer's first entries.
    package var network: [NetworkEntry]
    /// What the machine gives up, as it showed it to whoever lets it join; for the log.
    package var loss: LossReport?
    /// Only ask what would happen; nothing changes and nothing is consumed.
    package var isPreview: Bool
    /// What the agent understands. One that says no section has not said.
    package var knowledge: AgentKnowledge

    package init(
        invitation: String, secret: String, machine: String, certificateRequest: [UInt8], network: [NetworkEntry], loss: LossReport? = nil,
        isPreview: Bool = false, knowledge: AgentKnowledge = .ours(agent: "")
    ) {
        self.invitation = invitation
        self.secret = secret
        self.machine = machine
        self.certificateRequest = certificateRequest
        self.network = network
        self.loss = loss
        self.isPreview = isPreview
        self.knowledge = knowledge
    }

    package var description: String { "join of \(machine) with invitation \(invitation) <redacted>" }
    package var debugDescription: String { description }
}

/// What a machine gets on becoming a member.
package struct JoinAnswer: Hashable, Sendable {
    package var membership: MembershipID
    package var clusterID: String
    package var cluster: String
    package var group: String
    /// The identity's certificate chain, PEM.
    package var certificate: String
    /// The certificates of the cluster's CA, PEM.
    package var trust: String
    /// Where managers take members: `HOST:PORT`.
    package var managers: [String]
    /// True for a preview: then there is no membership and no certificate.
    package var isPreview: Bool

    package init(
        membership: MembershipID, clusterID: String, cluster: String, group: String, certificate: String, trust: String, managers: [String],
        isPreview: Bool = false
    ) {
        self.membership = membership
        self.clusterID = clusterID
        self.cluster = cluster
        self.group = group
        self.certificate = certificate
        self.trust = trust
        self.managers = managers
        self.isPreview = isPreview
    }
}
