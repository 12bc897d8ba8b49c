package import ClusterModel

/// One entry of the log, decoded: who did what when, and what it follows.
package struct LogEntry: Hashable, Sendable {
    /// Numbered from 1 without gaps.
    package var position: Int
    /// SHA-256 of the stored bytes of the entry before; of nothing for the first.
    package var previous: Digest
    package var time: Timestamp
    /// Who caused it: a user, or what acts on its own, such as a machine or the manager.
    package var author: String
    /// The event's own JSON.
    package var event: JSONValue

    package init(position: Int, previous: Digest, time: Timestamp, author: String, event: JSONValue) {
        self.position = position
        self.previous = previous
        self.time = time
        self.author = author
        self.event = event
    }

    /// The bytes that are hashed, sealed and stored: `{"author","event","position","previous","time"}` in canonical JSON.
    package var canonicalBytes: [UInt8] {
        let members: [String: JSONValue] = [
            "author": .string(author), "event": event, "position": .integer(Int64(position)), "previous": .string(previous.hex),
            "time": .string(time.description),
        ]
        return JSONValue.object(members).canonicalBytes
    }

    /// The form in which a log keeps this entry.
    package func stored(sealedBy key: LogKey) -> StoredEntry {
        let bytes = canonicalBytes
        return StoredEntry(position: position, bytes: bytes, seal: key.seal(bytes))
    }

    /// Reads stored bytes, which must be exactly the canonical form; says nothing about their seal.
    package init(canonical bytes: [UInt8]) throws(JSONError) {
        // One level deeper than an event may be: the entry is around it.
        let value = try JSONValue(parsing: bytes, depth: Limits.jsonDepth + 1)
        guard let author = value["author"]?.text, let event = value["event"], let number = value["position"]?.number,
            let position = Int(exactly: number), let previous = value["previous"]?.text.flatMap({ Digest(hex: $0) }),
            let time = value["time"]?.text.flatMap({ Timestamp($0) })
        else { throw JSONError(offset: 0, reason: "not a log entry: author, event, position, previous and time are its members") }
        self.init(position: position, previous: previous, time: time, author: author, event: event)
        let canonical = canonicalBytes
        guard canonical == bytes else {
            let offset = zip(canonical, bytes).enumerated().first { $0.element.0 != $0.element.1 }?.offset
            throw JSONError(offset: offset ?? min(canonical.count, bytes.count), reason: "not the canonical form of the entry")
        }
    }
}
