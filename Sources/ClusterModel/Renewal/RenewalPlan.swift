/// The renewal of a certificate under another name: what names the old one, who gets it, and how far the renewal has come (mission D13).
///
/// Everything is found out from the committed settings and the caller's own edits, so that a renewal that was interrupted anywhere goes
/// on where it stopped.
package struct RenewalPlan: Hashable, Sendable {
    /// A setting that names the old certificate, and will name the new one.
    package struct Entry: Hashable, Sendable {
        package var subject: Edit.Subject
        /// The service that it assigns the certificate to: `listener/public`.
        package var service: String
        /// Its value with the new name.
        package var value: JSONValue
        /// What changes in it, by JSON Merge Patch (RFC 7396).
        package var patch: JSONValue
        /// Machines that use the old certificate by it, by name.
        package var machines: [String]
        /// Machines that have another certificate of the old name, by name: with this entry they would get the new one.
        package var overriding: [String]
        /// Whether it is among the caller's own edits already.
        package var isSubmitted = false
    }

    /// What comes next. Whether all is proved, only the fleet can tell.
    package enum Step: String, CaseIterable, Hashable, Sendable, Codable {
        /// There is no new certificate yet.
        case add
        /// The new certificate, or what names it, is not committed.
        case repoint = "re-point"
        /// Everything names the new certificate: what machines serve is to be seen.
        case prove
        /// Every machine serves the new certificate, and the old one is still there.
        case retire
        case done
    }

    package var old: String
    package var new: String
    package var layer: LayerID
    /// What the committed settings have that names the old certificate, in a fixed order.
    package private(set) var entries: [Entry] = []
    /// Narrower layers with a certificate of the old name of their own: those are not renewed.
    package private(set) var overrides: [LayerID] = []
    /// Why it cannot be done this way, one sentence each.
    package private(set) var obstacles: [String] = []
    /// The caller's uncommitted edits that are none of the renewal's.
    package private(set) var foreign: [Edit] = []
    package private(set) var step = Step.add

    /// Plans a renewal. Refused where there is neither an old certificate nor a new one at that level.
    package init(
        renewing old: String, with new: String, at layer: LayerID, committed: ClusterState, changes: UncommittedChanges
    ) throws(Refusal) {
        self.old = old
        self.new = new
        self.layer = layer
        let view = try committed.applying(changes.edits, groups: changes.groups)
        let oldValue = committed.layer(layer)?[.certificates, old]?.state.value
        let newState = view.layer(layer)?[.certificates, new]?.state
        let isNewCommitted = newState?.value != nil && committed.layer(layer)?[.certificates, new]?.state == newState
        guard oldValue != nil || isNewCommitted else {
            let level = committed.level(of: layer)?.description ?? "that level"
            throw Refusal(
                .notFound, "There is no committed certificate \"\(old)\" at \(level) to renew. List them with: muster cert list --all")
        }
        overrides = committed.narrowerLayers(with: old, than: layer)
        try findEntries(in: committed, standIn: newState?.value ?? oldValue ?? .null)
        step = newState?.value == nil ? .add : !isNewCommitted || !entries.isEmpty ? .repoint : oldValue != nil ? .prove : .done
        sort(changes)
    }

    /// Machines that would get the new certificate in place of one of their own, by name.
    package var overriding: [String] { Set(entries.flatMap(\.overriding)).sorted() }

    /// The name of the new certificate when nobody gives one: the old one's with the year.
    package static func standardName(of old: String, at now: Timestamp) -> String {
        let year = String(now.description.prefix(4))
        let parts = old.split(separator: "-", omittingEmptySubsequences: false)
        let hasYear = parts.count > 1 && parts.last?.count == 4 && parts.last?.allSatisfy { $0.isASCII && $0.isNumber } == true
        return (hasYear ? parts.dropLast().joined(separator: "-") : old) + "-" + year
    }

    /// Tells the caller's edits that are part of the renewal from the others.
    private mutating func sort(_ changes: UncommittedChanges) {
        for edit in changes.edits {
            if let index = entries.firstIndex(where: { $0.subject == edit.subject }), edit.change == .set(entries[index].value) {
                entries[index].isSubmitted = true
            } else if !isOwn(edit) {
                foreign.append(edit)
            }
        }
    }

    /// Whether an edit makes the new certificate, or takes the old one away when it is time.
    private func isOwn(_ edit: Edit) -> Bool {
        guard edit.layer == layer, edit.section == .certificates else { return false }
        switch (edit.entry, edit.change) {
        case (new, .set): return true
        case (old, .remove): return step == .prove
        default: return false
        }
    }
}

// MARK: - What names the old certificate

extension RenewalPlan {
    /// Who gets an entry that names the old certificate.
    fileprivate struct Users {
        var machines: [Membership] = []
        var others: [Membership] = []
    }

    /// Finds the entries by which the old certificate is used, and what stands against naming another in them.
    ///
    /// The name resolves machine by machine, so an entry may mean this certificate on one machine and another one elsewhere.
    private mutating func findEntries(in state: ClusterState, standIn: JSONValue) throws(Refusal) {
        let candidates = state.entries(naming: old)
        guard !candidates.isEmpty else { return }
        let users = state.users(of: candidates, certificate: old, at: layer)
        for (subject, section, value) in candidates {
            let who = users[subject] ?? Users()
            guard !who.machines.isEmpty || state.holder(of: old, seenFrom: subject.layer) == layer else { continue }
            let service = section.serviceName(of: subject.entry ?? "")
            guard let changed = section.renaming(old, to: new, in: value) else {
                obstacles.append("This version cannot tell how \(service) names the certificate: assign \"\(new)\" to it yourself.")
                continue
            }
            entries.append(
                Entry(
                    subject: subject, service: service, value: changed, patch: value.patch(to: changed),
                    machines: who.machines.map(\.machine).sorted(), overriding: who.others.map(\.machine).sorted()))
        }
        try check(users, in: state, standIn: standIn)
    }

    /// With the edits applied, the new name must mean the new certificate wherever the old one was meant.
    private mutating func check(_ users: [Edit.Subject: Users], in state: ClusterState, standIn: JSONValue) throws(Refusal) {
        let edits =
            [Edit(layer: layer, section: .certificates, entry: new, change: .set(standIn), basis: nil)]
            + entries.map {
                Edit(layer: $0.subject.layer, section: $0.subject.section, entry: $0.subject.entry, change: .set($0.value), basis: nil)
            }
        let after = try state.applying(edits)
        let configurations = after.configurations()
        for index in entries.indices {
            let entry = entries[index]
            let who = users[entry.subject] ?? Users()
            let level = state.level(of: entry.subject.layer)?.description ?? ""
            func holder(_ machine: Membership) -> LayerID? { configurations[machine.id]?[.certificates, new]?.origin.layer }
            let astray = who.machines.filter { holder($0) != layer }.map(\.machine).sorted()
            if !astray.isEmpty {
                obstacles.append(
                    "\(astray.shortList): the name \"\(new)\" means another certificate there, or none. Choose another name with --with.")
            }
            let without = who.others.filter { holder($0) == nil }.map(\.machine).sorted()
            if !without.isEmpty {
                obstacles.append(
                    "\(entry.service), set at \(level), is also that of \(without.shortList), which \(without.count == 1 ? "does" : "do") not get \"\(new)\" from this level. Renew in place, under the same name: muster cert import, or muster cert csr and upload."
                )
            }
            entries[index].overriding = who.others.filter { holder($0) != nil }.map(\.machine).sorted()
        }
        var seen: Set<String> = []
        obstacles = obstacles.filter { seen.insert($0).inserted }
    }
}

extension ClusterState {
    /// Every entry of every layer that names a certificate, in a fixed order.
    fileprivate func entries(naming certificate: String) -> [(subject: Edit.Subject, section: Section, value: JSONValue)] {
        let layers =
            [(LayerID.cluster, layer)] + groups.map { (.group($0), $1.layer) } + memberships.map { (.machine($0), $1.layer) }
        return layers.flatMap { id, layer in
            layer.allEntries.compactMap { name, entry, content -> (Edit.Subject, Section, JSONValue)? in
                guard let section = Section.named(name), let value = content.state.value,
                    section.references(value).contains(where: { $0.section == .certificates && $0.name == certificate })
                else { return nil }
                return (Edit.Subject(layer: id, section: name, entry: entry), section, value)
            }
        }
        .sorted { $0.0 < $1.0 }
    }

    /// For each of these entries, the machines that get it: those where it means this layer's certificate, and the others.
    fileprivate func users(
        of entries: [(subject: Edit.Subject, section: Section, value: JSONValue)], certificate: String, at holder: LayerID
    ) -> [Edit.Subject: RenewalPlan.Users] {
        let byLayer = Dictionary(grouping: entries.map(\.subject), by: \.layer)
        var users: [Edit.Subject: RenewalPlan.Users] = [:]
        for (id, configuration) in configurations() {
            guard let membership = memberships[id] else { continue }
            let origin = configuration[.certificates, certificate]?.origin.layer
            for subject in levels(of: membership).flatMap({ byLayer[$0] ?? [] })
            where configuration[subject.section, subject.entry ?? ""]?.origin.layer == subject.layer {
                if origin == holder {
                    users[subject, default: .init()].machines.append(membership)
                } else {
                    users[subject, default: .init()].others.append(membership)
                }
            }
        }
        return users
    }

    /// Layers below one that have a certificate of this name of their own.
    fileprivate func narrowerLayers(with certificate: String, than layer: LayerID) -> [LayerID] {
        let groupLayers = groups.filter { $1.layer[.certificates, certificate]?.state.value != nil }.keys.map(LayerID.group)
        let machineLayers = memberships.values.filter { membership in
            membership.layer[.certificates, certificate]?.state.value != nil && levels(of: membership).contains(layer)
        }
        .map { LayerID.machine($0.id) }
        switch layer {
        case .cluster: return (groupLayers + machineLayers).sorted()
        case .group: return machineLayers.sorted()
        case .machine: return []
        }
    }
}
