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
    private let ledger: Ledger
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
    }

    /// The uncommitted changes of an administrator.
    package func changes(of user: String) async throws(Refusal) -> UncommittedChanges {
        try await stored(user).changes
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
            var (changes, version) = try await stored(user)
            let committed = await ledger.state
            for name in names where committed.group(named: name) == nil {
                changes.submit(
                    GroupAdded(group: GroupID(rawValue: newChangeSet()), name: try NameRule.plain.check(name, as: "The group name")))
            }
            let wanted = try edits(try committed.applying(changes), committed)
            for edit in wanted { try changes.submit(try ChangeDesk.checked(edit, in: committed, restoring: restoring)) }
            changes = ChangeDesk.withoutIdle(changes, in: committed)
            if try await store(changes, of: user, expecting: version) { return wanted }
        }
        throw Refusal(.conflict, "Another session of \(user) is editing at this moment. Try again.")
    }

    /// Drops uncommitted edits; returns how many.
    @discardableResult
    package func discard(by user: String, where isMeant: @Sendable (Edit) -> Bool) async throws(Refusal) -> Int {
        for _ in 0..<ChangeDesk.attempts {
            var (changes, version) = try await stored(user)
            let count = changes.discard(where: isMeant)
            if count == 0 { return 0 }
            if try await store(changes, of: user, expecting: version) { return count }
        }
        throw Refusal(.conflict, "Another session of \(user) is editing at this moment. Try again.")
    }

    /// Commits an administrator's uncommitted changes: all or nothing (mission B3).
    ///
    /// Refused with every conflict when an entry changed since the edit began, and with every finding when a machine's
    /// configuration would not hold together. A commit that is repeated answers the first result.
    package func commit(by user: String, comment: String) async throws(Refusal) -> Committed {
        guard comment.utf8.count <= Limits.commentLength else {
            throw Refusal(.limit, "The comment has \(comment.utf8.count) bytes; \(Limits.commentLength) are taken.")
        }
        let (changes, version) = try await stored(user)
        let before = await ledger.state
        guard !changes.isEmpty else { return Committed(revision: nil, before: before, after: before, notices: []) }
        let after = try await ledger.append(by: user) { state, _ throws(Refusal) in
            if state.revision(ofChangeSet: changes.changeSet) != nil { return nil }
            return .settingsCommitted(try ChangeDesk.decide(changes, comment: comment, on: state))
        }
        // If this write fails, the edits are dropped when read: their change set is in the log, and so the answer is that.
        _ = try? await store(UncommittedChanges(changeSet: newChangeSet()), of: user, expecting: version)
        return Committed(
            revision: after.revision(ofChangeSet: changes.changeSet), before: before, after: after, notices: after.findings())
    }

    /// What committing would do, without doing it.
    package func preview(of user: String) async throws(Refusal) -> (before: ClusterState, after: ClusterState) {
        let state = await ledger.state
        let changes = try await changes(of: user)
        _ = try ChangeDesk.decide(changes, comment: "", on: state)
        return (state, try state.applying(changes))
    }

    private static let attempts = 20

    /// The decision behind a commit.
    static func decide(_ changes: UncommittedChanges, comment: String, on state: ClusterState) throws(Refusal) -> SettingsCommitted {
        let conflicts = state.conflicts(of: changes)
        guard conflicts.isEmpty else { throw conflict(conflicts, in: state) }
        let after = try state.applying(changes)
        let errors = after.findings().filter { $0.finding.severity == .error }
        guard errors.isEmpty else {
            throw Refusal(
                .wouldBreak,
                "Nothing was committed: \(errors.count == 1 ? "a machine's configuration" : "machines' configurations") would not hold together.",
                details: errors.prefix(Limits.receiptReasons).map { "machine \($0.machine): \($0.finding.entry): \($0.finding.text)" })
        }
        return SettingsCommitted(
            changeSet: changes.changeSet, revision: state.revision + 1, comment: comment, edits: changes.edits,
            groups: changes.groups.filter { state.group(named: $0.name) == nil })
    }

    private static func conflict(_ edits: [Edit], in state: ClusterState) -> Refusal {
        let details = edits.map { edit in
            let level = state.level(of: edit.layer)?.description ?? "a level that ended"
            let entry = edit.entry.flatMap { state.layer(edit.layer)?[edit.section, $0] }
            let revision = entry.flatMap { found in state.history.first { $0.number == found.revision } }
            let theirs = revision.map { "revision \($0.number) by \($0.author) at \($0.time) changed it" } ?? "it was removed"
            return "\(edit.section)/\(edit.entry ?? "") at \(level): \(theirs) since your edit began"
        }
        return Refusal(
            .conflict,
            "Nothing was committed: what you edited has changed meanwhile. Look with muster changes; then muster discard SECTION/ENTRY takes theirs, and editing the entry again keeps yours.",
            details: details)
    }

    /// An edit by the rules of its section and level, its value in normal form.
    private static func checked(_ edit: Edit, in state: ClusterState, restoring: Bool) throws(Refusal) -> Edit {
        let section = try Section.known(edit.section)
        try section.check(entry: edit.entry ?? EntryNaming.onlyEntry, at: edit.layer.kind, sectionOnly: edit.entry == nil)
        let value: JSONValue? = if case .set(let value) = edit.change { value } else { nil }
        if section.name == .certificates, let entry = edit.entry {
            try CertificateSetting.check(ownName: entry, at: edit.layer.kind, value: restoring ? value : nil)
        }
        guard let value else { return edit }
        var checked = edit
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
    private static func withoutIdle(_ changes: UncommittedChanges, in state: ClusterState) -> UncommittedChanges {
        var changes = changes
        changes.discard { edit in
            let layer = state.layer(edit.layer)
            let entry = edit.entry.flatMap { layer?[edit.section, $0] }
            guard edit.entry == nil || entry?.revision == edit.basis else { return false }
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

    private func stored(_ user: String) async throws(Refusal) -> (changes: UncommittedChanges, version: Int) {
        // An edit must not be added to a change set that is in the log, unseen.
        try await ledger.settle()
        do {
            guard let (bytes, version) = try await log.value(key(user)) else {
                return (UncommittedChanges(changeSet: newChangeSet()), 0)
            }
            let changes = try JSONValue(parsing: bytes).decode(UncommittedChanges.self)
            let isCommitted = await ledger.state.revision(ofChangeSet: changes.changeSet) != nil
            return (isCommitted ? UncommittedChanges(changeSet: newChangeSet()) : await withoutEndedLayers(changes), version)
        } catch let error as LogError {
            throw Refusal(error)
        } catch {
            throw Refusal(.unavailable, "The uncommitted changes of \(user) cannot be read: \(error)")
        }
    }

    /// Edits of a membership that ended are gone with it.
    private func withoutEndedLayers(_ changes: UncommittedChanges) async -> UncommittedChanges {
        let state = await ledger.state
        var changes = changes
        let known = (try? state.applying([], groups: changes.groups)) ?? state  // groups that are taken by now are no loss
        changes.discard { known.layer($0.layer) == nil }
        return changes
    }

    /// False when another session wrote in between.
    private func store(_ changes: UncommittedChanges, of user: String, expecting version: Int) async throws(Refusal) -> Bool {
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

    private func newChangeSet() -> String { randomIdentifier(using: &generator) }
}

extension ClusterState {
    /// The state with an administrator's uncommitted changes in it.
    func applying(_ changes: UncommittedChanges) throws(Refusal) -> ClusterState {
        try applying(changes.edits, groups: changes.groups)
    }

    /// The edits that build on something which has changed since; a group that comes with the changes holds nothing yet.
    func conflicts(of changes: UncommittedChanges) -> [Edit] {
        // Groups that are taken by now exist already.
        ((try? applying([], groups: changes.groups)) ?? self).conflicts(of: changes.edits)
    }
}
