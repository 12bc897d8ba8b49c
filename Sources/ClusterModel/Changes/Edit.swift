/// What an edit does to one entry at one level.
package enum EntryChange: Hashable, Sendable {
    case set(JSONValue)
    /// The entry does not exist from this level down.
    case hide
    /// This level says nothing about it any more.
    case remove
    /// Nothing of the section is inherited at this level.
    case isolate
    /// The section is inherited again.
    case inherit
}

/// One change of one entry (or of a section as a whole) at one level.
package struct Edit: Hashable, Sendable {
    package var layer: LayerID
    package var section: SectionName
    /// The entry; nil for `isolate` and `inherit`, which concern the section.
    package var entry: String?
    package var change: EntryChange
    /// The revision that this builds on: the newest that touched the subject when the edit began; nil for none.
    /// See ``ClusterState/basis(of:)``.
    package var basis: Int?

    package init(layer: LayerID, section: SectionName, entry: String?, change: EntryChange, basis: Int?) {
        self.layer = layer
        self.section = section
        self.entry = entry
        self.change = change
        self.basis = basis
    }

    /// An edit that begins on a state.
    package init(layer: LayerID, section: SectionName, entry: String?, change: EntryChange, in state: ClusterState) {
        self.init(layer: layer, section: section, entry: entry, change: change, basis: nil)
        basis = state.basis(of: subject)
    }

    /// What the edit is about, whatever it does: two edits of one subject are one edit, the later.
    package var subject: Subject { Subject(layer: layer, section: section, entry: entry) }

    package struct Subject: Hashable, Sendable, Comparable {
        package var layer: LayerID
        package var section: SectionName
        package var entry: String?

        package init(layer: LayerID, section: SectionName, entry: String?) {
            self.layer = layer
            self.section = section
            self.entry = entry
        }

        package static func < (left: Subject, right: Subject) -> Bool {
            (left.layer, left.section, left.entry ?? "") < (right.layer, right.section, right.entry ?? "")
        }
    }
}

extension Edit: Codable {
    private enum Key: String, CodingKey { case layer, section, entry, change, value, basis }

    package init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: Key.self)
        layer = try container.decode(LayerID.self, forKey: .layer)
        section = try container.decode(SectionName.self, forKey: .section)
        entry = try container.decodeIfPresent(String.self, forKey: .entry)
        basis = try container.decodeIfPresent(Int.self, forKey: .basis)
        let word = try container.decode(String.self, forKey: .change)
        switch word {
        case "set": change = .set(try container.decode(JSONValue.self, forKey: .value))
        case "hide": change = .hide
        case "remove": change = .remove
        case "isolate": change = .isolate
        case "inherit": change = .inherit
        default: throw DecodingError.dataCorruptedError(forKey: .change, in: container, debugDescription: "unknown change \(word)")
        }
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: Key.self)
        try container.encode(layer, forKey: .layer)
        try container.encode(section, forKey: .section)
        try container.encodeIfPresent(entry, forKey: .entry)
        try container.encodeIfPresent(basis, forKey: .basis)
        switch change {
        case .set(let value):
            try container.encode("set", forKey: .change)
            try container.encode(value, forKey: .value)
        case .hide: try container.encode("hide", forKey: .change)
        case .remove: try container.encode("remove", forKey: .change)
        case .isolate: try container.encode("isolate", forKey: .change)
        case .inherit: try container.encode("inherit", forKey: .change)
        }
    }
}

/// One administrator's submitted edits, not yet committed. They survive a restart and a lost connection (mission B1, B2).
package struct UncommittedChanges: Hashable, Sendable, Codable {
    /// The identity under which these edits will be committed, once: repeating the commit answers the first result.
    package var changeSet: String
    package private(set) var edits: [Edit] = []
    /// Groups that a document lists and that are created with the commit.
    package private(set) var groups: [GroupAdded] = []
    /// The revision as of which whoever makes these changes was last shown what stands against them.
    package internal(set) var shown: Int?

    package init(changeSet: String) {
        self.changeSet = changeSet
    }

    /// Changes that were made all at once.
    package init(changeSet: String, edits: [Edit]) {
        self.changeSet = changeSet
        self.edits = edits
    }

    package var isEmpty: Bool { edits.isEmpty && groups.isEmpty }

    /// Takes a new group in; the same name again changes nothing.
    package mutating func submit(_ group: GroupAdded) {
        guard !groups.contains(where: { $0.name == group.name }) else { return }
        groups.append(group)
    }

    /// Takes an edit in; one of the same subject is replaced, and what it built on stays.
    package mutating func submit(_ edit: Edit) throws(Refusal) {
        if let index = edits.firstIndex(where: { $0.subject == edit.subject }) {
            edits[index].change = edit.change
        } else {
            guard edits.count < Limits.edits else {
                throw Refusal(.limit, "There are already \(Limits.edits) uncommitted edits. Commit or discard them first.")
            }
            edits.append(edit)
        }
    }

    /// Drops the edits that a test picks; returns how many went.
    @discardableResult
    package mutating func discard(where isMeant: (Edit) -> Bool) -> Int {
        let before = edits.count
        edits.removeAll(where: isMeant)
        // A new group stays only while something is set at it, or nothing else is left to commit with it.
        if edits.isEmpty && before > 0 { groups.removeAll() }
        return before - edits.count
    }

    /// Gives an edit another basis; false when there is no such edit.
    mutating func build(_ subject: Edit.Subject, on basis: Int?) -> Bool {
        guard let index = edits.firstIndex(where: { $0.subject == subject }) else { return false }
        edits[index].basis = basis
        return true
    }

    /// The edit of a subject, if there is one.
    package func edit(of subject: Edit.Subject) -> Edit? {
        edits.first { $0.subject == subject }
    }
}
