/// A group of machines.
package struct Group: Hashable, Sendable {
    package var id: GroupID
    package var name: String
    package var layer = Layer()
}

/// One stay of a machine in the cluster. It owns the machine's layer and identity.
package struct Membership: Hashable, Sendable {
    package var id: MembershipID
    /// Its name in the cluster.
    package var machine: String
    /// Under which name it joined: what it calls itself, whatever the cluster has called it since.
    package var ownName: String
    package var group: GroupID
    package var identityKey: Digest
    package var layer: Layer
    package var joined: Timestamp
    /// What its agent said at the join that it understands. It may have been upgraded since.
    package var agent: AgentKnowledge?
    /// Why it does not follow, when that is so on purpose.
    package var disconnection: Disconnection?
}

/// A membership that is over.
package struct EndedMembership: Hashable, Sendable {
    package var machine: String
    package var time: Timestamp
    package var author: String
    package var reason: String
}

/// An invitation, open or used.
package struct Invitation: Hashable, Sendable {
    package var id: String
    package var secretHash: Digest
    package var group: GroupID
    package var expires: Timestamp
    /// The one machine that may use it; nil for any.
    package var machine: String?
    /// Whether an administrator decides on each machine that uses it.
    package var needsApproval = false
    /// What was decided, by the key that a machine asked with.
    package internal(set) var decisions: [Digest: JoinDecided] = [:]
    package var usedBy: MembershipID?
    /// Whether it pins the CA that was the next one when it was made, beside the one before.
    package var pinsNext = false
}

/// A committed change of settings.
package struct Revision: Hashable, Sendable {
    package var number: Int
    package var position: Int
    package var author: String
    package var time: Timestamp
    package var comment: String
    /// `commit` or `rollback`.
    package var kind: String
    package var changeSet: String
}

/// The cluster as the log tells it: a pure fold, which never reads a clock.
package struct ClusterState: Sendable {
    package private(set) var head = LogHead.empty
    /// How often the cluster went on from an older backup.
    package private(set) var epoch = 0
    package private(set) var created: ClusterCreated?
    package private(set) var layer = Layer()
    package internal(set) var groups: [GroupID: Group] = [:]
    package internal(set) var endedGroups: [GroupID: EndedGroup] = [:]
    package internal(set) var memberships: [MembershipID: Membership] = [:]
    package private(set) var ended: [MembershipID: EndedMembership] = [:]
    /// What was kept of removed machines' layers, by the digest of the content.
    package internal(set) var archives: [Digest: Archive] = [:]
    package internal(set) var invitations: [String: Invitation] = [:]
    /// The cluster's CA; nil before the cluster is created.
    package internal(set) var rotation: Rotation?
    /// The machines that may return although their certificate expired.
    package internal(set) var readmissions: [MembershipID: Readmission] = [:]
    package private(set) var users = Users()
    package private(set) var history: [Revision] = []
    /// The revisions that last took an entry away, isolated a section or had it inherited again: no layer tells them.
    var traces: [Edit.Subject: Int] = [:]
    private var revisionOfChangeSet: [String: Int] = [:]
    var membershipOfName: [String: MembershipID] = [:]
    /// What was last found, here or in a state that this one was made from or that was made from this one.
    var memory = FindingsMemory()

    package init() {}

    /// The newest revision; 0 before the first commit.
    package var revision: Int { history.last?.number ?? 0 }

    package var clusterID: String { created?.clusterID ?? "" }
    package var cluster: String { created?.cluster ?? "" }

    package func membership(named machine: String) -> Membership? {
        membershipOfName[machine].flatMap { memberships[$0] }
    }

    package func group(named name: String) -> Group? {
        groups.values.first { $0.name == name }
    }

    /// The revision that a change set was committed as, if it was.
    package func revision(ofChangeSet id: String) -> Revision? {
        revisionOfChangeSet[id].map { history[$0 - 1] }
    }

    /// What a layer says; nil for one that is not, or not any more.
    package func layer(_ id: LayerID) -> Layer? {
        switch id {
        case .cluster: layer
        case .group(let group): groups[group]?.layer
        case .machine(let membership): memberships[membership]?.layer
        }
    }
}

// MARK: - The fold

extension ClusterState {
    /// Takes in the next entry. Throws when the event cannot follow what came before, which a sound log never shows.
    package mutating func fold(_ event: ClusterEvent, head: LogHead, time: Timestamp, author: String) throws(Refusal) {
        switch event {
        case .clusterCreated(let event): try fold(event)
        case .userAdded(let event):
            if let group = event.group, groups[group] == nil { throw Refusal(.notFound, "The group that the role is limited to is gone.") }
            try users.fold(event, time: time, author: author)
        case .userRemoved(let event): try users.fold(event)
        case .tokenCreated(let event): try users.fold(event, time: time, author: author)
        case .groupAdded(let event): try fold(event)
        case .groupRenamed(let event): try fold(event)
        case .groupDeleted(let event): try fold(event, time: time, author: author)
        case .invitationCreated(let event):
            invitations[event.id] = Invitation(
                id: event.id, secretHash: event.secretHash, group: event.group, expires: event.expires, machine: event.machine,
                needsApproval: event.approval ?? false, pinsNext: rotation?.alsoPinned.isEmpty == false)
        case .joinDecided(let event): try fold(event)
        case .machineJoined(let event): try fold(event, time: time)
        case .machineMoved(let event): try fold(event)
        case .machineRenamed(let event): try fold(event)
        case .machineRemoved(let event): try fold(event, time: time, author: author)
        case .archiveForgotten(let event): try fold(event)
        case .machineDisconnected(let event): try fold(event, time: time, author: author)
        case .machineReconnected(let event): try fold(event)
        case .settingsCommitted(let event): try fold(event, position: head.position, time: time, author: author)
        case .managerRecovered(let event): try fold(event)
        case .caRotated(let event): try fold(event)
        case .readmissionGranted(let event): try fold(event, author: author)
        case .machineReadmitted(let event): try fold(event, time: time)
        case .keyExported, .documentExported: break  // it is history, and changes nothing
        }
        self.head = head
    }

    private mutating func fold(_ event: ClusterCreated) throws(Refusal) {
        guard created == nil else { throw Refusal(.exists, "The log creates the cluster a second time.") }
        created = event
        rotation = Rotation(current: ClusterCA(certificate: event.authority, key: event.authorityKey))
        if let demo = event.demo { layer[.certificates, CertificateSetting.demoName] = LayerEntry(.set(demo), revision: 0) }
        groups[event.group] = Group(id: event.group, name: event.groupName)
    }

    private mutating func fold(_ event: ManagerRecovered) throws(Refusal) {
        guard event.epoch == epoch + 1 else { throw Refusal(.conflict, "Epoch \(event.epoch) cannot follow epoch \(epoch).") }
        epoch = event.epoch
        // Some may have been used in what was given up, and each lets in one machine.
        invitations = invitations.filter { $0.value.usedBy != nil }
        readmissions = [:]
    }

    private mutating func fold(_ event: GroupAdded) throws(Refusal) {
        guard groups[event.group] == nil, group(named: event.name) == nil else {
            throw Refusal(.exists, "There is a group \"\(event.name)\" already.")
        }
        guard groups.count < Limits.groups else { throw Refusal(.limit, "There are already \(Limits.groups) groups.") }
        groups[event.group] = Group(id: event.group, name: event.name)
    }

    private mutating func fold(_ event: MachineJoined, time: Timestamp) throws(Refusal) {
        guard groups[event.group] != nil else { throw Refusal(.notFound, "The invitation's group is gone.") }
        guard membershipOfName[event.machine] == nil, memberships[event.membership] == nil, ended[event.membership] == nil else {
            throw Refusal(
                .exists,
                "There is a machine \"\(event.machine)\" in the cluster already. Join under another name, or remove that one first.")
        }
        guard memberships.count < Limits.machines else { throw Refusal(.limit, "There are already \(Limits.machines) machines.") }
        guard let invitation = invitations[event.invitation], invitation.usedBy == nil else {
            throw Refusal(.invitation, "The invitation has been used. Ask for another: muster invite.")
        }
        var layer = Layer()
        for entry in event.network {
            layer[entry.section, entry.name] = LayerEntry(.set(entry.value), revision: 0)
        }
        invitations[event.invitation]?.usedBy = event.membership
        membershipOfName[event.machine] = event.membership
        memberships[event.membership] = Membership(
            id: event.membership, machine: event.machine, ownName: event.machine, group: event.group, identityKey: event.identityKey,
            layer: layer, joined: time, agent: event.agent)
    }

    private mutating func fold(_ event: MachineRemoved, time: Timestamp, author: String) throws(Refusal) {
        guard let membership = memberships.removeValue(forKey: event.membership) else {
            throw Refusal(.notFound, "That membership is over already.")
        }
        if let archive = event.archive { try fold(archive, group: membership.group, time: time, author: author) }
        membershipOfName[membership.machine] = nil
        readmissions[event.membership] = nil
        traces = traces.filter { $0.key.layer != .machine(event.membership) }
        ended[event.membership] = EndedMembership(
            machine: membership.machine, time: time, author: author, reason: "removed from the cluster by \(author)")
    }

    private mutating func fold(_ event: SettingsCommitted, position: Int, time: Timestamp, author: String) throws(Refusal) {
        guard event.revision == revision + 1 else {
            throw Refusal(.conflict, "Revision \(event.revision) cannot follow revision \(revision).")
        }
        for group in event.groups { try fold(group) }
        try apply(event.edits, revision: event.revision)
        revisionOfChangeSet[event.changeSet] = event.revision
        history.append(
            Revision(
                number: event.revision, position: position, author: author, time: time, comment: event.comment,
                kind: event.rolledBackTo == nil ? "commit" : "rollback", changeSet: event.changeSet))
    }
}

// MARK: - Edits

extension ClusterState {
    /// The state with edits in it, as if they were the next revision; nothing is checked but that their layers exist.
    package func applying(_ edits: [Edit], groups: [GroupAdded] = []) throws(Refusal) -> ClusterState {
        var state = self
        for group in groups where state.group(named: group.name) == nil { try state.fold(group) }
        try state.apply(edits, revision: revision + 1)
        return state
    }

    private mutating func apply(_ edits: [Edit], revision: Int) throws(Refusal) {
        for edit in edits {
            trace(edit, revision: revision)
            // In place: a copy of the layer for each edit would cost more than all the rest of the fold.
            let done: Void? =
                switch edit.layer {
                case .cluster: layer.apply(edit, revision: revision)
                case .group(let id): groups[id]?.layer.apply(edit, revision: revision)
                case .machine(let id): memberships[id]?.layer.apply(edit, revision: revision)
                }
            guard done != nil else {
                throw Refusal(.notFound, "The level of \(edit.section)/\(edit.entry ?? "") is gone: \(ending(of: edit.layer)).")
            }
            guard layer(edit.layer)?.sections[edit.section]?.entries.count ?? 0 <= Limits.entries else {
                throw Refusal(.limit, "\(edit.section) would hold over \(Limits.entries) entries at one level.")
            }
        }
    }
}

extension ClusterState {
    /// Remembers what the layer itself will not tell: when something was taken away.
    private mutating func trace(_ edit: Edit, revision: Int) {
        switch edit.change {
        case .remove, .isolate, .inherit: traces[edit.subject] = revision
        case .set, .hide: if !traces.isEmpty { traces[edit.subject] = nil }
        }
    }
}

extension Layer {
    fileprivate mutating func apply(_ edit: Edit, revision: Int) {
        switch (edit.change, edit.entry) {
        case (.set(let value), let entry?): self[edit.section, entry] = LayerEntry(.set(value), revision: revision)
        case (.hide, let entry?): self[edit.section, entry] = LayerEntry(.hidden, revision: revision)
        case (.remove, let entry?): self[edit.section, entry] = nil
        case (.isolate, _): self[edit.section].isIsolated = true
        case (.inherit, _): self[edit.section].isIsolated = false
        case (_, nil): break  // an edit of an entry without its name changes nothing; it is refused when submitted
        }
    }
}
