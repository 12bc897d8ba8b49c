package import ClusterModel

/// Asks what is set at a level: everything, one section, or one entry.
package struct SettingsQuery: Hashable, Sendable {
    package var level: Level
    package var section: SectionName?
    package var entry: String?

    package init(level: Level, section: SectionName? = nil, entry: String? = nil) {
        self.level = level
        self.section = section
        self.entry = entry
    }
}

/// What one level says about one entry, in the caller's view.
package struct SetEntry: Hashable, Sendable, Codable {
    package var section: SectionName
    /// `*` for a section as a whole, which is there when the level isolates it.
    package var name: String
    /// Null when the entry is hidden, and for a section as a whole.
    package var value: JSONValue
    package var level: Level
    /// The revision that set it; 0 for what the machine brought along, and for an entry that no revision has set yet.
    package var revision: Int
    /// Whether the entry does not exist from this level down.
    package var hidden: Bool
    /// Whether nothing of the section is inherited here; with the name `*` only.
    package var isolated: Bool
    /// Whether this is the caller's edit, which no machine has seen.
    package var uncommitted: Bool

    /// The name that stands for a section as a whole.
    package static let wholeSection = "*"

    package init(
        section: SectionName, name: String, value: JSONValue, level: Level, revision: Int, hidden: Bool = false, isolated: Bool = false,
        uncommitted: Bool = false
    ) {
        self.section = section
        self.name = name
        self.value = value
        self.level = level
        self.revision = revision
        self.hidden = hidden
        self.isolated = isolated
        self.uncommitted = uncommitted
    }
}

/// Asks what a machine gets: everything, one section, or one entry.
package struct EffectiveQuery: Hashable, Sendable {
    package var machine: String
    package var section: SectionName?
    package var entry: String?
    /// As it was right after this revision; nil for what is committed now.
    package var revision: Int?

    package init(machine: String, section: SectionName? = nil, entry: String? = nil, revision: Int? = nil) {
        self.machine = machine
        self.section = section
        self.entry = entry
        self.revision = revision
    }
}

/// One entry that a machine gets, and why.
package struct EffectiveView: Hashable, Sendable, Codable {
    package var section: SectionName
    package var name: String
    package var value: JSONValue
    /// Where the value comes from.
    package var level: Level
    /// The revision that set it there; 0 for what the machine brought along or what was made with the cluster.
    package var revision: Int
    /// Who committed that revision, and when; null for revision 0.
    @OrNull package var author: String?
    @OrNull package var time: Timestamp?
    /// Wider levels that also had a say, nearest first.
    package var shadows: [Level]
    /// What they said, in the same order.
    package var shadowed: [ShadowedValue]

    package init(
        section: SectionName, name: String, value: JSONValue, level: Level, revision: Int, author: String? = nil, time: Timestamp? = nil,
        shadowed: [ShadowedValue]
    ) {
        self.section = section
        self.name = name
        self.value = value
        self.level = level
        self.revision = revision
        self.author = author
        self.time = time
        self.shadows = shadowed.map(\.level)
        self.shadowed = shadowed
    }
}

/// What a wider level says of an entry that a nearer one has its own word on.
package struct ShadowedValue: Hashable, Sendable, Codable {
    package var level: Level
    package var revision: Int
    @OrNull package var author: String?
    /// Null where that level hides the entry.
    package var value: JSONValue

    package init(level: Level, revision: Int, author: String? = nil, value: JSONValue) {
        self.level = level
        self.revision = revision
        self.author = author
        self.value = value
    }
}

/// What an edit does to an entry, or to a section as a whole.
package enum EntryOperation: Hashable, Sendable {
    /// The entry has this value here.
    case set(JSONValue)
    /// Only the given fields change, by JSON Merge Patch (RFC 7396): a map is merged, null clears a field.
    ///
    /// It builds on what the caller's view has at that level; where the level says nothing, on an empty map.
    case merge(JSONValue)
    /// This level says nothing about it any more.
    case remove
    /// It does not exist from this level down.
    case hide
    /// Nothing of the section is inherited here.
    case isolate
    /// The section is inherited again.
    case inherit
}

/// One edit, by the names that people use.
package struct EntryEdit: Hashable, Sendable {
    package var level: Level
    package var section: SectionName
    /// Nil for `isolate` and `inherit`, which concern the section.
    package var entry: String?
    package var operation: EntryOperation

    package init(level: Level, section: SectionName, entry: String?, operation: EntryOperation) {
        self.level = level
        self.section = section
        self.entry = entry
        self.operation = operation
    }
}

extension EntryEdit: Codable {
    private enum Key: String, CodingKey { case level, section, entry, operation, value }

    package init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: Key.self)
        level = try container.decode(Level.self, forKey: .level)
        section = try container.decode(SectionName.self, forKey: .section)
        entry = try container.decodeIfPresent(String.self, forKey: .entry)
        switch try container.decode(String.self, forKey: .operation) {
        case "set": operation = .set(try container.decode(JSONValue.self, forKey: .value))
        case "merge": operation = .merge(try container.decode(JSONValue.self, forKey: .value))
        case "remove": operation = .remove
        case "hide": operation = .hide
        case "isolate": operation = .isolate
        case "inherit": operation = .inherit
        default:
            throw DecodingError.dataCorruptedError(
                forKey: .operation, in: container, debugDescription: "expected set, merge, remove, hide, isolate or inherit")
        }
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: Key.self)
        try container.encode(level, forKey: .level)
        try container.encode(section, forKey: .section)
        try container.encodeIfPresent(entry, forKey: .entry)
        try container.encode(operation.word, forKey: .operation)
        switch operation {
        case .set(let value), .merge(let value): try container.encode(value, forKey: .value)
        case .remove, .hide, .isolate, .inherit: break
        }
    }
}

extension EntryOperation {
    /// The word that names it in JSON.
    package var word: String {
        switch self {
        case .set: "set"
        case .merge: "merge"
        case .remove: "remove"
        case .hide: "hide"
        case .isolate: "isolate"
        case .inherit: "inherit"
        }
    }
}

/// Asks for edits, all or none.
package struct EditRequest: Hashable, Sendable, Codable {
    package var edits: [EntryEdit]

    package init(edits: [EntryEdit]) {
        self.edits = edits
    }
}

/// Asks to set an inherited entry at a narrower level.
package struct OverrideRequest: Hashable, Sendable, Codable {
    package var level: Level
    package var section: SectionName
    package var entry: String
    /// Whether to begin with a copy of what is inherited; else with standard values.
    package var copy: Bool

    package init(level: Level, section: SectionName, entry: String, copy: Bool) {
        self.level = level
        self.section = section
        self.entry = entry
        self.copy = copy
    }
}

/// Asks to copy or move an entry between levels.
package struct CopyRequest: Hashable, Sendable, Codable {
    package var section: SectionName
    package var entry: String
    package var from: Level
    package var to: Level
    /// Whether the level it comes from then says nothing about it any more.
    package var move: Bool

    package init(section: SectionName, entry: String, from: Level, to: Level, move: Bool) {
        self.section = section
        self.entry = entry
        self.from = from
        self.to = to
        self.move = move
    }
}
