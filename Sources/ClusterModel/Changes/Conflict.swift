/// An edit of something that others changed since the edit began (mission B4).
package struct EditConflict: Hashable, Sendable {
    package var edit: Edit
    /// What the committed state says by now, as the change that somebody made of it.
    package var theirs: EntryChange
    /// The revision that made it so; nil for what no revision did, as a machine's own settings.
    package var revision: Revision?
}

extension ClusterState {
    /// What an edit that begins now builds on: the newest revision that touched its subject, also by taking it away; nil for none.
    package func basis(of subject: Edit.Subject) -> Int? {
        subject.entry.flatMap { layer(subject.layer)?[subject.section, $0]?.revision } ?? traces[subject]
    }

    /// The edits that build on something which has changed since (mission B4).
    package func conflicts(of edits: [Edit]) -> [Edit] {
        edits.filter { isInConflict($0) }
    }

    package func isInConflict(_ edit: Edit) -> Bool {
        // What was set at a level that ended cannot be set there any more.
        layer(edit.layer) == nil || basis(of: edit.subject) != edit.basis
    }

    /// Whose change stands against an edit, and what it is.
    package func conflict(of edit: Edit) -> EditConflict? {
        guard isInConflict(edit), let layer = layer(edit.layer) else { return nil }
        let theirs: EntryChange
        if let entry = edit.entry {
            switch layer[edit.section, entry]?.state {
            case .set(let value)?: theirs = .set(value)
            case .hidden?: theirs = .hide
            case nil: theirs = .remove
            }
        } else {
            theirs = layer[edit.section].isIsolated ? .isolate : .inherit
        }
        let number = basis(of: edit.subject) ?? 0
        return EditConflict(edit: edit, theirs: theirs, revision: number > 0 ? history[number - 1] : nil)
    }
}

extension UncommittedChanges {
    /// Remembers that whoever makes these changes was shown what stands against them, as of a revision.
    ///
    /// - Returns: whether that is new.
    package mutating func show(conflictsAsOf revision: Int) -> Bool {
        guard revision > shown ?? -1 else { return false }
        shown = revision
        return true
    }

    /// Lets an edit build on what is committed now: it stands over what others did there.
    ///
    /// Only when that was shown before; what somebody committed after the look was not seen, and is not overruled.
    ///
    /// - Returns: whether the edit builds on the newest now.
    package mutating func rebase(_ subject: Edit.Subject, in state: ClusterState) -> Bool {
        guard let edit = edit(of: subject) else { return true }
        guard state.isInConflict(edit) else { return true }
        guard let shown, state.basis(of: subject) ?? 0 <= shown else { return false }
        return build(subject, on: state.basis(of: subject))
    }
}
