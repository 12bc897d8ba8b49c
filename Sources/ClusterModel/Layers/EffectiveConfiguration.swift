import Synchronization

/// What one machine gets for one entry, and why.
package struct EffectiveEntry: Hashable, Sendable {
    package var name: String
    package var value: JSONValue
    /// Where the value comes from.
    package var origin: Origin
    /// Wider levels that also had a say, nearest first.
    package var shadows: [Origin]
    /// The entry's digest: of section, name and canonical bytes.
    package var digest: Digest
    /// RFC 8785, ready to be sent or laid out.
    package var bytes: [UInt8]

    /// A level's word on an entry.
    package struct Origin: Hashable, Sendable {
        package var layer: LayerID
        package var revision: Int

        package init(layer: LayerID, revision: Int) {
            self.layer = layer
            self.revision = revision
        }
    }

    /// `canonicalBytes` are the value's, where they are known already.
    package init(
        section: SectionName, name: String, value: JSONValue, canonicalBytes: [UInt8]? = nil, origin: Origin, shadows: [Origin] = []
    ) {
        self.name = name
        self.value = value
        self.origin = origin
        self.shadows = shadows
        bytes = canonicalBytes ?? value.canonicalBytes
        digest = EffectiveEntry.digest(section: section, name: name, bytes: bytes)
    }

    /// SHA-256 over the tag `muster entry 1` and section, name and canonical bytes, each length-prefixed.
    package static func digest(section: SectionName, name: String, bytes: [UInt8]) -> Digest {
        var builder = DigestBuilder(tag: "muster entry 1")
        builder.add(section.rawValue)
        builder.add(name)
        builder.add(bytes)
        return builder.finish()
    }
}

/// What one machine gets for one section. Shared between machines that inherit the same.
package final class EffectiveSection: Sendable, Hashable {
    package let name: SectionName
    /// Sorted by name.
    package let entries: [EffectiveEntry]
    /// The section's digest: of its entries' names and digests.
    package let digest: Digest
    /// Whether no machine's own layer has a say in it, so that others get the same.
    package let isShared: Bool
    /// Typed values of a shared section, by entry: read once for all machines.
    private let settings = Mutex<[String: any Setting]>([:])
    /// The remarks of a shared section, once they were asked for.
    private let known = Mutex<[(entry: String, text: String)]?>(nil)
    /// Changes from earlier sections to this one, if it is shared: found once for all machines.
    private let changes = Mutex<[KnownChange]>([])

    package convenience init(name: SectionName, entries: [EffectiveEntry]) {
        self.init(name: name, sorted: entries.sorted { $0.name.utf8.lexicographicallyPrecedes($1.name.utf8) })
    }

    /// The entries are sorted by name.
    init(name: SectionName, sorted entries: [EffectiveEntry]) {
        self.name = name
        self.entries = entries
        digest = EffectiveSection.digest(of: entries)
        isShared = entries.allSatisfy { $0.origin.layer.kind != .machine }
    }

    /// The typed value of an entry of this section. Throws only for values that this version cannot read.
    package func setting<Value: Setting>(_ type: Value.Type, of entry: EffectiveEntry) throws(SettingError) -> Value {
        if isShared, let known = settings.withLock({ $0[entry.name] }) as? Value { return known }
        let value = try Value(entry.value, at: SettingPath(name.rawValue, entry.name))
        if isShared { settings.withLock { $0[entry.name] = value } }
        return value
    }

    /// What its entries have to say each for itself. Of a shared section it is found once for all machines.
    package var remarks: [(entry: String, text: String)] {
        guard let kind = Section.named(name) else { return [] }
        if isShared, let known = known.withLock({ $0 }) { return known }
        let found = entries.flatMap { entry in
            let texts = kind.remarks(entry.value)
            let more = texts.count > Limits.remarks ? ["and \(texts.count - Limits.remarks) more of this kind"] : []
            return (texts.prefix(Limits.remarks) + more).map { (entry: entry.name, text: $0) }
        }
        if isShared { known.withLock { $0 = found } }
        return found
    }

    /// Weak, or every section would keep all before it.
    private struct KnownChange {
        weak var base: EffectiveSection?
        let change: SectionChange?
    }

    /// What makes this section of an earlier one of the same name; nil when the whole is no larger.
    ///
    /// Of a shared section the same instance is returned for all machines that come from the same.
    package func change(from base: EffectiveSection) -> SectionChange? {
        guard isShared else { return SectionChange(from: base, to: self) }
        return changes.withLock { changes in
            if let known = changes.first(where: { $0.base === base }) { return known.change }
            let change = SectionChange(from: base, to: self)
            // Machines run few different sections at a time.
            if changes.count == 8 { changes.removeFirst() }
            changes.append(KnownChange(base: base, change: change))
            return change
        }
    }

    package subscript(_ entry: String) -> EffectiveEntry? {
        entries.first { $0.name == entry }
    }

    /// Two sections are the same when they say the same; where it comes from does not matter here.
    package static func == (left: EffectiveSection, right: EffectiveSection) -> Bool {
        left === right || (left.name == right.name && left.digest == right.digest)
    }

    package func hash(into hasher: inout Hasher) {
        hasher.combine(name)
        hasher.combine(digest)
    }

    /// SHA-256 over the tag `muster section 1` and, by name, each entry's name and digest, length-prefixed.
    private static func digest(of entries: [EffectiveEntry]) -> Digest {
        var builder = DigestBuilder(tag: "muster section 1")
        for entry in entries {
            builder.add(entry.name)
            builder.add(entry.digest)
        }
        return builder.finish()
    }
}

/// Everything one machine gets: what replication carries and a gateway applies.
package struct EffectiveConfiguration: Hashable, Sendable {
    /// Sorted by name; a section without entries is left out.
    package let sections: [EffectiveSection]
    /// What machines and manager compare: equal digests mean equal settings.
    package let digest: Digest

    package init(sections: [EffectiveSection]) {
        self.sections = sections.filter { !$0.entries.isEmpty }.sorted { $0.name < $1.name }
        digest = EffectiveConfiguration.digest(of: self.sections)
    }

    /// The configuration of a machine that has been given nothing.
    package static let empty = EffectiveConfiguration(sections: [])

    package subscript(_ section: SectionName) -> EffectiveSection? {
        sections.first { $0.name == section }
    }

    package subscript(_ section: SectionName, _ entry: String) -> EffectiveEntry? {
        self[section]?[entry]
    }

    /// The typed values of a section, by name. Throws only for values that this version cannot read.
    package func values<Value: Setting>(_ type: Value.Type, in section: SectionName) throws(SettingError) -> [(name: String, value: Value)]
    {
        var values: [(name: String, value: Value)] = []
        guard let found = self[section] else { return [] }
        for entry in found.entries { values.append((entry.name, try found.setting(type, of: entry))) }
        return values
    }

    /// The typed value of one entry; nil when there is none.
    package func value<Value: Setting>(_ type: Value.Type, _ section: SectionName, _ entry: String) throws(SettingError) -> Value? {
        guard let found = self[section], let entry = found[entry] else { return nil }
        return try found.setting(type, of: entry)
    }

    package static func == (left: EffectiveConfiguration, right: EffectiveConfiguration) -> Bool { left.digest == right.digest }

    package func hash(into hasher: inout Hasher) { hasher.combine(digest) }

    /// SHA-256 over the tag `muster configuration 1` and, by name, each section's name and digest, length-prefixed.
    private static func digest(of sections: [EffectiveSection]) -> Digest {
        var builder = DigestBuilder(tag: "muster configuration 1")
        for section in sections {
            builder.add(section.name.rawValue)
            builder.add(section.digest)
        }
        return builder.finish()
    }
}
