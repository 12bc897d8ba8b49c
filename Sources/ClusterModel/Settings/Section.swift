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

    /// Whether an entry may have this name.
    package func accepts(_ name: String) -> Bool {
        switch self {
        case .named(let rule): rule.accepts(name)
        case .single: name == EntryNaming.onlyEntry
        }
    }
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

/// A service that shows a certificate to servers. Nobody connects to it, so what it shows cannot be proved.
package struct ClientService: Sendable {
    /// The service's name: `ldap`, or `service/` and the entry's name.
    package var name: @Sendable (_ entry: String) -> String
    /// Why it cannot be probed.
    package var unprovable: String
    /// The certificate that an entry assigns to it.
    package var certificate: @Sendable (EffectiveSection, EffectiveEntry) throws(SettingError) -> String?

    /// Reads the certificate's name from a field of the entry's setting.
    package init<Value: Setting>(
        _ name: @escaping @Sendable (String) -> String, unprovable: String, certificate: any KeyPath<Value, String?> & Sendable
    ) {
        self.name = name
        self.unprovable = unprovable
        self.certificate = { section, entry throws(SettingError) in
            try section.setting(Value.self, of: entry)[keyPath: certificate]
        }
    }
}

/// A kind of setting: what its entries look like, where they may be set, what they refer to.
///
/// A new section is a file in `Settings/Sections` and a line in ``Section/all``: `Docs/guides/adding-a-section.md`.
package struct Section: Sendable, CustomStringConvertible {
    package var name: SectionName
    package var summary: String
    package var naming: EntryNaming
    /// The kinds of level where it may be set; network settings exist on machines only (mission A7).
    package var levels: [Level.Kind]
    /// Whether its entries survive a join: the machine's own network settings do (mission C3).
    package var isNetwork: Bool { levels == [.machine] }
    /// The JSON Schema of an entry.
    package var schema: JSONValue
    /// Names of entries that mean something by themselves and came after the first version, with the version that brought them.
    package var laterEntries: [String: Int]
    /// The newest version that any of its fields came with; 1 at first. Agents say which versions they know.
    package var version: Int
    /// What of an entry's value, in normal form, came after the first version; nothing for most.
    package var needs: @Sendable (JSONValue) -> [SettingNeed]
    /// Reads strictly and writes the normal form.
    package var normalize: @Sendable (JSONValue, SettingPath) throws(SettingError) -> JSONValue
    /// The names by which an entry speaks of others; none for a value that does not read.
    package var references: @Sendable (JSONValue) -> [Reference]
    /// What people should know about an entry for itself, whatever else is set; none for a value that does not read.
    package var remarks: @Sendable (JSONValue) -> [String]
    /// Whether its entries ever have any.
    package var hasRemarks: Bool
    /// The service to which an entry assigns a client certificate, for sections that have such.
    package var client: ClientService?

    /// A kind of setting. The path that `rule` gets ends with the entry's name, for rules that differ by it.
    package init<Value: Setting>(
        _ name: SectionName, of type: Value.Type, naming: EntryNaming, levels: [Level.Kind] = Level.Kind.allCases,
        client: ClientService? = nil, laterEntries: [String: Int] = [:],
        rule: @escaping @Sendable (Value, SettingPath) throws(SettingError) -> Void = { _, _ throws(SettingError) in },
        remarks: (@Sendable (Value) -> [String])? = nil,
        references: @escaping @Sendable (Value) -> [Reference] = { _ in [] }
    ) {
        self.name = name
        self.summary = Value.shape.summary
        self.naming = naming
        self.levels = levels
        self.client = client
        self.schema = Value.shape.schema
        self.laterEntries = laterEntries
        let version = Value.shape.version
        self.version = max(version, laterEntries.values.max() ?? 1)
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
        self.hasRemarks = remarks != nil
        self.remarks = { json in
            guard let remarks, let value = try? Value(json) else { return [] }  // as above
            return remarks(value)
        }
    }

    /// The version of the section that an entry's value, in normal form, needs.
    package func neededVersion(of value: JSONValue) -> Int { needs(value).map(\.version).max() ?? 1 }

    package var description: String { name.rawValue }

    /// Every section, in the order in which people read them.
    package static let all: [Section] = [
        .system, .interfaces, .certificates, .authorities, .tlsProfiles, .listeners, .mailFlowPolicies, .destinations, .delivery, .ldap,
        .webSecurity, .services, .alerts,
    ]

    private static let byName = Dictionary(uniqueKeysWithValues: all.map { ($0.name, $0) })

    /// The section of a name; nil for one that this version does not know.
    package static func named(_ name: SectionName) -> Section? { byName[name] }

    /// The section of a name, or a refusal that lists the names there are.
    package static func known(_ name: SectionName) throws(Refusal) -> Section {
        guard let section = named(name) else {
            throw Refusal(
                .notFound,
                "There is no section \"\(name.rawValue.prefix(64))\"\(Spelling.hint(for: name.rawValue, among: all.map(\.name.rawValue))). The sections are "
                    + all.map(\.name.rawValue).joined(separator: ", ") + ".")
        }
        return section
    }

    /// The one form of an entry's name: what people write in upper case may be the same domain.
    package func normalName(of entry: String) -> String {
        switch naming {
        case .named(let rule): rule.normal(entry)
        case .single: entry
        }
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
