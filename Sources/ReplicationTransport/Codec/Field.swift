import ClusterModel
import FoundationEssentials
import WireMessages

/// Reads single fields. Every complaint names the field as `wire.proto` does: `update.target.digest`; the name is put together
/// only then, since an update has thousands of fields and nearly none has anything wrong with it.
enum Field {
    static func invalid(_ field: String, _ problem: String) -> Refusal {
        Refusal(.invalid, "The field \(field) of a frame \(problem).")
    }

    static func digest(_ bytes: Data, _ field: @autoclosure () -> String) throws(Refusal) -> Digest {
        guard let digest = try optionalDigest(bytes, field()) else { throw invalid(field(), "is missing") }
        return digest
    }

    static func optionalDigest(_ bytes: Data, _ field: @autoclosure () -> String) throws(Refusal) -> Digest? {
        guard !bytes.isEmpty else { return nil }
        guard let digest = Digest(bytes: bytes) else {
            throw invalid(field(), "has \(bytes.count) bytes; a digest has \(Digest.byteCount)")
        }
        return digest
    }

    static func text(_ text: String, _ field: @autoclosure () -> String, limit: Int = Limits.textLength) throws(Refusal) -> String {
        guard let text = try optionalText(text, field(), limit: limit) else { throw invalid(field(), "is missing") }
        return text
    }

    /// Lengths count Unicode scalars, so that no text is longer here than where it was cut.
    static func optionalText(_ text: String, _ field: @autoclosure () -> String, limit: Int = Limits.textLength) throws(Refusal) -> String?
    {
        let count = text.unicodeScalars.count
        guard count <= limit else { throw invalid(field(), "has \(count) characters; at most \(limit) are taken") }
        return text.isEmpty ? nil : text
    }

    /// The name of a section or an entry: what could be harmless in a path and in a table. The section's own rule is stricter.
    static func name(_ text: String, _ field: @autoclosure () -> String) throws(Refusal) -> String {
        let name = try self.text(text, field(), limit: Limits.textLength)
        guard name.utf8.allSatisfy({ (0x21...0x7E).contains($0) && $0 != UInt8(ascii: "/") }), name != ".", name != ".." else {
            throw invalid(field(), "is not a name")
        }
        return name
    }

    static func names(_ texts: [String], _ field: @autoclosure () -> String, limit: Int) throws(Refusal) -> [String] {
        try list(texts, field(), limit: limit) { text, field throws(Refusal) in try name(text, "\(field)") }
    }

    static func texts(
        _ texts: [String], _ field: @autoclosure () -> String, limit: Int, length: Int = Limits.textLength
    ) throws(Refusal) -> [String] {
        try list(texts, field(), limit: limit) { text, field throws(Refusal) in
            try optionalText(text, "\(field)", limit: length) ?? ""
        }
    }

    static func list<Wire, Value>(
        _ items: [Wire], _ field: @autoclosure () -> String, limit: Int, _ read: (Wire, Item) throws(Refusal) -> Value
    ) throws(Refusal) -> [Value] {
        guard items.count <= limit else { throw invalid(field(), "has \(items.count) items; at most \(limit) are taken") }
        var values: [Value] = []
        values.reserveCapacity(items.count)
        let list = field()
        for (index, item) in items.enumerated() { values.append(try read(item, Item(list: list, index: index))) }
        return values
    }

    /// The name of an item of a list, written only when there is something to complain about.
    struct Item: CustomStringConvertible {
        var list: String
        var index: Int

        var description: String { "\(list)[\(index)]" }
    }

    static func bytes(_ bytes: Data, _ field: @autoclosure () -> String, limit: Int) throws(Refusal) -> [UInt8] {
        guard !bytes.isEmpty else { throw invalid(field(), "is missing") }
        guard bytes.count <= limit else { throw invalid(field(), "has \(bytes.count) bytes; at most \(limit) are taken") }
        return Array(bytes)
    }

    /// A position or revision: small enough that adding to it cannot overflow.
    static func number(_ number: Int64, _ field: @autoclosure () -> String) throws(Refusal) -> Int {
        guard (0...1 << 53).contains(number) else { throw invalid(field(), "is \(number), which numbers nothing") }
        return Int(number)
    }

    /// A time up to the end of the year 9999, so that it can be written and added to.
    static func time(_ seconds: Int64, _ field: @autoclosure () -> String) throws(Refusal) -> Timestamp {
        guard (0...253_402_300_799).contains(seconds) else { throw invalid(field(), "is \(seconds), which is no time since 1970") }
        return Timestamp(seconds: seconds)
    }

    /// A value in canonical JSON.
    static func value(_ bytes: Data, _ field: @autoclosure () -> String) throws(Refusal) -> JSONValue {
        try canonical(bytes, field()).value
    }

    /// A value, and the canonical JSON that it was read from.
    static func canonical(_ bytes: Data, _ field: @autoclosure () -> String) throws(Refusal) -> (value: JSONValue, bytes: [UInt8]) {
        let bytes = try self.bytes(bytes, field(), limit: Limits.entryBytes)
        let value: JSONValue
        do throws(JSONError) {
            value = try JSONValue(parsing: bytes)
        } catch {
            throw invalid(field(), "is not JSON, \(error.description)")
        }
        guard value.canonicalBytes == bytes else { throw invalid(field(), "is not canonical JSON (RFC 8785)") }
        return (value, bytes)
    }

    /// What may be written: the reader's limit is never met by cutting at the same one.
    static func cut(_ text: String, to limit: Int) -> String {
        text.unicodeScalars.count <= limit ? text : String(String.UnicodeScalarView(text.unicodeScalars.prefix(limit)))
    }
}

extension WireSighting {
    init(_ sighting: Sighting) {
        self.init()
        epoch = Int64(sighting.epoch)
        position = Int64(sighting.head.position)
        hash = Data(sighting.head.hash.bytes)
        seal = Data(sighting.seal.bytes)
    }
}

extension Sighting {
    init(_ wire: WireSighting?, _ field: String) throws(Refusal) {
        guard let wire else { throw Field.invalid(field, "is missing") }
        self.init(
            epoch: try Field.number(wire.epoch, "\(field).epoch"),
            head: LogHead(
                position: try Field.number(wire.position, "\(field).position"), hash: try Field.digest(wire.hash, "\(field).hash")),
            seal: try Field.digest(wire.seal, "\(field).seal"))
    }
}

extension WireTarget {
    init(_ target: Target) {
        self.init()
        position = Int64(target.position)
        revision = Int64(target.revision)
        digest = Data(target.digest.bytes)
    }
}

extension Target {
    init(_ wire: WireTarget?, _ field: String) throws(Refusal) {
        guard let wire else { throw Field.invalid(field, "is missing") }
        self.init(
            position: try Field.number(wire.position, "\(field).position"),
            revision: try Field.number(wire.revision, "\(field).revision"), digest: try Field.digest(wire.digest, "\(field).digest"))
    }
}
