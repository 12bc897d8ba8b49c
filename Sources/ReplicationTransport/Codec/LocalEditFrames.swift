import ClusterModel
import FoundationEssentials
import Replication
import WireMessages

extension WireLocalEdits {
    init(_ report: LocalEditReport) {
        self.init()
        disconnected = report.isDisconnected
        edits = report.edits.map(WireLocalEdit.init)
        material = report.material.map(WireMaterial.init)
    }
}

extension LocalEditReport {
    init(_ wire: WireLocalEdits) throws(Refusal) {
        self.init(
            isDisconnected: wire.disconnected,
            edits: try Field.list(wire.edits, "localEdits.edits", limit: Limits.localEdits) { edit, field throws(Refusal) in
                try LocalEdit(edit, "\(field)")
            },
            // An edit speaks of a key and a chain at most.
            material: try Field.list(wire.material, "localEdits.material", limit: 2 * Limits.localEdits) {
                material, field throws(Refusal) in
                try Material(material, "\(field)")
            })
        guard Set(edits.map(\.path)).count == edits.count else { throw Field.invalid("localEdits.edits", "names an entry twice") }
        guard Set(edits.map(\.id)).count == edits.count else { throw Field.invalid("localEdits.edits", "has an id twice") }
        let values = wire.edits.reduce(0) { $0 + $1.value.count }
        guard material.reduce(values, { $0 + $1.pem.count }) <= Limits.localEditBytes else {
            throw Field.invalid("localEdits", "has over \(Limits.localEditBytes) bytes of values, keys and chains")
        }
    }
}

extension WireLocalEdit {
    fileprivate init(_ edit: LocalEdit) {
        self.init()
        id = edit.id
        section = edit.section.rawValue
        name = edit.name
        if let value = edit.value { self.value = Data(value.canonicalBytes) }
        base = Data(edit.base?.bytes ?? [])
        time = edit.time.seconds
    }
}

extension LocalEdit {
    fileprivate init(_ wire: WireLocalEdit, _ field: @autoclosure () -> String) throws(Refusal) {
        self.init(
            id: try Field.name(wire.id, "\(field()).id"),
            section: SectionName(rawValue: try Field.name(wire.section, "\(field()).section")),
            name: try Field.name(wire.name, "\(field()).name"),
            value: wire.hasValue ? try Field.value(wire.value, "\(field()).value") : nil,
            base: try Field.optionalDigest(wire.base, "\(field()).base"), time: try Field.time(wire.time, "\(field()).time"))
    }
}

extension Field {
    /// The edits that a manager says are decided.
    static func settled(_ wire: WireSettled) throws(Refusal) -> [String] {
        guard !wire.edits.isEmpty else { throw invalid("settled.edits", "is missing") }
        return try names(wire.edits, "settled.edits", limit: Limits.localEdits)
    }
}
