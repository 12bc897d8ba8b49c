/// A machine is kept from following on purpose: it stays a member, and what is committed meanwhile waits (mission C7).
package struct MachineDisconnected: Hashable, Sendable, Codable {
    package var membership: MembershipID

    package init(membership: MembershipID) {
        self.membership = membership
    }
}

/// A machine that was disconnected follows again.
package struct MachineReconnected: Hashable, Sendable, Codable {
    package var membership: MembershipID

    package init(membership: MembershipID) {
        self.membership = membership
    }
}

/// Since when a machine is disconnected, and by whom.
package struct Disconnection: Hashable, Sendable {
    package var time: Timestamp
    package var author: String
}

extension ClusterState {
    mutating func fold(_ event: MachineDisconnected, time: Timestamp, author: String) throws(Refusal) {
        guard let membership = memberships[event.membership] else { throw Refusal(.notFound, "That membership is over already.") }
        guard membership.disconnection == nil else { throw Refusal(.conflict, "\(membership.machine) is disconnected already.") }
        memberships[event.membership]?.disconnection = Disconnection(time: time, author: author)
    }

    mutating func fold(_ event: MachineReconnected) throws(Refusal) {
        guard let membership = memberships[event.membership] else { throw Refusal(.notFound, "That membership is over already.") }
        guard membership.disconnection != nil else { throw Refusal(.conflict, "\(membership.machine) is not disconnected.") }
        memberships[event.membership]?.disconnection = nil
    }

    /// The members that are kept from following on purpose.
    package var disconnected: Set<MembershipID> {
        Set(memberships.values.filter { $0.disconnection != nil }.map(\.id))
    }
}
