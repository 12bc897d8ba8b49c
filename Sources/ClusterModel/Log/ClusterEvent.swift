/// One thing that changed the cluster. Whatever changes it is one of these, appended to the log.
package enum ClusterEvent: Hashable, Sendable {
    case clusterCreated(ClusterCreated)
    case userAdded(UserAdded)
    case userRemoved(UserRemoved)
    case tokenCreated(TokenCreated)
    case groupAdded(GroupAdded)
    case groupRenamed(GroupRenamed)
    case groupDeleted(GroupDeleted)
    case invitationCreated(InvitationCreated)
    case joinDecided(JoinDecided)
    case machineJoined(MachineJoined)
    case machineMoved(MachineMoved)
    case machineRenamed(MachineRenamed)
    case machineRemoved(MachineRemoved)
    case archiveForgotten(ArchiveForgotten)
    case machineDisconnected(MachineDisconnected)
    case machineReconnected(MachineReconnected)
    case settingsCommitted(SettingsCommitted)
    case managerRecovered(ManagerRecovered)
    case caRotated(CARotated)
    case readmissionGranted(ReadmissionGranted)
    case machineReadmitted(MachineReadmitted)
    case keyExported(KeyExported)
    case documentExported(DocumentExported)
}

package struct ClusterCreated: Hashable, Sendable, Codable {
    package var clusterID: String
    package var cluster: String
    package var group: GroupID
    package var groupName: String
    package var manager: String
    /// The cluster CA's certificate, PEM.
    package var authority: String
    /// The fingerprint of its public key, which names the sealed key.
    package var authorityKey: Digest
    /// Which master key seals the cluster's keys.
    package var masterKey: String
    /// The ready-made certificate, made for this cluster alone (mission D6).
    package var demo: JSONValue?

    package init(
        clusterID: String, cluster: String, group: GroupID, groupName: String, manager: String, authority: String, authorityKey: Digest,
        masterKey: String, demo: JSONValue? = nil
    ) {
        self.clusterID = clusterID
        self.cluster = cluster
        self.group = group
        self.groupName = groupName
        self.manager = manager
        self.authority = authority
        self.authorityKey = authorityKey
        self.masterKey = masterKey
        self.demo = demo
    }
}

/// A bearer token for the admin port; only its SHA-256 is kept.
package struct TokenCreated: Hashable, Sendable, Codable {
    package var id: String
    package var user: String
    package var hash: Digest
    package var expires: Timestamp

    package init(id: String, user: String, hash: Digest, expires: Timestamp) {
        self.id = id
        self.user = user
        self.hash = hash
        self.expires = expires
    }
}

package struct GroupAdded: Hashable, Sendable, Codable {
    package var group: GroupID
    package var name: String

    package init(group: GroupID, name: String) {
        self.group = group
        self.name = name
    }
}

/// A single-use ticket to join; only its secret's SHA-256 is kept.
package struct InvitationCreated: Hashable, Sendable, Codable {
    package var id: String
    package var secretHash: Digest
    package var group: GroupID
    package var expires: Timestamp
    /// The one machine that may use it, by name; nil for any.
    package var machine: String?
    /// Whether an administrator decides on each machine that uses it; nil for no.
    package var approval: Bool?

    package init(
        id: String, secretHash: Digest, group: GroupID, expires: Timestamp, machine: String? = nil, approval: Bool? = nil
    ) {
        self.approval = approval
        self.id = id
        self.secretHash = secretHash
        self.group = group
        self.expires = expires
        self.machine = machine
    }
}

package struct MachineJoined: Hashable, Sendable, Codable {
    package var membership: MembershipID
    package var machine: String
    package var group: GroupID
    package var invitation: String
    /// The fingerprint of the identity key that the machine made for itself.
    package var identityKey: Digest
    /// The network settings it brought along: the first entries of its layer.
    package var network: [NetworkEntry]
    /// What the machine gave up by joining, as it listed it itself.
    package var loss: LossReport?
    /// What its agent said that it understands; nil if it did not say.
    package var agent: AgentKnowledge?

    package init(
        membership: MembershipID, machine: String, group: GroupID, invitation: String, identityKey: Digest, network: [NetworkEntry],
        loss: LossReport? = nil, agent: AgentKnowledge? = nil
    ) {
        self.membership = membership
        self.machine = machine
        self.group = group
        self.invitation = invitation
        self.identityKey = identityKey
        self.network = network
        self.loss = loss
        self.agent = agent
    }
}

/// One network setting that a machine brings along.
package struct NetworkEntry: Hashable, Sendable, Codable {
    package var section: SectionName
    package var name: String
    package var value: JSONValue

    package init(section: SectionName, name: String, value: JSONValue) {
        self.section = section
        self.name = name
        self.value = value
    }
}

package struct MachineRemoved: Hashable, Sendable, Codable {
    package var membership: MembershipID
    package var loss: LossReport
    /// What was kept of the machine's layer; nil when it ended with the membership.
    package var archive: ArchiveNote?

    package init(membership: MembershipID, loss: LossReport, archive: ArchiveNote? = nil) {
        self.membership = membership
        self.loss = loss
        self.archive = archive
    }
}

package struct SettingsCommitted: Hashable, Sendable, Codable {
    package var changeSet: String
    package var revision: Int
    package var comment: String
    package var edits: [Edit]
    /// Groups created with it.
    package var groups: [GroupAdded]
    /// The earlier revision whose settings it brings back; nil for any other commit.
    package var rolledBackTo: Int?

    package init(
        changeSet: String, revision: Int, comment: String, edits: [Edit], groups: [GroupAdded] = [], rolledBackTo: Int? = nil
    ) {
        self.changeSet = changeSet
        self.revision = revision
        self.comment = comment
        self.edits = edits
        self.groups = groups
        self.rolledBackTo = rolledBackTo
    }
}

/// The cluster goes on from a log that is older than what its machines have seen: what came after it is given up.
package struct ManagerRecovered: Hashable, Sendable, Codable {
    /// One more than before.
    package var epoch: Int

    package init(epoch: Int) {
        self.epoch = epoch
    }
}

/// An administrator was given a private key, in a PKCS#12 file under a password (mission D12).
package struct KeyExported: Hashable, Sendable, Codable {
    package var layer: LayerID
    package var certificate: String
    package var key: Digest

    package init(layer: LayerID, certificate: String, key: Digest) {
        self.layer = layer
        self.certificate = certificate
        self.key = key
    }
}

/// An administrator was given every private key of a revision, in a cluster document under a password (mission B9, D12).
package struct DocumentExported: Hashable, Sendable, Codable {
    /// The revision whose settings they are.
    package var revision: Int
    /// How many keys there were.
    package var keys: Int

    package init(revision: Int, keys: Int) {
        self.revision = revision
        self.keys = keys
    }
}

extension ClusterEvent {
    /// The word that names the event in the log: `machine-joined`.
    package var kind: String {
        switch self {
        case .clusterCreated: "cluster-created"
        case .userAdded: "user-added"
        case .userRemoved: "user-removed"
        case .tokenCreated: "token-created"
        case .groupAdded: "group-added"
        case .groupRenamed: "group-renamed"
        case .groupDeleted: "group-deleted"
        case .invitationCreated: "invitation-created"
        case .joinDecided: "join-decided"
        case .machineJoined: "machine-joined"
        case .machineMoved: "machine-moved"
        case .machineRenamed: "machine-renamed"
        case .machineRemoved: "machine-removed"
        case .archiveForgotten: "archive-forgotten"
        case .machineDisconnected: "machine-disconnected"
        case .machineReconnected: "machine-reconnected"
        case .settingsCommitted: "settings-committed"
        case .managerRecovered: "manager-recovered"
        case .caRotated: "ca-rotated"
        case .readmissionGranted: "readmission-granted"
        case .machineReadmitted: "machine-readmitted"
        case .keyExported: "key-exported"
        case .documentExported: "document-exported"
        }
    }

    /// Whether it may give a machine other settings than before.
    package var changesSettings: Bool {
        switch self {
        case .clusterCreated, .tokenCreated, .groupAdded, .groupRenamed, .groupDeleted, .invitationCreated, .machineRenamed,
            .machineRemoved, .managerRecovered, .keyExported, .caRotated, .readmissionGranted, .machineReadmitted:
            false
        case .archiveForgotten, .joinDecided: false
        // What waits for a machine was checked when it was committed.
        case .machineDisconnected, .machineReconnected: false
        default: true
        }
    }

    /// The stored form: the payload's fields, and `kind`.
    package func json() throws -> JSONValue {
        let payload: JSONValue =
            switch self {
            case .clusterCreated(let event): try JSONValue(encoding: event)
            case .userAdded(let event): try JSONValue(encoding: event)
            case .userRemoved(let event): try JSONValue(encoding: event)
            case .tokenCreated(let event): try JSONValue(encoding: event)
            case .groupAdded(let event): try JSONValue(encoding: event)
            case .groupRenamed(let event): try JSONValue(encoding: event)
            case .groupDeleted(let event): try JSONValue(encoding: event)
            case .invitationCreated(let event): try JSONValue(encoding: event)
            case .joinDecided(let event): try JSONValue(encoding: event)
            case .machineJoined(let event): try JSONValue(encoding: event)
            case .machineMoved(let event): try JSONValue(encoding: event)
            case .machineRenamed(let event): try JSONValue(encoding: event)
            case .machineRemoved(let event): try JSONValue(encoding: event)
            case .archiveForgotten(let event): try JSONValue(encoding: event)
            case .machineDisconnected(let event): try JSONValue(encoding: event)
            case .machineReconnected(let event): try JSONValue(encoding: event)
            case .settingsCommitted(let event): try JSONValue(encoding: event)
            case .managerRecovered(let event): try JSONValue(encoding: event)
            case .caRotated(let event): try JSONValue(encoding: event)
            case .readmissionGranted(let event): try JSONValue(encoding: event)
            case .machineReadmitted(let event): try JSONValue(encoding: event)
            case .keyExported(let event): try JSONValue(encoding: event)
            case .documentExported(let event): try JSONValue(encoding: event)
            }
        var members = payload.members ?? [:]
        members["kind"] = .string(kind)
        return .object(members)
    }

    /// Reads the stored form. An unknown kind is refused: it is never skipped.
    package init(_ json: JSONValue) throws {
        let kind = json["kind"]?.text ?? ""
        switch kind {
        case "cluster-created": self = .clusterCreated(try json.decode(ClusterCreated.self))
        case "user-added": self = .userAdded(try json.decode(UserAdded.self))
        case "user-removed": self = .userRemoved(try json.decode(UserRemoved.self))
        case "token-created": self = .tokenCreated(try json.decode(TokenCreated.self))
        case "group-added": self = .groupAdded(try json.decode(GroupAdded.self))
        case "group-renamed": self = .groupRenamed(try json.decode(GroupRenamed.self))
        case "group-deleted": self = .groupDeleted(try json.decode(GroupDeleted.self))
        case "invitation-created": self = .invitationCreated(try json.decode(InvitationCreated.self))
        case "join-decided": self = .joinDecided(try json.decode(JoinDecided.self))
        case "machine-joined": self = .machineJoined(try json.decode(MachineJoined.self))
        case "machine-moved": self = .machineMoved(try json.decode(MachineMoved.self))
        case "machine-renamed": self = .machineRenamed(try json.decode(MachineRenamed.self))
        case "machine-removed": self = .machineRemoved(try json.decode(MachineRemoved.self))
        case "archive-forgotten": self = .archiveForgotten(try json.decode(ArchiveForgotten.self))
        case "machine-disconnected": self = .machineDisconnected(try json.decode(MachineDisconnected.self))
        case "machine-reconnected": self = .machineReconnected(try json.decode(MachineReconnected.self))
        case "settings-committed": self = .settingsCommitted(try json.decode(SettingsCommitted.self))
        case "key-exported": self = .keyExported(try json.decode(KeyExported.self))
        case "document-exported": self = .documentExported(try json.decode(DocumentExported.self))
        case "manager-recovered": self = .managerRecovered(try json.decode(ManagerRecovered.self))
        case "ca-rotated": self = .caRotated(try json.decode(CARotated.self))
        case "readmission-granted": self = .readmissionGranted(try json.decode(ReadmissionGranted.self))
        case "machine-readmitted": self = .machineReadmitted(try json.decode(MachineReadmitted.self))
        default:
            throw Refusal(
                .version,
                "The log holds an event of the kind \"\(kind.prefix(64))\", which this version does not know. Use the version that wrote it, or a newer one."
            )
        }
    }
}
