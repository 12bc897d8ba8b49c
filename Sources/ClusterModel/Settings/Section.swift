/// The name of a kind of setting, as the document has it: `certificates`, `mailFlowPolicies`.
///
/// Open: a machine may hear of a section that its version does not know, and says so.
package struct SectionName: RawRepresentable, Hashable, Comparable, Sendable, Codable, CustomStringConvertible {
    package var rawValue: String
    package init(rawValue: String) { self.rawValue = rawValue }
    package var description: String { rawValue }
    package static func < (left: SectionName, right: SectionName) -> Bool {
        left.rawValue.utf8.lexicographicallyPrecedes(right.rawValue.utf8)
    }
}

/// How the entries of a section are named.
package enum EntryNaming: Sendable {
    /// By people, following a rule.
    case named(NameRule)
    /// There is one entry, and it is called `settings`.
    case single

    /// The one name of a single-valued section's entry.
    package static let onlyEntry = "settings"
}

/// A name by which one entry speaks of another; it resolves in a machine's effective configuration.
package struct Reference: Hashable, Sendable {
    /// Where in the entry the name stands.
    package var field: String
    package var section: SectionName
    package var name: String
    /// What follows when a machine lacks the entry.
    package var whenMissing: WhenMissing

    package enum WhenMissing: Hashable, Sendable {
        /// The configuration is refused.
        case refused
        /// The entry that refers is disabled on that machine (ESA: a listener whose interface a machine lacks).
        case disabled
    }

    package init(_ field: String, _ section: SectionName, _ name: String, whenMissing: WhenMissing = .refused) {
        self.field = field
        self.section = section
        self.name = name
        self.whenMissing = whenMissing
    }
}

/// A kind of setting: what its entries look like, where they may be set, what they refer to.
///
/// A new section is a file in `Settings/Sections` and a line in ``Section/all``.
package struct Section: Sendable {
    package var name: SectionName
    package var summary: String
    package var naming: EntryNaming
    /// The kinds of level where it may be set; network settings exist on machines only (mission A7).
    package var levels: [Level.Kind]
    /// Whether its entries survive a join: the machine's own network settings do (mission C3).
    package var isNetwork: Bool { levels == [.machine] }
    /// The JSON Schema of an entry.
    package var schema: JSONValue
    /// The newest version that any of its fields came with; 1 at first. Agents say which versions they know.
    package var version: Int
    /// What of an entry's value, in normal form, came after the first version; nothing for most.
    package var needs: @Sendable (JSONValue) -> [SettingNeed]
    /// Reads strictly and writes the normal form.
    package var normalize: @Sendable (JSONValue, SettingPath) throws(SettingError) -> JSONValue
    /// The names by which an entry speaks of others; none for a value that does not read.
    package var references: @Sendable (JSONValue) -> [Reference]

    package init<Value: Setting>(
        _ name: SectionName, of type: Value.Type, naming: EntryNaming, levels: [Level.Kind] = Level.Kind.allCases,
        rule: @escaping @Sendable (Value, SettingPath) throws(SettingError) -> Void = { _, _ throws(SettingError) in },
        references: @escaping @Sendable (Value) -> [Reference] = { _ in [] }
    ) {
        self.name = name
        self.summary = Value.shape.summary
        self.naming = naming
        self.levels = levels
        self.schema = Value.shape.schema
        let version = Value.shape.version
        self.version = version
        self.needs = { version == 1 ? [] : Value.shape.needs(of: $0, at: SettingPath()) }
        self.normalize = { json, path throws(SettingError) in
            let value = try Value(json, at: path)
            try rule(value, path)
            return value.json
        }
        self.references = { json in
            guard let value = try? Value(json) else { return [] }  // stored values have been read before
            return references(value)
        }
    }

    /// The version of the section that an entry's value, in normal form, needs.
    package func neededVersion(of value: JSONValue) -> Int { needs(value).map(\.version).max() ?? 1 }

    /// Every section, in the order in which people read them.
    package static let all: [Section] = [
        .system, .interfaces, .certificates, .listeners, .mailFlowPolicies, .destinations, .delivery,
    ]

    private static let byName = Dictionary(uniqueKeysWithValues: all.map { ($0.name, $0) })

    /// The section of a name; nil for one that this version does not know.
    package static func named(_ name: SectionName) -> Section? { byName[name] }

    /// The section of a name, or a refusal that lists the names there are.
    package static func known(_ name: SectionName) throws(Refusal) -> Section {
        guard let section = named(name) else {
            throw Refusal(
                .notFound,
                "There is no section \"\(name.rawValue.prefix(64))\". The sections are "
                    + all.map(\.name.rawValue).joined(separator: ", ") + ".")
        }
        return section
    }

    /// Refuses a level that the section does not have, and an entry name that breaks its rule.
    package func check(entry: String, at level: Level.Kind, sectionOnly: Bool = false) throws(Refusal) {
        guard levels.contains(level) else {
            let right = levels.map(\.option).joined(separator: " or ")
            throw Refusal(
                .wrongLevel,
                "\(name) cannot be set at \(level.rawValue) level: it exists at \(levels.map(\.rawValue).joined(separator: ", ")) level only. Use \(right)."
            )
        }
        if sectionOnly { return }
        switch naming {
        case .named(let rule):
            _ = try rule.check(entry, as: "The name of an entry of \(name)")
        case .single:
            guard entry == EntryNaming.onlyEntry else {
                throw Refusal(.invalid, "\(name) has one entry, and it is called \"\(EntryNaming.onlyEntry)\".")
            }
        }
    }
}
