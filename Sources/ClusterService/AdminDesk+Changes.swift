package import AdminContract
package import ClusterModel

extension AdminDesk {
    package func changes(for caller: Caller) async throws(Refusal) -> [ChangeView] {
        try await views(of: desk.changes(of: caller.user)).map(\.view)
    }

    package func discard(_ query: DiscardQuery, for caller: Caller) async throws(Refusal) -> DiscardSummary {
        try require(.operator, of: caller)
        let entry = try AdminDesk.name(query.entry, in: query.section)
        let layer: LayerID?
        if let level = query.level { layer = try await desk.view(of: caller.user).layerID(of: level) } else { layer = nil }
        let count = try await desk.discard(by: caller.user) { edit in
            (layer ?? edit.layer) == edit.layer && (query.section ?? edit.section) == edit.section
                && (entry == nil || entry == edit.entry)
        }
        return DiscardSummary(discarded: count, uncommitted: try await desk.changes(of: caller.user).edits.count)
    }

    package func commit(_ request: CommitRequest, for caller: Caller) async throws(Refusal) -> CommitView {
        try require(.operator, of: caller)
        // What was committed here would reach nobody, and would have to be given up or done again.
        if let reason = fleet.outdated { throw Refusal(.conflict, "Nothing was committed. \(reason)") }
        if let wanted = request.changeSet {
            try await ledger.settle()
            let state = await ledger.state
            if let done = state.revision(ofChangeSet: wanted) {
                return CommitView(revision: done.number, position: done.position, machines: [], notices: AdminDesk.notices(of: state))
            }
            guard try await desk.changes(of: caller.user).changeSet == wanted else {
                throw Refusal(.conflict, "Your uncommitted changes are others by now. Look with muster changes, and commit again.")
            }
        }
        let committed = try await desk.commit(by: caller.user, comment: request.comment)
        return CommitView(
            revision: committed.revision?.number, position: committed.revision?.position ?? committed.after.head.position,
            machines: AdminDesk.impacts(from: committed.before, to: committed.after),
            notices: AdminDesk.notices(of: committed.after))
    }

    package func history(_ page: Page, for caller: Caller) async throws(Refusal) -> [RevisionView] {
        let state = await ledger.state
        return state.history.reversed().filter { $0.number < page.after ?? .max }.prefix(min(page.limit, Page.standardLimit)).map {
            RevisionView(revision: $0.number, author: $0.author, time: $0.time, comment: $0.comment, kind: $0.kind)
        }
    }

    /// Uncommitted changes as people meet them.
    func views(of changes: UncommittedChanges) async throws(Refusal) -> [(subject: Edit.Subject, view: ChangeView)] {
        let state = await ledger.state
        let after = try state.applying(changes)
        let conflicts = Set(state.conflicts(of: changes).map(\.subject))
        return changes.edits.compactMap { edit in
            guard let level = after.level(of: edit.layer) else { return nil }
            let before = edit.entry.flatMap { state.layer(edit.layer)?[edit.section, $0] }
            let value: JSONValue = if case .set(let value) = edit.change { value } else { .null }
            let view = ChangeView(
                level: level, section: edit.section, entry: edit.entry, change: edit.change.word, before: before?.state.value ?? .null,
                after: value, conflict: conflicts.contains(edit.subject) ? AdminDesk.conflict(with: before, in: state) : nil,
                changeSet: changes.changeSet)
            return (edit.subject, view)
        }
    }

    private static func conflict(with entry: LayerEntry?, in state: ClusterState) -> String {
        guard let entry, let revision = state.history.first(where: { $0.number == entry.revision }) else {
            return "it was removed since this edit began"
        }
        return "revision \(revision.number) by \(revision.author) at \(revision.time) changed it since this edit began"
    }

    /// The machines whose effective configuration differs between two states, and in what.
    static func impacts(from before: ClusterState, to after: ClusterState) -> [MachineImpact] {
        let old = before.configurations()
        return after.configurations().compactMap { id, configuration in
            guard let machine = after.memberships[id]?.machine, old[id] != configuration else { return nil }
            return MachineImpact(machine: machine, changes: impacts(from: old[id] ?? .empty, to: configuration))
        }
        .sorted { $0.machine < $1.machine }
    }

    private static func impacts(from before: EffectiveConfiguration, to after: EffectiveConfiguration) -> [EntryImpact] {
        let names = Set(before.sections.map(\.name)).union(after.sections.map(\.name))
        return names.sorted().flatMap { section -> [EntryImpact] in
            guard before[section] != after[section] else { return [] }
            let old = Dictionary(uniqueKeysWithValues: (before[section]?.entries ?? []).map { ($0.name, $0.digest) })
            let new = Dictionary(uniqueKeysWithValues: (after[section]?.entries ?? []).map { ($0.name, $0.digest) })
            return Set(old.keys).union(new.keys).sorted().compactMap { name in
                switch (old[name], new[name]) {
                case (nil, _?): EntryImpact(section: section, name: name, change: .added)
                case (_?, nil): EntryImpact(section: section, name: name, change: .removed)
                case (let one, let two): one == two ? nil : EntryImpact(section: section, name: name, change: .changed)
                }
            }
        }
    }
}

extension EntryChange {
    /// The word that names it for people and programs.
    var word: String {
        switch self {
        case .set: "set"
        case .hide: "hide"
        case .remove: "remove"
        case .isolate: "isolate"
        case .inherit: "inherit"
        }
    }
}
