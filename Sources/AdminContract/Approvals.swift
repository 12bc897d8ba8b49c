package import ClusterModel

/// A machine that waits to be let in.
package struct JoinRequestView: Hashable, Sendable, Codable {
    package var machine: String
    package var group: String
    /// The fingerprint of the key that it made for its identity; the machine shows the same.
    package var fingerprint: Digest
    package var invitation: String
    /// When it first asked.
    package var time: Timestamp
    /// How many certificates and other settings it gives up by joining, as it says.
    package var certificates: Int
    package var settings: Int

    package init(
        machine: String, group: String, fingerprint: Digest, invitation: String, time: Timestamp, certificates: Int, settings: Int
    ) {
        self.machine = machine
        self.group = group
        self.fingerprint = fingerprint
        self.invitation = invitation
        self.time = time
        self.certificates = certificates
        self.settings = settings
    }
}

/// Decides on a machine that waits to be let in.
package struct JoinDecision: Hashable, Sendable, Codable {
    package var machine: String
    /// The first digits of the key's fingerprint, as the machine shows it; to let one in they must be given.
    package var fingerprint: String?
    package var approve: Bool

    package init(machine: String, fingerprint: String?, approve: Bool) {
        self.machine = machine
        self.fingerprint = fingerprint
        self.approve = approve
    }
}
