/// A group has another name from now on; its identity, and so what is set for it and who is in it, stays.
package struct GroupRenamed: Hashable, Sendable, Codable {
    package var group: GroupID
    package var former: String
    package var name: String

    package init(group: GroupID, former: String, name: String) {
        self.group = group
        self.former = former
        self.name = name
    }
}

/// A group is no more, and what was set for it is gone with it.
package struct GroupDeleted: Hashable, Sendable, Codable {
    package var group: GroupID
    package var name: String
    package var loss: LossReport

    package init(group: GroupID, name: String, loss: LossReport) {
        self.group = group
        self.name = name
        self.loss = loss
    }
}

/// A machine is in another group from now on, and gets what is set for that one. Its own layer and its membership stay.
package struct MachineMoved: Hashable, Sendable, Codable {
    package var membership: MembershipID
    package var from: GroupID
    package var group: GroupID

    package init(membership: MembershipID, from: GroupID, group: GroupID) {
        self.membership = membership
        self.from = from
        self.group = group
    }
}

/// A machine has another name in the cluster from now on; its membership, and so all that it gets, stays.
package struct MachineRenamed: Hashable, Sendable, Codable {
    package var membership: MembershipID
    package var former: String
    package var name: String

    package init(membership: MembershipID, former: String, name: String) {
        self.membership = membership
        self.former = former
        self.name = name
    }
}

/// A group that was deleted.
package struct EndedGroup: Hashable, Sendable {
    package var name: String
    package var time: Timestamp
    package var author: String
}

// MARK: - The fold

extension ClusterState {
    mutating func fold(_ event: GroupRenamed) throws(Refusal) {
        guard groups[event.group] != nil else { throw Refusal(.notFound, "The group \"\(event.former)\" is gone.") }
        if let other = group(named: event.name), other.id != event.group {
            throw Refusal(.exists, "There is a group \"\(event.name)\" already.")
        }
        groups[event.group]?.name = event.name
    }

    mutating func fold(_ event: GroupDeleted, time: Timestamp, author: String) throws(Refusal) {
        guard groups[event.group] != nil else { throw Refusal(.notFound, "The group \"\(event.name)\" is gone already.") }
        try checkDeletion(of: event.group)
        groups[event.group] = nil
        traces = traces.filter { $0.key.layer != .group(event.group) }
        endedGroups[event.group] = EndedGroup(name: event.name, time: time, author: author)
    }

    mutating func fold(_ event: MachineMoved) throws(Refusal) {
        guard memberships[event.membership] != nil else { throw Refusal(.notFound, "That membership is over already.") }
        guard groups[event.group] != nil else { throw Refusal(.notFound, "The group that the machine is moved to is gone.") }
        memberships[event.membership]?.group = event.group
    }

    mutating func fold(_ event: MachineRenamed) throws(Refusal) {
        guard let membership = memberships[event.membership] else { throw Refusal(.notFound, "That membership is over already.") }
        if let other = self.membership(named: event.name), other.id != event.membership {
            throw Refusal(.exists, "There is a machine \"\(event.name)\" in the cluster already.")
        }
        membershipOfName[membership.machine] = nil
        membershipOfName[event.name] = event.membership
        memberships[event.membership]?.machine = event.name
    }

    /// Refuses to delete a group that something still hangs on, with what that is and how it is changed.
    package func checkDeletion(of id: GroupID) throws(Refusal) {
        guard let group = groups[id] else { throw Refusal(.notFound, "The group is gone already.") }
        guard groups.count > 1 else {
            throw Refusal(
                .inUse,
                "\(group.name) is the only group, and a cluster has at least one: that is where machines join. Add another first: muster group add NAME"
            )
        }
        let machines = machines(in: id)
        guard machines.isEmpty else {
            let shown = machines.prefix(Limits.namesInRefusal).joined(separator: ", ")
            let more = machines.count > Limits.namesInRefusal ? " and \(machines.count - Limits.namesInRefusal) more" : ""
            let are = machines.count == 1 ? "1 machine is" : "\(machines.count) machines are"
            throw Refusal(
                .inUse,
                "\(are) in the group \(group.name): \(shown)\(more). Move \(machines.count == 1 ? "it" : "them") first: "
                    + "muster machine move \(machines[0]) --group \(groups.values.map(\.name).filter { $0 != group.name }.min() ?? "NAME")")
        }
        let limited = users.all.filter { $0.group == id }.map(\.name)
        guard limited.isEmpty else {
            throw Refusal(
                .inUse,
                "The role of \(limited.joined(separator: ", ")) is limited to the group \(group.name). Remove \(limited.count == 1 ? "that user" : "those users") "
                    + "first, and add \(limited.count == 1 ? "it" : "them") again with another group: muster user remove \(limited[0])")
        }
    }

    /// The machines of a group, by name.
    package func machines(in group: GroupID) -> [String] {
        memberships.values.filter { $0.group == group }.map(\.machine).sorted()
    }

    /// Invitations to a group that somebody may still use, the first to expire first.
    package func openInvitations(to group: GroupID, at time: Timestamp) -> [Invitation] {
        invitations.values.filter { $0.group == group && $0.usedBy == nil && time < $0.expires }
            .sorted { ($0.expires, $0.id) < ($1.expires, $1.id) }
    }

    /// A group's name, also when it was deleted since; nil for one that never was.
    package func name(of group: GroupID) -> String? { groups[group]?.name ?? endedGroups[group]?.name }
}

// MARK: - Decisions

extension ClusterState {
    /// The event that moves a machine; nil when it is in that group already. Refused when the machine would not hold together there.
    package func move(_ id: MembershipID, to group: GroupID) throws(Refusal) -> MachineMoved? {
        guard let membership = memberships[id] else { throw Refusal(.notFound, "The machine was removed by somebody else at this moment.") }
        guard membership.group != group else { return nil }
        let event = MachineMoved(membership: id, from: membership.group, group: group)
        let after = try moving(event)
        guard let moved = after.memberships[id] else { return nil }
        let errors = after.configuration(of: moved).findings().filter { $0.severity == .error }
        guard errors.isEmpty else {
            throw Refusal(
                .wouldBreak,
                "Nothing was moved: with the settings of the group \(groups[group]?.name ?? ""), the machine \(membership.machine) would not hold together.",
                details: errors.prefix(Limits.receiptReasons).map { "\($0.entry): \($0.text)" })
        }
        return event
    }

    /// The state with a machine moved; nothing is checked but that both are there.
    package func moving(_ event: MachineMoved) throws(Refusal) -> ClusterState {
        var state = self
        try state.fold(event)
        return state
    }
}

extension LossReport {
    /// What goes with a group: the certificates and settings of its layer.
    package static func deleting(_ group: Group) -> LossReport {
        var report = LossReport()
        for difference in Layer().differences(to: group.layer) {
            if let entry = difference.entry, case .set(let value) = difference.change, difference.section == .certificates,
                let leaf = (try? CertificateSetting(value))?.leaf  // what does not read was refused before it was stored
            {
                report.certificates.append(
                    LostCertificate(
                        name: entry, subject: leaf.subject, fingerprint: leaf.fingerprint, notAfter: leaf.notAfter, services: []))
            } else {
                report.settings[difference.section.rawValue, default: []].append(difference.entry ?? "(inherits nothing)")
            }
        }
        return report
    }
}
