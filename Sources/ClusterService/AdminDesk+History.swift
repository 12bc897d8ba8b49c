package import AdminContract
package import ClusterModel

extension AdminDesk {
    package func history(_ page: Page, for caller: Caller) async throws(Refusal) -> [RevisionView] {
        let state = await ledger.state
        return state.history.reversed().filter { $0.number < page.after ?? .max }.prefix(min(page.limit, Page.standardLimit)).map {
            RevisionView(revision: $0.number, author: $0.author, time: $0.time, comment: $0.comment, kind: $0.kind)
        }
    }

    package func diff(_ query: DiffQuery, for caller: Caller) async throws(Refusal) -> DiffView {
        let head = await ledger.state
        let revisions = [query.from ?? head.revision, query.to ?? head.revision]
        // The head is what holds now, with the machines of now; of a named revision, those of then.
        var earlier = try await ledger.states(at: [query.from, query.to].compactMap(\.self))[...]
        let from = query.from == nil ? head : earlier.removeFirst()
        let to = query.to == nil ? head : earlier.removeFirst()
        let levels = StateDifference(from: from.part(in: caller.group), to: to.part(in: caller.group)).levels.map { level in
            LevelDiff(
                level: level.level, presence: level.presence, former: level.former, movedFrom: level.move?.from, movedTo: level.move?.to,
                changes: level.differences.map(EntryDiff.init))
        }
        return DiffView(from: revisions[0], to: revisions[1], levels: levels)
    }

    package func rollback(_ request: RollbackRequest, for caller: Caller) async throws(Refusal) -> CommitView {
        try await require(.operator, of: caller)
        if !request.preview, let reason = fleet.outdated { throw Refusal(.conflict, "Nothing was rolled back. \(reason)") }
        try ChangeDesk.check(comment: request.comment)
        let count = try await desk.changes(of: caller.user).edits.count
        guard count == 0 || request.preview else {
            throw Refusal(
                .conflict,
                "You have \(count) uncommitted edit\(count == 1 ? "" : "s"), and a rollback would pull the ground from under them. Commit or discard them first: muster changes"
            )
        }
        let earlier = try await ledger.state(at: request.revision)
        let now = await ledger.state
        let rollback = Rollback(to: earlier, from: now)
        try await requireMaterial(of: rollback.edits, for: request.revision)
        if request.preview { return try preview(rollback, to: request.revision, in: now) }
        let comment = request.comment.isEmpty ? "Back to revision \(request.revision)" : request.comment
        do throws(Refusal) {
            var view = AdminDesk.view(of: try await desk.rollBack(to: earlier, by: caller.user, comment: comment), for: caller)
            view.leftOut = rollback.leftOut
            return view
        } catch {
            throw AdminDesk.explained(error, revision: request.revision)
        }
    }

    private func preview(_ rollback: Rollback, to revision: Int, in state: ClusterState) throws(Refusal) -> CommitView {
        if !rollback.edits.isEmpty {
            do throws(Refusal) {
                _ = try ChangeDesk.decide(UncommittedChanges(changeSet: "", edits: rollback.edits), comment: "", on: state)
            } catch {
                throw AdminDesk.explained(error, revision: revision)
            }
        }
        let after = try state.applying(rollback.edits)
        try ledger.agents.check(from: state, to: after)
        return CommitView(
            revision: nil, position: state.head.position, machines: AdminDesk.impacts(from: state, to: after),
            notices: AdminDesk.notices(of: after), leftOut: rollback.leftOut)
    }

    private static func explained(_ refusal: Refusal, revision: Int) -> Refusal {
        switch refusal.code {
        case .wouldBreak:
            Refusal(
                .wouldBreak,
                "Nothing was rolled back: with the settings of revision \(revision), machines of today would not hold together.",
                details: refusal.details)
        case .limit:
            Refusal(
                .limit,
                "Nothing was rolled back: the way back to revision \(revision) is too large for one change. See it with: muster diff head \(revision). Set these entries again, and commit them in parts.",
                details: [refusal.reason])
        default: refusal
        }
    }

    /// Refuses to bring back certificates whose key or chain is not in the vault any more: no machine could serve them.
    private func requireMaterial(of edits: [Edit], for revision: Int) async throws(Refusal) {
        let missing = try await missingMaterial(of: edits)
        guard missing.isEmpty else {
            throw Refusal(
                .notFound,
                "Nothing was rolled back: revision \(revision) has certificates whose keys or chains are not in the store any more. Import them, or restore a backup that has them.",
                details: missing)
        }
    }

    /// What edits name and the vault does not have any more, one each.
    func missingMaterial(of edits: [Edit]) async throws(Refusal) -> [String] {
        var missing: [String] = []
        for edit in edits where edit.section == .certificates {
            guard case .set(let value) = edit.change else { continue }
            let setting: CertificateSetting
            do throws(SettingError) { setting = try CertificateSetting(value) } catch { throw Refusal(.version, error.description) }
            let name = "certificates/\(edit.entry ?? "")"
            if try await !vault.holds(setting.key.fingerprint) { missing.append("\(name): the key \(setting.key.fingerprint.short)") }
            if try await !vault.holds(chain: setting.chainBlob) { missing.append("\(name): the chain \(setting.chainBlob.short)") }
        }
        for edit in edits where edit.section == .authorities {
            guard case .set(let value) = edit.change, let blob = value["blob"]?.text.flatMap(Digest.init(hex:)) else { continue }
            if try await !vault.holds(chain: blob) { missing.append("authorities/\(edit.entry ?? ""): the list \(blob.short)") }
        }
        return missing
    }
}

extension EntryDiff {
    fileprivate init(_ difference: LayerDifference) {
        let after: JSONValue = if case .set(let value) = difference.change { value } else { .null }
        self.init(
            section: difference.section, entry: difference.entry, change: difference.change.word, before: difference.before?.value ?? .null,
            after: after)
    }
}
