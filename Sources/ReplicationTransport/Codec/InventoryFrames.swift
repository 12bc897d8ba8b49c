import ClusterModel
import FoundationEssentials
import Replication
import SwiftProtobuf
import WireMessages

extension WireQuestion {
    init(_ question: Question) {
        self.init()
        number = Int64(question.number)
        values = question.values.prefix(Limits.questionValues).map(WireEntryReference.init)
    }
}

extension Question {
    init(_ wire: WireQuestion) throws(Refusal) {
        self.init(
            number: try Field.number(wire.number, "question.number"),
            values: try EntryName.list(wire.values, "question.values", limit: Limits.questionValues))
    }
}

extension WireEntryReference {
    fileprivate init(_ entry: EntryName) {
        self.init()
        (section, name) = (entry.section.rawValue, entry.entry)
    }
}

extension EntryName {
    fileprivate static func list(_ wire: [WireEntryReference], _ field: String, limit: Int) throws(Refusal) -> [EntryName] {
        try Field.list(wire, field, limit: limit) { entry, field throws(Refusal) in
            EntryName(
                SectionName(rawValue: try Field.name(entry.section, "\(field).section")), try Field.name(entry.name, "\(field).name"))
        }
    }
}

extension WireInventory {
    /// Texts and lists are cut to their limits, as in a receipt.
    init(_ part: InventoryPart) {
        self.init()
        let inventory = part.inventory
        (question, more) = (Int64(part.question), !part.isLast)
        running = Data(inventory.running?.bytes ?? [])
        (busy, unreadable) = (inventory.isBusy, inventory.store == nil)
        let held =
            (inventory.store ?? [:]).map { ($0.key, Optional($0.value), JSONValue?.none) }
            + inventory.values.map { ($0.key, Digest?.none, Optional($0.value)) }
        sections = Dictionary(grouping: held, by: \.0.section).sorted { $0.key < $1.key }.map { section, entries in
            .with {
                $0.name = section.rawValue
                $0.entries = entries.sorted { $0.0 < $1.0 }.map { entry, digest, value in
                    .with {
                        $0.name = entry.entry
                        $0.digest = Data(digest?.bytes ?? [])
                        $0.value = Data(value?.canonicalBytes ?? [])
                    }
                }
            }
        }
        damages = inventory.damages.map { damage in
            .with {
                $0.file = Field.cut(damage.file, to: Limits.textLength)
                $0.reason = Field.cut(damage.reason, to: Limits.reasonLength)
                $0.entries = damage.entries.prefix(Limits.observedEntries).map(WireEntryReference.init)
            }
        }
        observations = inventory.observations.map { observation in
            .with {
                $0.subject = Field.cut(observation.subject, to: Limits.textLength)
                $0.entries = observation.entries.prefix(Limits.observedEntries).map(WireEntryReference.init)
                $0.meant = Data(observation.meant.bytes)
                $0.found = Data(observation.found?.bytes ?? [])
                $0.remark = Field.cut(observation.remark ?? "", to: Limits.reasonLength)
            }
        }
        proofs = inventory.proofs.map(WireServiceProof.init)
    }
}

extension InventoryPart {
    init(_ wire: WireInventory) throws(Refusal) {
        var inventory = Inventory()
        inventory.running = try Field.optionalDigest(wire.running, "inventory.running")
        (inventory.isBusy, inventory.store) = (wire.busy, wire.unreadable ? nil : [:])
        let sections = try Field.list(wire.sections, "inventory.sections", limit: Limits.listItems) { section, field throws(Refusal) in
            let name = SectionName(rawValue: try Field.name(section.name, "\(field).name"))
            return try Field.list(section.entries, "\(field).entries", limit: Limits.heldEntries) { entry, field throws(Refusal) in
                (
                    EntryName(name, try Field.name(entry.name, "\(field).name")),
                    try Field.optionalDigest(entry.digest, "\(field).digest"),
                    try entry.value.isEmpty ? nil : Field.value(entry.value, "\(field).value")
                )
            }
        }
        for (name, digest, value) in sections.joined() {
            if let digest { inventory.store?[name] = digest }
            if let value { inventory.values[name] = value }
        }
        inventory.damages = try Field.list(wire.damages, "inventory.damages", limit: Limits.observations) { damage, field throws(Refusal) in
            StoreDamage(
                file: try Field.text(damage.file, "\(field).file"),
                reason: try Field.optionalText(damage.reason, "\(field).reason", limit: Limits.reasonLength) ?? "",
                entries: try EntryName.list(damage.entries, "\(field).entries", limit: Limits.observedEntries))
        }
        inventory.observations = try Field.list(wire.observations, "inventory.observations", limit: Limits.observations) {
            observation, field throws(Refusal) in
            GatewayObservation(
                subject: try Field.text(observation.subject, "\(field).subject"),
                entries: try EntryName.list(observation.entries, "\(field).entries", limit: Limits.observedEntries),
                meant: try Field.digest(observation.meant, "\(field).meant"),
                found: try Field.optionalDigest(observation.found, "\(field).found"),
                remark: try Field.optionalText(observation.remark, "\(field).remark", limit: Limits.reasonLength))
        }
        inventory.proofs = try Field.list(wire.proofs, "inventory.proofs", limit: Limits.services) { proof, field throws(Refusal) in
            try ServiceProof(proof, "\(field)")
        }
        self.init(question: try Field.number(wire.question, "inventory.question"), isLast: !wire.more, inventory: inventory)
    }
}
