/// A step of the CA's rotation was taken.
package struct CARotated: Hashable, Sendable, Codable {
    package var move: Rotation.Move
    /// The next CA's certificate, PEM, and the fingerprint of its key; with ``Rotation/Move/prepare`` only.
    package var certificate: String?
    package var key: Digest?
    /// Machines that were not waited for.
    package var without: [MembershipID]?

    package init(_ move: Rotation.Move, prepared: ClusterCA? = nil, without: [MembershipID] = []) {
        self.move = move
        certificate = prepared?.certificate
        key = prepared?.key
        self.without = without.isEmpty ? nil : without
    }

    /// The next CA, if it came with this step.
    package var prepared: ClusterCA? {
        guard let certificate, let key else { return nil }
        return ClusterCA(certificate: certificate, key: key)
    }
}

/// A machine whose certificate expired may return, once, until a time.
package struct ReadmissionGranted: Hashable, Sendable, Codable {
    package var membership: MembershipID
    package var expires: Timestamp

    package init(membership: MembershipID, expires: Timestamp) {
        self.membership = membership
        self.expires = expires
    }
}

/// A machine proved its old key and returned; the grant is used up.
package struct MachineReadmitted: Hashable, Sendable, Codable {
    package var membership: MembershipID

    package init(membership: MembershipID) { self.membership = membership }
}

/// A grant that was not used yet.
package struct Readmission: Hashable, Sendable {
    package var author: String
    package var expires: Timestamp
}

extension ClusterState {
    mutating func fold(_ event: CARotated) throws(Refusal) {
        let ending = event.move == .retire ? endedByRetirement : []
        try rotation?.take(event.move, prepared: event.prepared)
        // Who has only these would not recognize a manager any more.
        for invitation in ending { invitations[invitation] = nil }
    }

    mutating func fold(_ event: ReadmissionGranted, author: String) throws(Refusal) {
        guard memberships[event.membership] != nil else {
            throw Refusal(.membershipEnded, "That machine was removed from the cluster. Let it join anew: muster invite")
        }
        readmissions[event.membership] = Readmission(author: author, expires: event.expires)
    }

    mutating func fold(_ event: MachineReadmitted, time: Timestamp) throws(Refusal) {
        try checkReadmission(of: event.membership, at: time)
        readmissions[event.membership] = nil
    }

    /// Refuses a machine that no open grant is for.
    package func checkReadmission(of membership: MembershipID, at time: Timestamp) throws(Refusal) {
        guard let member = memberships[membership] else {
            throw Refusal(.membershipEnded, "This machine was removed from the cluster. Let it leave (muster agent leave) and join anew.")
        }
        let ask = "Ask an administrator for a grant: muster machine readmit \(member.machine)"
        guard let grant = readmissions[membership] else {
            throw Refusal(.certificateExpired, "The certificate of the machine \(member.machine) has expired. \(ask)")
        }
        guard time < grant.expires else {
            throw Refusal(
                .certificateExpired,
                "The certificate of the machine \(member.machine) has expired, and so has the grant to return, at \(grant.expires). \(ask)")
        }
    }

    /// Open invitations that pin the current CA only: they end when it is retired.
    package var endedByRetirement: [String] {
        guard rotation?.next != nil else { return [] }
        return invitations.values.filter { $0.usedBy == nil && !$0.pinsNext }.map(\.id).sorted()
    }
}
