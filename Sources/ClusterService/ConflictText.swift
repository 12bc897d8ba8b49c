import AdminContract
import ClusterModel

extension EditConflict {
    /// What others did, in one sentence.
    var sentence: String {
        guard let revision else { return "it is not what it was when your edit began" }
        let deed =
            switch theirs {
            case .set(let value): "set it to \(EditConflict.shortened(shortText(of: value, in: edit.section)))"
            case .hide: "hid it"
            case .remove: "took it away"
            case .isolate: "isolated the section"
            case .inherit: "had the section inherited again"
            }
        return "\(revision.author) \(deed) in revision \(revision.number) at \(revision.time), since your edit began"
    }

    /// What the edit does, in one clause.
    private var ours: String {
        switch edit.change {
        case .set(let value): "you set it to \(EditConflict.shortened(shortText(of: value, in: edit.section)))"
        case .hide: "you hide it"
        case .remove: "you take it away"
        case .isolate: "you isolate the section"
        case .inherit: "you have the section inherited again"
        }
    }

    /// Both versions and the two ways out, for a refusal.
    func detail(at level: Level) -> String {
        let words = commandWords(edit.section, edit.entry, at: level)
        let path = edit.entry.map { "\(edit.section)/\($0)" } ?? edit.section.rawValue
        return "\(path) at \(level): \(sentence); \(ours). Keep yours: muster changes --keep \(words). Take theirs: muster discard \(words)"
    }

    private static func shortened(_ text: String) -> String {
        text.count <= 200 ? text : "\(text.prefix(200)) ..."
    }

    func view(base: JSONValue) -> ConflictView {
        let value: JSONValue = if case .set(let value) = theirs { value } else { .null }
        return ConflictView(
            change: theirs.word, theirs: value, base: base, revision: revision?.number, author: revision?.author, time: revision?.time,
            text: sentence)
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

extension ClusterState {
    /// The state with an administrator's uncommitted changes in it.
    func applying(_ changes: UncommittedChanges) throws(Refusal) -> ClusterState {
        try applying(changes.edits, groups: changes.groups)
    }

    /// The state with the groups that come with changes, and nothing set for them yet.
    func knowing(_ changes: UncommittedChanges) -> ClusterState {
        if changes.groups.isEmpty { return self }
        return (try? applying([], groups: changes.groups)) ?? self  // groups that are taken by now exist already
    }

    /// The edits that build on something which has changed since; a group that comes with the changes holds nothing yet.
    func conflicts(of changes: UncommittedChanges) -> [Edit] {
        knowing(changes).conflicts(of: changes.edits)
    }

    /// A refusal that shows every conflict with both versions.
    func refusal(_ reason: String, of conflicts: [Edit]) -> Refusal {
        let details = conflicts.map { edit -> String in
            guard let conflict = conflict(of: edit), let level = level(of: edit.layer) else {
                return "\(edit.section)/\(edit.entry ?? ""): \(ending(of: edit.layer)), and the edit goes with it"
            }
            return conflict.detail(at: level)
        }
        return Refusal(.conflict, reason, details: details)
    }
}
