import ClusterModel
import SeededRandomness

/// Several administrators who edit, commit, disagree, decide and roll back, by the rules of the real change desk.
final class SimulatedAdministrators {
    unowned let world: SimulatedWorld
    private let names = ["ann", "bob", "cid"]
    private var manager: SimulatedManager { world.manager }
    private var made = 0

    /// Edits that were written down, until these are committed or gone.
    private var kept: [String: [Edit.Subject: EntryChange]] = [:]
    /// How often a subject was touched by a commit, and how often it had been when an edit of it was last decided on.
    private var touches: [Edit.Subject: Int] = [:]
    private var decided: [String: [Edit.Subject: Int]] = [:]

    init(world: SimulatedWorld) {
        self.world = world
    }

    /// The manager's disk is an older one: what was answered since is given up.
    func forget() {
        kept = [:]
        decided = [:]
    }

    // MARK: - What people do

    /// Somebody does something: mostly edits and commits; `takingBack` times in a thousand with what undoes the newest revision.
    func act(takingBack permille: Int) {
        guard manager.isUp else { return }
        let name = world.random.pick(names)
        switch world.random.between(0, 99) {
        case 0..<80:
            let isUndoing = manager.state.revision > 1 && world.random.chance(permille)
            let undoing = isUndoing ? Rollback(to: earlier(manager.state.revision - 1), from: manager.state).edits : []
            let edits = undoing + (1...world.random.between(1, 3)).map { _ in world.change() }
            // Some leave it at that for now.
            if submit(edits, by: name), world.random.chance(850) { commit(name) }
        case 80..<87: rollBack(name)
        case 87..<93: decide(name)
        case 93..<96: discard(name) { [world] _ in world.random.chance(500) }
        default: commit(name)
        }
    }

    /// In the calm everybody decides and commits, and it goes through.
    func finish() {
        for name in names {
            decide(name, keeping: 1000)
            commit(name)
            if !changes(of: name).isEmpty { world.violation("\(name)'s edits do not go through, and nobody is against them") }
        }
    }

    private func submit(_ edits: [Edit], by name: String) -> Bool {
        var changes = changes(of: name)
        let state = manager.state
        for edit in edits {
            _ = changes.rebase(edit.subject, in: state)
            guard (try? changes.submit(edit)) != nil else { return false }
        }
        return store(changes, of: name)
    }

    /// What was written, and read again: edits of a change set that is in the log, and of levels that ended, are gone.
    private func changes(of name: String) -> UncommittedChanges {
        guard var changes = manager.changes[name], manager.state.revision(ofChangeSet: changes.changeSet) == nil else {
            made += 1
            return UncommittedChanges(changeSet: "\(name)-\(made)")
        }
        changes.discard { manager.state.layer($0.layer) == nil }
        return changes
    }

    private func store(_ changes: UncommittedChanges, of name: String) -> Bool {
        let isAnswered = manager.store(changes, of: name)
        // Without an answer it may be written all the same; then that is what waits.
        guard manager.changes[name] == changes else { return isAnswered }
        kept[name] = Dictionary(changes.edits.map { ($0.subject, $0.change) }) { $1 }
        let before = decided[name] ?? [:]
        decided[name] = Dictionary(
            changes.edits.map { edit in
                // An edit that builds on the newest was decided on just now, or nobody touched its subject since.
                let isNewest = edit.basis == manager.state.basis(of: edit.subject)
                return (edit.subject, isNewest ? touches[edit.subject] ?? 0 : before[edit.subject] ?? 0)
            }
        ) { $1 }
        return isAnswered
    }

    private func commit(_ name: String) {
        guard manager.isUp else { return }
        let changes = changes(of: name)
        guard !changes.isEmpty else { return }
        let conflicts = manager.state.conflicts(of: changes.edits)
        guard conflicts.isEmpty else {
            world.note("\(name)'s commit is refused: \(conflicts.count) conflicts")
            show(changes, to: name)
            if world.random.chance(600) { decide(name) }
            return
        }
        let number = manager.state.revision + 1
        let event = SettingsCommitted(changeSet: changes.changeSet, revision: number, comment: "", edits: changes.edits)
        // Without an answer, the administrator looks later and finds the edits, or finds them committed.
        guard manager.append(.settingsCommitted(event), by: name) else { return }
        made += 1
        _ = store(UncommittedChanges(changeSet: "\(name)-\(made)"), of: name)
    }

    private func show(_ changes: UncommittedChanges, to name: String) {
        var changes = changes
        if changes.show(conflictsAsOf: manager.state.revision) { _ = store(changes, of: name) }
    }

    /// Looks at the conflicts and takes one side or the other.
    private func decide(_ name: String, keeping permille: Int = 500) {
        guard manager.isUp else { return }
        show(changes(of: name), to: name)
        guard manager.isUp else { return }
        var changes = changes(of: name)
        let conflicts = manager.state.conflicts(of: changes.edits)
        for edit in conflicts {
            if world.random.chance(permille) {
                // Not shown, because that could not be written down: it is shown again.
                _ = changes.rebase(edit.subject, in: manager.state)
            } else {
                changes.discard { $0.subject == edit.subject }
            }
        }
        if !conflicts.isEmpty { _ = store(changes, of: name) }
    }

    private func discard(_ name: String, where isMeant: (Edit) -> Bool) {
        var changes = changes(of: name)
        if changes.discard(where: isMeant) > 0 { _ = store(changes, of: name) }
    }

    private func rollBack(_ name: String) {
        let state = manager.state
        guard state.revision > 1, changes(of: name).isEmpty else { return }
        let revision = world.random.between(1, state.revision - 1)
        let rollback = Rollback(to: earlier(revision), from: state)
        guard !rollback.edits.isEmpty else { return }
        made += 1
        let event = SettingsCommitted(
            changeSet: "\(name)-\(made)", revision: state.revision + 1, comment: "", edits: rollback.edits, rolledBackTo: revision)
        world.note("\(name) rolls back to revision \(revision)")
        if manager.append(.settingsCommitted(event), by: name) { checkRollback(to: revision) }
    }

    private func earlier(_ revision: Int) -> ClusterState {
        manager.state(after: (try? manager.state.position(of: revision)) ?? 0)
    }

    // MARK: - What must hold

    /// An entry is about to be in the log: nothing in it wins over what its author was not shown.
    func check(_ entry: SimulatedEntry, on state: ClusterState) {
        guard case .settingsCommitted(let commit) = entry.event else { return }
        if state.revision(ofChangeSet: commit.changeSet) != nil { world.violation("change set \(commit.changeSet) is committed twice") }
        for edit in commit.edits {
            if edit.basis != state.basis(of: edit.subject) { world.violation("an edit of \(edit.subject) wins in silence") }
            if commit.rolledBackTo == nil, let seen = decided[entry.author]?[edit.subject], seen != touches[edit.subject] ?? 0 {
                world.violation("\(entry.author)'s edit of \(edit.subject) overrules what was never shown")
            }
            touches[edit.subject, default: 0] += 1
        }
    }

    /// Nobody's answered edit is lost: it waits, or its change set is in the log, or its level is gone.
    func check() {
        for (name, edits) in kept {
            let stored = manager.changes[name]
            let logged = manager.log.suffix(40).compactMap { entry -> SettingsCommitted? in
                guard case .settingsCommitted(let commit) = entry.event, entry.author == name else { return nil }
                return commit
            }
            for (subject, change) in edits where stored?.edit(of: subject)?.change != change {
                let isCommitted = logged.contains { $0.edits.contains { $0.subject == subject && $0.change == change } }
                if !isCommitted { world.violation("\(name)'s answered edit of \(subject) is lost") }
            }
        }
    }

    /// Every layer that still exists is what it was, network settings aside.
    private func checkRollback(to revision: Int) {
        let (then, now) = (earlier(revision), manager.state)
        for id in now.layerIDs {
            guard let layer = now.layer(id), let former = then.layer(id) else { continue }
            let left = layer.differences(to: former).filter { Section.named($0.section)?.isNetwork != true }
            if !left.isEmpty { world.violation("after the rollback to \(revision), \(id) has another \(left[0].path)") }
        }
    }
}
