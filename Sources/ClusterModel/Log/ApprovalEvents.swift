/// An administrator decided on a machine that asked to be let in with an invitation that needs approval (mission C2).
package struct JoinDecided: Hashable, Sendable, Codable {
    package var invitation: String
    package var machine: String
    /// The fingerprint of the identity key that the machine asked with: the decision is on that key, and no other.
    package var identityKey: Digest
    package var isApproved: Bool

    package init(invitation: String, machine: String, identityKey: Digest, isApproved: Bool) {
        self.invitation = invitation
        self.machine = machine
        self.identityKey = identityKey
        self.isApproved = isApproved
    }
}

/// A machine that waits to be let in. Kept beside the log: it is a question, and the log has answers.
package struct PendingJoin: Hashable, Sendable, Codable {
    package var invitation: String
    package var machine: String
    package var identityKey: Digest
    /// When it first asked.
    package var time: Timestamp
    /// How many certificates and other settings it gives up by joining, as it says.
    package var certificates: Int
    package var settings: Int

    package init(invitation: String, machine: String, identityKey: Digest, time: Timestamp, loss: LossReport?) {
        self.invitation = invitation
        self.machine = machine
        self.identityKey = identityKey
        self.time = time
        certificates = loss?.certificates.count ?? 0
        settings = loss?.settings.values.reduce(0) { $0 + $1.count } ?? 0
    }
}

extension Invitation {
    /// Whether a machine of this name may join with this key, as far as administrators decided; nil while nobody did.
    package func decision(on machine: String, key: Digest) -> Bool? {
        needsApproval ? decisions[key].flatMap { $0.machine == machine ? $0.isApproved : nil } : true
    }

    /// Whether anybody may still use it.
    package func isOpen(at time: Timestamp) -> Bool { usedBy == nil && time < expires }
}

extension ClusterState {
    mutating func fold(_ event: JoinDecided) throws(Refusal) {
        guard let invitation = invitations[event.invitation], invitation.needsApproval else {
            throw Refusal(.notFound, "The invitation that \(event.machine) asked with is gone. It has to ask with another one.")
        }
        guard invitation.decisions.count < Limits.pendingJoins || invitation.decisions[event.identityKey] != nil else {
            throw Refusal(
                .limit, "There are already \(Limits.pendingJoins) decisions on that invitation. Make another: muster invite --approval")
        }
        invitations[event.invitation]?.decisions[event.identityKey] = event
    }

    /// The machine that is meant among those that wait: by name, and by the first digits of its key's fingerprint.
    package static func pending(_ machine: String, key prefix: String?, among pending: [PendingJoin]) throws(Refusal) -> PendingJoin {
        let named = pending.filter { $0.machine == machine }
        guard !named.isEmpty else {
            throw Refusal(
                .notFound,
                "No machine \"\(machine.prefix(Limits.nameLength))\" waits to be let in. List those that do: muster machine requests")
        }
        let found = named.filter { $0.identityKey.hex.hasPrefix((prefix ?? "").lowercased()) }
        guard let one = found.first else {
            throw Refusal(
                .conflict,
                "The \(machine) that waits has another key than that. Compare the fingerprint with what the machine shows: muster machine requests"
            )
        }
        guard found.count == 1 else {
            throw Refusal(
                .invalid, "\(found.count) machines called \(machine) wait. Give more digits of the fingerprint: muster machine requests")
        }
        return one
    }
}
