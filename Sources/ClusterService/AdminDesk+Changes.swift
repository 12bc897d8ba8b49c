package import AdminContract
package import ClusterModel

extension AdminDesk {
    package func changes(for caller: Caller) async throws(Refusal) -> [ChangeView] {
        let changes = try await desk.changes(of: caller.user)
        let state = await ledger.state
        let views = try await views(of: changes, in: state)
        await desk.show(changes, of: caller.user, asOf: state)
        return views.map(\.view)
    }

    package func previewChanges(for caller: Caller) async throws(Refusal) -> ChangesPreview {
        let changes = try await desk.changes(of: caller.user)
        let state = await ledger.state
        let after = try state.applying(changes)
        let gone = AdminDesk.notices(ofGone: try await desk.gone(of: caller.user), in: state)
        var problems: [String] = []
        do throws(Refusal) {
            if !changes.isEmpty { _ = try ChangeDesk.decide(changes, comment: "", on: state) }
            try ChangeDesk.checkMandate(of: caller.user, for: changes.edits, changes.groups, in: state)
            try ledger.agents.check(from: state, to: after)
        } catch {
            problems = error.details.isEmpty ? [error.reason] : error.details
        }
        return ChangesPreview(
            machines: AdminDesk.impacts(from: state.part(in: caller.group), to: after.part(in: caller.group)),
            notices: AdminDesk.notices(of: after.part(in: caller.group)) + gone, problems: problems)
    }

    package func keep(_ request: KeepRequest, for caller: Caller) async throws(Refusal) -> [ChangeView] {
        try await requireSomewhere(.operator, of: caller)
        _ = try Section.known(request.section)
        let isMeant = try await choice(level: request.level, section: request.section, entry: request.entry, for: caller)
        let kept = Set(try await desk.keep(by: caller.user, where: isMeant).map(\.subject))
        let changes = try await desk.changes(of: caller.user)
        return try await views(of: changes, in: await ledger.state).filter { kept.contains($0.subject) }.map(\.view)
    }

    package func discard(_ query: DiscardQuery, for caller: Caller) async throws(Refusal) -> DiscardSummary {
        try await requireSomewhere(.operator, of: caller)
        let isMeant = try await choice(level: query.level, section: query.section, entry: query.entry, for: caller)
        let count = try await desk.discard(by: caller.user, where: isMeant)
        return DiscardSummary(discarded: count, uncommitted: try await desk.changes(of: caller.user).edits.count)
    }

    /// Picks edits by level, section and entry; what is not given picks all.
    private func choice(level: Level?, section: SectionName?, entry: String?, for caller: Caller) async throws(Refusal)
        -> @Sendable (Edit) -> Bool
    {
        let entry = try AdminDesk.name(entry, in: section)
        let layer: LayerID?
        if let level { layer = try await desk.view(of: caller.user).layerID(of: level) } else { layer = nil }
        return { edit in
            guard (layer ?? edit.layer) == edit.layer, (section ?? edit.section) == edit.section else { return false }
            return entry == nil || entry == edit.entry ?? SetEntry.wholeSection
        }
    }

    package func commit(_ request: CommitRequest, for caller: Caller) async throws(Refusal) -> CommitView {
        try await requireSomewhere(.operator, of: caller)
        // What was committed here would reach nobody, and would have to be given up or done again.
        if let reason = fleet.outdated { throw Refusal(.conflict, "Nothing was committed. \(reason)") }
        if let wanted = request.changeSet {
            try await ledger.settle()
            let state = await seen(by: caller)
            if let done = state.revision(ofChangeSet: wanted) {
                return CommitView(
                    revision: done.number, position: done.position, machines: [], roster: AdminDesk.roster(of: state),
                    notices: AdminDesk.notices(of: state))
            }
            guard try await desk.changes(of: caller.user).changeSet == wanted else {
                throw Refusal(.conflict, "Your uncommitted changes are others by now. Look with muster changes, and commit again.")
            }
        }
        return AdminDesk.view(of: try await desk.commit(by: caller.user, comment: request.comment), for: caller)
    }

    static func view(of committed: ChangeDesk.Committed, for caller: Caller) -> CommitView {
        let (before, after) = (committed.before.part(in: caller.group), committed.after.part(in: caller.group))
        return CommitView(
            revision: committed.revision?.number, position: committed.revision?.position ?? committed.after.head.position,
            machines: impacts(from: before, to: after), roster: roster(of: after),
            notices: notices(of: after) + notices(ofGone: committed.gone, in: committed.after))
    }

    private static func roster(of state: ClusterState) -> [String] { state.memberships.values.map(\.machine).sorted() }

    /// What became of edits for machines that were removed and groups that were deleted.
    private static func notices(ofGone edits: [Edit], in state: ClusterState) -> [String] {
        Dictionary(grouping: edits, by: \.layer).map { layer, edits in
            "\(state.ending(of: layer)), and your \(edits.count == 1 ? "edit" : "\(edits.count) edits") for it went with it"
        }
        .sorted()
    }

    /// Uncommitted changes as people meet them.
    func views(of changes: UncommittedChanges) async throws(Refusal) -> [(subject: Edit.Subject, view: ChangeView)] {
        try await views(of: changes, in: await ledger.state)
    }

    func views(of changes: UncommittedChanges, in state: ClusterState) async throws(Refusal) -> [(subject: Edit.Subject, view: ChangeView)]
    {
        let after = try state.applying(changes)
        let known = state.knowing(changes)
        var views: [(subject: Edit.Subject, view: ChangeView)] = []
        for edit in changes.edits {
            guard let level = after.level(of: edit.layer) else { continue }
            let before = edit.entry.flatMap { state.layer(edit.layer)?[edit.section, $0] }
            let value: JSONValue = if case .set(let value) = edit.change { value } else { .null }
            var view = ChangeView(
                level: level, section: edit.section, entry: edit.entry, change: edit.change.word, before: before?.state.value ?? .null,
                after: value, changeSet: changes.changeSet)
            if let conflict = known.conflict(of: edit) { view.conflict = conflict.view(base: try await base(of: edit)) }
            views.append((edit.subject, view))
        }
        return views
    }

    /// The value that an edit builds on, from the log; null for none, and for what no revision set.
    private func base(of edit: Edit) async throws(Refusal) -> JSONValue {
        guard let basis = edit.basis, basis > 0, case .set(let value)? = try await ledger.edit(of: edit.subject, at: basis)?.change else {
            return .null
        }
        return value
    }
}
