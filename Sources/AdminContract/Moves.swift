package import ClusterModel

/// Asks for another name of a machine or a group.
package struct RenameRequest: Hashable, Sendable, Codable {
    package var name: String

    package init(name: String) {
        self.name = name
    }
}

/// Asks to move a machine to another group.
package struct MoveRequest: Hashable, Sendable, Codable {
    package var group: String
    /// Whether to say what would happen, only.
    package var preview: Bool

    package init(group: String, preview: Bool = false) {
        self.group = group
        self.preview = preview
    }
}

/// What a move did, or would do.
package struct MoveView: Hashable, Sendable, Codable {
    package var machine: String
    /// The group that it was in.
    package var from: String
    package var to: String
    /// The log's head after it.
    package var position: Int
    /// What the machine gains, loses and serves: itself, or nobody when nothing changes for it.
    package var machines: [MachineImpact]
    /// What people should know of the machine there.
    package var notices: [String]
    /// For a preview: why it would be refused.
    package var problems: [String]

    package init(
        machine: String, from: String, to: String, position: Int, machines: [MachineImpact], notices: [String] = [],
        problems: [String] = []
    ) {
        self.machine = machine
        self.from = from
        self.to = to
        self.position = position
        self.machines = machines
        self.notices = notices
        self.problems = problems
    }
}

/// What goes, or went, with a group.
package struct GroupDeletion: Hashable, Sendable, Codable {
    package var name: String
    /// Certificates that were set for the group alone.
    package var certificates: [LostCertificate]
    /// Its other settings, by section: the entries' names.
    package var settings: [String: [String]]
    /// Invitations that led to it: who uses one is refused.
    package var invitations: [OpenInvitation]
    /// For a preview: why it would be refused.
    package var problems: [String]

    package init(
        name: String, certificates: [LostCertificate] = [], settings: [String: [String]] = [:], invitations: [OpenInvitation] = [],
        problems: [String] = []
    ) {
        self.name = name
        self.certificates = certificates
        self.settings = settings
        self.invitations = invitations
        self.problems = problems
    }
}

/// An invitation that somebody may still use, without its secret.
package struct OpenInvitation: Hashable, Sendable, Codable {
    package var id: String
    package var expires: Timestamp

    package init(id: String, expires: Timestamp) {
        self.id = id
        self.expires = expires
    }
}
