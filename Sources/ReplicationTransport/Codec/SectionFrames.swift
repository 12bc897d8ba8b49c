import ClusterModel
import FoundationEssentials
import Replication
import WireMessages

extension WireSection {
    init(_ section: EffectiveSection) {
        self.init()
        name = section.name.rawValue
        digest = Data(section.digest.bytes)
        entries = section.entries.map(WireEntry.init)
    }
}

extension WireSectionChange {
    init(_ change: SectionChange) {
        self.init()
        name = change.name.rawValue
        digest = Data(change.digest.bytes)
        entries = change.entries.map(WireEntry.init)
        removed = change.removed
    }
}

extension WireEntry {
    fileprivate init(_ entry: EffectiveEntry) {
        self.init()
        name = entry.name
        value = Data(entry.bytes)
        layer = entry.origin.layer.description
        revision = Int64(entry.origin.revision)
    }
}

extension EffectiveSection {
    /// Three levels, each with as many entries as a level may have.
    fileprivate static let entryLimit = 3 * Limits.entries

    /// Reads a section and computes its digests anew; refuses one that does not have the digest that it says.
    static func read(_ wire: WireSection, _ known: KnownSections, _ field: String) throws(Refusal) -> EffectiveSection {
        let name = SectionName(rawValue: try Field.name(wire.name, "\(field).name"))
        let entries = try EffectiveEntry.read(wire.entries, of: name, known.reader(of: name), "\(field).entries")
        guard Set(entries.map(\.name)).count == entries.count else { throw Field.invalid("\(field).entries", "names an entry twice") }
        let section = EffectiveSection(name: name, entries: entries)
        guard section.digest == (try Field.digest(wire.digest, "\(field).digest")) else {
            throw Field.invalid("\(field).digest", "is not the digest of the section \(name)")
        }
        return section
    }
}

extension SectionChange {
    /// Reads a change. Whether it makes the section that it says shows when it is applied to its base.
    static func read(_ wire: WireSectionChange, _ field: String) throws(Refusal) -> SectionChange {
        let name = SectionName(rawValue: try Field.name(wire.name, "\(field).name"))
        let change = SectionChange(
            name: name, digest: try Field.digest(wire.digest, "\(field).digest"),
            entries: try EffectiveEntry.read(wire.entries, of: name, KnownSections.Reader(entries: []), "\(field).entries"),
            removed: try Field.names(wire.removed, "\(field).removed", limit: EffectiveSection.entryLimit))
        guard change.namesOnce else { throw Field.invalid("\(field).entries", "names an entry twice") }
        guard !change.entries.isEmpty || !change.removed.isEmpty else { throw Field.invalid("\(field).entries", "changes nothing") }
        return change
    }
}

extension EffectiveEntry {
    fileprivate static func read(
        _ wire: [WireEntry], of section: SectionName, _ reader: KnownSections.Reader, _ field: String
    ) throws(Refusal) -> [EffectiveEntry] {
        var reader = reader
        return try Field.list(wire, field, limit: EffectiveSection.entryLimit) { entry, field throws(Refusal) in
            let origin = EffectiveEntry.Origin(
                layer: try LayerID(parsing: entry.layer, "\(field).layer"),
                revision: try Field.number(entry.revision, "\(field).revision"))
            if let known = reader.entry(entry.name, entry.value, origin) { return known }
            let (value, bytes) = try Field.canonical(entry.value, "\(field).value")
            return EffectiveEntry(
                section: section, name: try Field.name(entry.name, "\(field).name"), value: value, canonicalBytes: bytes, origin: origin)
        }
    }
}

extension LayerID {
    /// Reads what its description writes.
    fileprivate init(parsing text: String, _ field: @autoclosure () -> String) throws(Refusal) {
        if text == "cluster" {
            self = .cluster
            return
        }
        let parts = text.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
        switch (parts.first, parts.count) {
        case ("group", 2): self = .group(GroupID(rawValue: try Field.name(parts[1], field())))
        case ("machine", 2): self = .machine(MembershipID(rawValue: try Field.name(parts[1], field())))
        default: throw Field.invalid(field(), text.isEmpty ? "is missing" : "is not cluster, group/ID or machine/MEMBERSHIP")
        }
    }
}
