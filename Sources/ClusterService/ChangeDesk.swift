package import ClusterLog
package import ClusterModel

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// Where administrators' edits wait until they are committed.
///
/// Each administrator's changes are one stored value, written with what it builds on, so that two sessions of one
/// administrator cannot lose each other's edits.
package actor ChangeDesk {
    let ledger: Ledger
    private let log: any ClusterLog
    private var generator: any RandomNumberGenerator & Sendable

    package init(ledger: Ledger, log: any ClusterLog, generator: any RandomNumberGenerator & Sendable = SystemRandomNumberGenerator()) {
        self.ledger = ledger
        self.log = log
        self.generator = generator
    }

    /// What a commit answers.
    package struct Committed: Sendable {
        /// Nil when there was nothing to commit.
        package var revision: Revision?
        package var before: ClusterState
        package var after: ClusterState
        /// What machines' configurations had to say, consequences and not errors.
        package var notices: [(machine: String, finding: ConfigurationFinding)]
        /// Edits that could not be committed, because their machine was removed or their group deleted.
        package var gone: [Edit]
    }

    /// An administrator's changes as they are stored.
    struct Stored {
        var changes: UncommittedChanges
        var version: Int
        /// Edits of levels that ended since.
        var gone: [Edit] = []
    }

    /// The uncommitted changes of an administrator.
    package func changes(of user: String) async throws(Refusal) -> UncommittedChanges {
        try await stored(user).changes
    }

    /// The edits of an administrator whose machine was removed since, or group deleted; they go with it.
    package func gone(of user: String) async throws(Refusal) -> [Edit] {
        try await stored(user).gone
    }

    /// The state as it is committed.
    package var committed: ClusterState {
        get async { await ledger.state }
    }

    /// The state as an administrator sees it: committed, with the own edits over it.
    package func view(of user: String) async throws(Refusal) -> ClusterState {
        let changes = try await changes(of: user)
        return try await ledger.state.applying(changes)
    }

    /// Takes edits in, all or none, with the groups that are to be created with the commit. Each edit is normalized and checked by the
    /// rules of its section and level.
    ///
    /// `edits` makes them from the administrator's view of the state, new groups included; it may run more than once. Only a document
    /// that makes this cluster another one again is `restoring`: it may bring the ready-made certificate along.
    @discardableResult
    package func submit(
        by user: String, groups names: [String] = [], restoring: Bool = false,
        _ edits: @Sendable (_ view: ClusterState, _ committed: ClusterState) throws(Refusal) -> [Edit]
    ) async throws(Refusal) -> [Edit] {
        for _ in 0..<ChangeDesk.attempts {
            let stored = try await stored(user)
            var changes = stored.changes
            let committed = await ledger.state
            for name in names where committed.group(named: name) == nil {
                changes.submit(try ChangeDesk.newGroup(name, as: newChangeSet(), in: committed))
            }
            let wanted = try edits(try committed.applying(changes), committed)
            var checked: [Edit] = []
            for edit in wanted { checked.append(try ChangeDesk.checked(edit, in: committed, restoring: restoring)) }
            try ChangeDesk.checkMandate(of: user, for: checked, changes.groups, in: committed)
            let known = committed.knowing(changes)
            for edit in checked {
                // Whoever was shown what stands against an edit, and edits again, has decided.
                _ = changes.rebase(edit.subject, in: known)
                try changes.submit(edit)
            }
            changes = ChangeDesk.withoutIdle(changes, in: known)
            if try await store(changes, of: user, expecting: stored.version) { return checked }
        }
        throw Refusal(.conflict, "Another session of \(user) is editing at this moment. Try again.")
    }

    /// Drops uncommitted edits; returns how many.
    @discardableResult
    package func discard(by user: String, where isMeant: @Sendable (Edit) -> Bool) async throws(Refusal) -> Int {
        for _ in 0..<ChangeDesk.attempts {
            var stored = try await stored(user)
            let count = stored.changes.discard(where: isMeant)
            if count == 0 { return 0 }
            if try await store(stored.changes, of: user, expecting: stored.version) { return count }
        }
        throw Refusal(.conflict, "Another session of \(user) is editing at this moment. Try again.")
    }

    /// Commits an administrator's uncommitted changes: all or nothing (mission B3).
    ///
    /// Refused with every conflict when an entry changed since the edit began, and with every finding when a machine's
    /// configuration would not hold together. A commit that is repeated answers the first result.
    package func commit(by user: String, comment: String) async throws(Refusal) -> Committed {
        try ChangeDesk.check(comment: comment)
        let stored = try await stored(user)
        let changes = stored.changes
        let before = await ledger.state
        guard !changes.isEmpty else { return Committed(revision: nil, before: before, after: before, notices: [], gone: stored.gone) }
        let after: ClusterState
        do throws(Refusal) {
            after = try await ledger.append(by: user) { state, _ throws(Refusal) in
                if state.revision(ofChangeSet: changes.changeSet) != nil { return nil }
                let event = try ChangeDesk.decide(changes, comment: comment, on: state)
                // A machine may have been moved away since the edits were made.
                try ChangeDesk.checkMandate(of: user, for: event.edits, event.groups, in: state)
                return .settingsCommitted(event)
            }
        } catch {
            throw await refusal(of: changes, of: user, after: error)
        }
        // If this write fails, the edits are dropped when read: their change set is in the log, and so the answer is that.
        _ = try? await store(UncommittedChanges(changeSet: newChangeSet()), of: user, expecting: stored.version)
        return Committed(
            revision: after.revision(ofChangeSet: changes.changeSet), before: before, after: after, notices: after.findings(),
            gone: stored.gone)
    }

    static func check(comment: String) throws(Refusal) {
        guard comment.utf8.count <= Limits.commentLength else {
            throw Refusal(.limit, "The comment has \(comment.utf8.count) bytes; \(Limits.commentLength) are taken.")
        }
    }

    static let attempts = 20

    /// The decision behind a commit.
    static func decide(_ changes: UncommittedChanges, comment: String, on state: ClusterState) throws(Refusal) -> SettingsCommitted {
        let conflicts = state.conflicts(of: changes)
        guard conflicts.isEmpty else { throw conflict(conflicts, in: state.knowing(changes)) }
        let after = try state.applying(changes)
        let errors = after.findings().filter { $0.finding.severity == .error }
        guard errors.isEmpty else {
            throw Refusal(
                .wouldBreak,
                "Nothing was committed: \(errors.count == 1 ? "a machine's configuration" : "machines' configurations") would not hold together.",
                details: errors.prefix(Limits.receiptReasons).map { "machine \($0.machine): \($0.finding.entry): \($0.finding.text)" })
        }
        let groups = changes.groups.filter { state.group(named: $0.name) == nil }
        for group in groups { try Lookalikes.check(group.name, of: "group", among: state.groups.values.lazy.map(\.name)) }
        return SettingsCommitted(
            changeSet: changes.changeSet, revision: state.revision + 1, comment: comment, edits: changes.edits, groups: groups)
    }

    /// Refuses edits where a user's role does not hold, and groups from whom it does not hold everywhere.
    static func checkMandate(
        of user: String, for edits: [Edit], _ groups: [GroupAdded], in state: ClusterState
    ) throws(Refusal) {
        guard let mandate = state.mandate(of: user), mandate.group != nil else { return }
        do throws(Refusal) {
            if !groups.isEmpty { try mandate.check(.operator, at: nil, in: state) }
            for edit in edits { try mandate.check(.operator, at: edit.layer, in: state) }
        } catch {
            throw Refusal(error.code, "\(error.reason) If it is among your uncommitted changes, discard it: muster discard")
        }
    }

    /// A group that is to be created with a commit.
    static func newGroup(_ name: String, as id: String, in state: ClusterState) throws(Refusal) -> GroupAdded {
        let name = try NameRule.plain.check(name, as: "The group name")
        try Lookalikes.check(name, of: "group", among: state.groups.values.lazy.map(\.name))
        return GroupAdded(group: GroupID(rawValue: id), name: name)
    }

    /// An edit by the rules of its section and level, its name and value in their one form.
    private static func checked(_ edit: Edit, in state: ClusterState, restoring: Bool) throws(Refusal) -> Edit {
        let section = try Section.known(edit.section)
        try section.check(entry: edit.entry ?? EntryNaming.onlyEntry, at: edit.layer.kind, sectionOnly: edit.entry == nil)
        if section.name == .certificates, let entry = edit.entry {
            let value: JSONValue? = if case .set(let value) = edit.change { value } else { nil }
            try CertificateSetting.check(ownName: entry, at: edit.layer.kind, value: restoring ? value : nil)
        }
        if section.name == .authorities, edit.change == .hide { try AuthoritySetting.check(hiding: edit.entry ?? "") }
        var checked = edit
        checked.entry = edit.entry.map(section.normalName)
        guard case .set(let value) = edit.change else { return checked }
        do throws(SettingError) {
            let normal = try section.normalize(value, SettingPath(edit.section.rawValue, edit.entry ?? ""))
            guard normal.canonicalBytes.count <= Limits.entryBytes else {
                throw SettingError(
                    SettingPath(edit.section.rawValue, edit.entry ?? ""), "the entry is too large",
                    expected: "at most \(Limits.entryBytes) bytes")
            }
            checked.change = .set(normal)
        } catch {
            throw Refusal(.invalid, error.description)
        }
        return checked
    }

    /// Without edits that would change nothing, so that setting a thing back leaves nothing to commit.
    static func withoutIdle(_ changes: UncommittedChanges, in state: ClusterState) -> UncommittedChanges {
        var changes = changes
        changes.discard { edit in
            let layer = state.layer(edit.layer)
            let entry = edit.entry.flatMap { layer?[edit.section, $0] }
            guard state.basis(of: edit.subject) == edit.basis else { return false }
            return switch edit.change {
            case .set(let value): entry?.state == .set(value)
            case .hide: entry?.state == .hidden
            case .remove: entry == nil
            case .isolate: layer?[edit.section].isIsolated == true
            case .inherit: layer?[edit.section].isIsolated != true
            }
        }
        return changes
    }

    // MARK: - Storage

    private func key(_ user: String) -> String { "changes/\(user)" }

    func stored(_ user: String) async throws(Refusal) -> Stored {
        // An edit must not be added to a change set that is in the log, unseen.
        try await ledger.settle()
        do {
            guard let (bytes, version) = try await log.value(key(user)) else {
                return Stored(changes: UncommittedChanges(changeSet: newChangeSet()), version: 0)
            }
            let changes = try JSONValue(parsing: bytes).decode(UncommittedChanges.self)
            let state = await ledger.state
            guard state.revision(ofChangeSet: changes.changeSet) == nil else {
                return Stored(changes: UncommittedChanges(changeSet: newChangeSet()), version: version)
            }
            return ChangeDesk.withoutEndedLayers(changes, version, in: state)
        } catch let error as LogError {
            throw Refusal(error)
        } catch {
            throw Refusal(.unavailable, "The uncommitted changes of \(user) cannot be read: \(error)")
        }
    }

    /// Edits of a membership that ended, or of a group that was deleted, are gone with it.
    private static func withoutEndedLayers(_ changes: UncommittedChanges, _ version: Int, in state: ClusterState) -> Stored {
        let known = state.knowing(changes)
        var left = changes
        left.discard { known.layer($0.layer) == nil }
        return Stored(changes: left, version: version, gone: changes.edits.filter { known.layer($0.layer) == nil })
    }

    /// False when another session wrote in between.
    func store(_ changes: UncommittedChanges, of user: String, expecting version: Int) async throws(Refusal) -> Bool {
        do {
            let bytes = try JSONValue(encoding: changes).canonicalBytes
            try await log.setValue(key(user), bytes, expecting: version)
            return true
        } catch let error as LogError {
            if error.code == .staleValue { return false }
            throw Refusal(error)
        } catch {
            throw Refusal(.unavailable, "The uncommitted changes cannot be written down: \(error)")
        }
    }

    func newChangeSet() -> String { randomIdentifier(using: &generator) }
}
