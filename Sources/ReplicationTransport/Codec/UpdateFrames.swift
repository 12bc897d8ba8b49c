import ClusterModel
import FoundationEssentials
import Replication
import SwiftProtobuf
import WireMessages

extension WireUpdate {
    init(_ update: Update) {
        self.init(headOf: update)
        changes = update.changes.map(WireSectionChange.init)
        sections = update.sections.map(WireSection.init)
    }

    /// All but the sections and their changes: what is a member's own.
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
            changes: try Field.list(wire.changes, "update.changes", limit: Limits.listItems) { change, field throws(Refusal) in
                try SectionChange.read(change, "\(field)")
            },
            removed: try Field.names(wire.removed, "update.removed", limit: Limits.listItems).map(SectionName.init),
            material: try Field.list(wire.material, "update.material", limit: 2 * Limits.entries) { material, field throws(Refusal) in
                try Material(material, "\(field)")
            })
        let named = sections.map(\.name) + changes.map(\.name) + removed
        guard Set(named).count == named.count else { throw Field.invalid("update.sections", "names a section twice") }
        guard base != nil || changes.isEmpty else { throw Field.invalid("update.changes", "changes sections of no base") }
    }
}

extension WireMaterial {
    init(_ material: Material) {
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
    init(_ wire: WireMaterial, _ field: String) throws(Refusal) {
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
