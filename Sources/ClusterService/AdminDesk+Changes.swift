package import AdminContract
package import ClusterModel

extension AdminDesk {
    package func changes(for caller: Caller) async throws(Refusal) -> [ChangeView] {
        try await views(of: desk.changes(of: caller.user)).map(\.view)
    }

    package func discard(_ query: DiscardQuery, for caller: Caller) async throws(Refusal) -> DiscardSummary {
        try require(.operator, of: caller)
        let layer: LayerID?
        if let level = query.level { layer = try await desk.view(of: caller.user).layerID(of: level) } else { layer = nil }
        let count = try await desk.discard(by: caller.user) { edit in
            (layer ?? edit.layer) == edit.layer && (query.section ?? edit.section) == edit.section
                && (query.entry == nil || query.entry == edit.entry)
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
        after.differences(from: before).map { machine, entries in
            MachineImpact(
                machine: machine,
                changes: entries.map { EntryImpact(section: $0.key.section, name: $0.key.name, change: EntryImpact.Kind($0.kind)) })
        }
    }
}

extension EntryImpact.Kind {
    fileprivate init(_ kind: EntryDifference.Kind) {
        switch kind {
        case .added: self = .added
        case .changed: self = .changed
        case .removed: self = .removed
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
