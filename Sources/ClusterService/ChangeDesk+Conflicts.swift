package import ClusterModel

extension ChangeDesk {
    /// Keeps edits over what others committed meanwhile: from now on they build on that (mission B4). Returns how many.
    ///
    /// Refused for what was not shown before, as a whole; now it is shown, and the next try may keep it.
    @discardableResult
    package func keep(by user: String, where isMeant: @Sendable (Edit) -> Bool) async throws(Refusal) -> [Edit] {
        for _ in 0..<ChangeDesk.attempts {
            var stored = try await stored(user)
            let state = await committed.knowing(stored.changes)
            let meant = state.conflicts(of: stored.changes.edits).filter(isMeant)
            if meant.isEmpty { return [] }
            let unseen = meant.filter { !stored.changes.rebase($0.subject, in: state) }
            guard unseen.isEmpty else {
                await show(stored.changes, of: user, asOf: state)
                throw state.refusal(
                    "Nothing was kept yet: this was not shown to you before. Say it again to keep yours.", of: unseen)
            }
            let kept = ChangeDesk.withoutIdle(stored.changes, in: state)
            if try await store(kept, of: user, expecting: stored.version) { return meant }
        }
        throw Refusal(.conflict, "Another session of \(user) is editing at this moment. Try again.")
    }

    /// Remembers that the conflicts of these changes were shown, as of a state. Of the changes as they were read: an edit that
    /// another session makes meanwhile begins with the newest, and has none.
    package func show(_ changes: UncommittedChanges, of user: String, asOf state: ClusterState) async {
        for _ in 0..<ChangeDesk.attempts {
            do throws(Refusal) {
                var stored = try await stored(user)
                guard stored.changes.changeSet == changes.changeSet, !state.conflicts(of: stored.changes).isEmpty,
                    stored.changes.show(conflictsAsOf: state.revision)
                else { return }
                if try await store(stored.changes, of: user, expecting: stored.version) { return }
            } catch {
                return  // what is not remembered is shown once more, and that is all
            }
        }
    }

    /// A commit was refused: says with what, once more from the newest state, and remembers that.
    func refusal(of changes: UncommittedChanges, of user: String, after error: Refusal) async -> Refusal {
        guard error.code == .conflict else { return error }
        let state = await committed
        let conflicts = state.conflicts(of: changes)
        guard !conflicts.isEmpty else { return error }
        await show(changes, of: user, asOf: state)
        return ChangeDesk.conflict(conflicts, in: state.knowing(changes))
    }

    static func conflict(_ edits: [Edit], in state: ClusterState) -> Refusal {
        state.refusal(
            "Nothing was committed: others changed what you edited, since your edits began. Nothing is lost; decide for each of them, or edit it again.",
            of: edits)
    }

    /// Commits what an earlier revision's settings differ in (mission B5), by the rules of any commit.
    func rollBack(to earlier: ClusterState, by user: String, comment: String) async throws(Refusal) -> Committed {
        try ChangeDesk.check(comment: comment)
        let before = await committed
        let changeSet = newChangeSet()
        let after = try await ledger.append(by: user) { state, _ throws(Refusal) in
            let edits = Rollback(to: earlier, from: state).edits
            if edits.isEmpty { return nil }
            var event = try ChangeDesk.decide(UncommittedChanges(changeSet: changeSet, edits: edits), comment: comment, on: state)
            event.rolledBackTo = earlier.revision
            return .settingsCommitted(event)
        }
        return Committed(revision: after.revision(ofChangeSet: changeSet), before: before, after: after, notices: [], gone: [])
    }
}
