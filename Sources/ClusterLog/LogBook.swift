package import ClusterModel

/// What a log holds, and every rule about it, as a value: the reference that other keepers are compared with.
///
/// ``InMemoryLog`` puts a lock around one; the deterministic simulation uses it as it is. The rules are those of ``ClusterLog``.
package struct LogBook: Hashable, Sendable {
    /// The newest entry's place.
    package private(set) var head = LogHead.empty
    private var entries: [StoredEntry] = []
    private var blobs: [String: [UInt8]] = [:]
    private var values: [String: Value] = [:]
    private var lastVersion = 0

    private struct Value: Hashable, Sendable {
        var bytes: [UInt8]
        var version: Int
    }

    package init() {}

    /// Adds one entry behind `after`, which must be the head.
    package mutating func append(_ entry: StoredEntry, after: LogHead) throws(LogError) {
        try LogRules.check(size: entry)
        try LogRules.check(entry, after: after, at: head)
        entries.append(entry)
        head = entry.head
    }

    /// At most `limit` entries behind a position.
    package func entries(after position: Int, limit: Int) -> [StoredEntry] {
        Array(entries.dropFirst(max(0, position)).prefix(max(0, limit)))
    }

    /// Adds a blob, or finds it there with the same bytes.
    package mutating func putBlob(_ name: String, _ bytes: [UInt8]) throws(LogError) {
        try LogRules.check(blob: name, bytes)
        guard blobs[name] == nil || blobs[name] == bytes else { throw LogRules.blobDiffers(name) }
        blobs[name] = bytes
    }

    package func blob(_ name: String) -> [UInt8]? { blobs[name] }

    package func blobNames(prefix: String) -> [String] {
        blobs.keys.filter { $0.hasPrefix(prefix) }.sorted()
    }

    package mutating func deleteBlob(_ name: String) {
        blobs[name] = nil
    }

    package func value(_ key: String) -> (bytes: [UInt8], version: Int)? {
        values[key].map { ($0.bytes, $0.version) }
    }

    /// Writes or deletes a value that is still at the version expected; answers its new version.
    @discardableResult
    package mutating func setValue(_ key: String, _ bytes: [UInt8]?, expecting version: Int) throws(LogError) -> Int {
        try LogRules.check(value: key, bytes)
        let present = values[key]?.version ?? 0
        guard present == version else { throw LogRules.staleValue(key, expecting: version, is: present) }
        guard let bytes else {
            values[key] = nil
            return 0
        }
        lastVersion += 1
        values[key] = Value(bytes: bytes, version: lastVersion)
        return lastVersion
    }

    /// Writes values whatever their versions are.
    package mutating func setValues(_ values: [String: [UInt8]]) throws(LogError) {
        try LogRules.check(values: values)
        for (key, bytes) in values.sorted(by: { $0.key < $1.key }) {
            try setValue(key, bytes, expecting: self.values[key]?.version ?? 0)
        }
    }

    package func values(prefix: String) -> [(key: String, bytes: [UInt8], version: Int)] {
        values.filter { $0.key.hasPrefix(prefix) }.map { ($0.key, $0.value.bytes, $0.value.version) }.sorted { $0.0 < $1.0 }
    }
}
