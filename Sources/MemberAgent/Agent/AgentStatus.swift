package import ClusterModel

/// The agent's word on itself, as `status.json` holds it and `muster agent status` shows it.
package struct AgentStatus: Hashable, Sendable, Codable {
    package enum Mode: String, Hashable, Sendable, Codable {
        case standalone
        case member
    }

    package var name: String
    package var mode: Mode
    package var cluster: String?
    package var group: String?
    package var membership: MembershipID?
    /// Whether a manager has welcomed this machine, and which; without one it serves all the same.
    package var connected = false
    package var manager: String?
    /// What it serves; the revision is nil for its own settings.
    package var appliedRevision: Int?
    package var appliedDigest: Digest?
    /// The newest target heard of.
    package var targetRevision: Int?
    package var services: [Service] = []
    /// Whether the member keeps apart from its cluster, told so by a manager; nil for a standalone machine.
    package var disconnected: Bool?
    /// The entries that were edited here meanwhile and are not decided in the cluster, as `section/entry`.
    package var localEdits: [String]?
    /// Why something is not as it should be: a rejection, a refusal by the manager, damage on the disk.
    package var reasons: [String] = []
    /// When this began to be so.
    package var since: Timestamp

    /// A service that a certificate is assigned to, and what it was seen to serve.
    package struct Service: Hashable, Sendable, Codable {
        package var service: String
        package var certificate: String
        package var fingerprint: Digest
        package var served: Digest?
        package var unprovable: String?

        package func encode(to encoder: any Encoder) throws {
            var container = encoder.container(keyedBy: CodingKeys.self)
            try container.encode(service, forKey: .service)
            try container.encode(certificate, forKey: .certificate)
            try container.encode(fingerprint, forKey: .fingerprint)
            // Programs find these keys there, as null.
            try container.encode(served, forKey: .served)
            try container.encode(unprovable, forKey: .unprovable)
        }
    }

    package init(name: String, mode: Mode, since: Timestamp) {
        self.name = name
        self.mode = mode
        self.since = since
    }
}
