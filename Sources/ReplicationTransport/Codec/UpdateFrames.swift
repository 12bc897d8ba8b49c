import ClusterModel
import FoundationEssentials
import Replication
import SwiftProtobuf
import WireMessages

extension WireUpdate {
    init(_ update: Update) {
        self.init(headOf: update)
        sections = update.sections.map(WireSection.init)
    }

    /// All but the sections: what is a member's own.
    init(headOf update: Update) {
        self.init()
        target = WireTarget(update.target)
        head = WireSighting(update.head)
        base = Data(update.base?.bytes ?? [])
        removed = update.removed.map(\.rawValue)
        material = update.material.map(WireMaterial.init)
    }
}

extension Update {
    init(_ wire: WireUpdate, _ known: KnownSections) throws(Refusal) {
        self.init(
            target: try Target(wire.hasTarget ? wire.target : nil, "update.target"),
            head: try Sighting(wire.hasHead ? wire.head : nil, "update.head"),
            base: try Field.optionalDigest(wire.base, "update.base"),
            sections: try Field.list(wire.sections, "update.sections", limit: Limits.listItems) { section, field throws(Refusal) in
                try EffectiveSection.read(section, known, "\(field)")
            },
            removed: try Field.names(wire.removed, "update.removed", limit: Limits.listItems).map(SectionName.init),
            material: try Field.list(wire.material, "update.material", limit: 2 * Limits.entries) { material, field throws(Refusal) in
                try Material(material, "\(field)")
            })
        let named = sections.map(\.name) + removed
        guard Set(named).count == named.count else { throw Field.invalid("update.sections", "names a section twice") }
    }
}

extension WireSection {
    init(_ section: EffectiveSection) {
        self.init()
        name = section.name.rawValue
        digest = Data(section.digest.bytes)
        entries = section.entries.map { entry in
            .with {
                $0.name = entry.name
                $0.value = Data(entry.bytes)
                $0.layer = entry.origin.layer.description
                $0.revision = Int64(entry.origin.revision)
            }
        }
    }
}

extension EffectiveSection {
    /// Three levels, each with as many entries as a level may have.
    private static let entryLimit = 3 * Limits.entries

    /// Reads a section and computes its digests anew; refuses one that does not have the digest that it says.
    fileprivate static func read(_ wire: WireSection, _ known: KnownSections, _ field: String) throws(Refusal) -> EffectiveSection {
        let name = SectionName(rawValue: try Field.name(wire.name, "\(field).name"))
        var reader = known.reader(of: name)
        let entries = try Field.list(wire.entries, "\(field).entries", limit: entryLimit) { entry, field throws(Refusal) in
            let origin = EffectiveEntry.Origin(
                layer: try LayerID(parsing: entry.layer, "\(field).layer"),
                revision: try Field.number(entry.revision, "\(field).revision"))
            if let known = reader.entry(entry.name, entry.value, origin) { return known }
            let (value, bytes) = try Field.canonical(entry.value, "\(field).value")
            return EffectiveEntry(
                section: name, name: try Field.name(entry.name, "\(field).name"), value: value, canonicalBytes: bytes, origin: origin)
        }
        guard Set(entries.map(\.name)).count == entries.count else { throw Field.invalid("\(field).entries", "names an entry twice") }
        let section = EffectiveSection(name: name, entries: entries)
        guard section.digest == (try Field.digest(wire.digest, "\(field).digest")) else {
            throw Field.invalid("\(field).digest", "is not the digest of the section \(name)")
        }
        return section
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

extension WireMaterial {
    fileprivate init(_ material: Material) {
        self.init()
        kind =
            switch material.kind {
            case .key: .key
            case .chain: .chain
            }
        digest = Data(material.digest.bytes)
        pem = Data(material.pem)
    }
}

extension Material {
    /// Whether a key has the fingerprint that names it is for whoever can read keys; a chain's name is checked here.
    fileprivate init(_ wire: WireMaterial, _ field: String) throws(Refusal) {
        let kind: Kind =
            switch wire.kind {
            case .key: .key
            case .chain: .chain
            case .unspecified: throw Field.invalid("\(field).kind", "is missing")
            case .UNRECOGNIZED: throw Field.invalid("\(field).kind", "is neither a key nor a chain")
            }
        self.init(
            kind: kind, digest: try Field.digest(wire.digest, "\(field).digest"),
            pem: try Field.bytes(wire.pem, "\(field).pem", limit: Limits.certificateFileBytes))
        guard kind != .chain || Digest(hashing: pem) == digest else { throw Field.invalid("\(field).digest", "is not the chain's") }
    }
}

extension WireEnded {
    init(_ ended: Ended) {
        self.init()
        reason = Field.cut(ended.reason, to: Limits.reasonLength)
        time = ended.time.seconds
    }
}

extension Ended {
    init(_ wire: WireEnded) throws(Refusal) {
        self.init(
            reason: try Field.optionalText(wire.reason, "ended.reason", limit: Limits.reasonLength) ?? "",
            time: try Field.time(wire.time, "ended.time"))
    }
}

extension WireRefused {
    init(_ code: Refusal.Code, reason: String) {
        self.init()
        self.code = code.rawValue
        self.reason = Field.cut(reason, to: Limits.reasonLength)
    }
}
