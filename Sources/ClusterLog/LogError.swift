package import ClusterModel

/// Why a log did not do what it was asked.
package struct LogError: Error, Sendable, CustomStringConvertible {
    package struct Code: RawRepresentable, Hashable, Sendable {
        package var rawValue: String
        package init(rawValue: String) { self.rawValue = rawValue }

        /// The head moved since it was read; nothing was written.
        package static let staleHead = Code(rawValue: "stale-head")
        /// The value changed since it was read; nothing was written.
        package static let staleValue = Code(rawValue: "stale-value")
        /// A blob of this name holds other bytes.
        package static let blobDiffers = Code(rawValue: "blob-differs")
        /// Over a limit.
        package static let tooLarge = Code(rawValue: "too-large")
        /// A name or a position that no log takes; nothing was written.
        package static let invalid = Code(rawValue: "invalid")
        /// What is stored is not what was written: the reason names the place.
        package static let corrupt = Code(rawValue: "corrupt")
        /// Disk full, I/O error, locked by another process.
        package static let unavailable = Code(rawValue: "unavailable")
        /// The log was closed before.
        package static let closed = Code(rawValue: "closed")
    }

    package var code: Code
    /// What was attempted, then why not. No secrets.
    package var reason: String

    package init(_ code: Code, _ reason: String) {
        self.code = code
        self.reason = reason
    }

    package var description: String { reason }
}

extension LogError: Equatable {
    package static func == (left: LogError, right: LogError) -> Bool { left.code == right.code }
}

extension LogError {
    /// What every keeper answers once it is closed.
    package static let closed = LogError(.closed, "The log was closed.")

    /// How to come back from a damaged log; the end of every `corrupt` reason.
    package static let repair =
        "Restore a backup with `muster manager restore`; `muster manager verify` checks a whole log without changing it."
}

/// The rules that every keeper applies before it writes, and the words in which it refuses.
package enum LogRules {
    /// An entry that may follow `head`, appended by someone who saw `after`.
    package static func check(_ entry: StoredEntry, after: LogHead, at head: LogHead) throws(LogError) {
        guard head == after else {
            throw LogError(
                .staleHead,
                "Appending after entry \(after.position) (\(after.hash.short)): the log is at \(head.position) (\(head.hash.short)) by now."
            )
        }
        guard entry.position == head.position + 1 else {
            throw LogError(.invalid, "Appending after entry \(head.position): the entry calls itself \(entry.position).")
        }
    }

    /// An entry of a size that may be stored at all.
    package static func check(size entry: StoredEntry) throws(LogError) {
        try check(entry.bytes.count, Limits.eventBytes, "The event of entry \(entry.position)")
    }

    /// A blob that may be stored.
    package static func check(blob name: String, _ bytes: [UInt8]) throws(LogError) {
        try check(name: name)
        try check(bytes.count, Limits.blobBytes, "The blob \(name)")
    }

    /// A value that may be stored.
    package static func check(value key: String, _ bytes: [UInt8]?) throws(LogError) {
        try check(name: key)
        try check(bytes?.count ?? 0, Limits.valueBytes, "The value \(key)")
    }

    /// Values that may be written at once. Under etcd's 128 operations, each of which is one.
    package static let batch = 100

    /// Values that may be stored together.
    package static func check(values: [String: [UInt8]]) throws(LogError) {
        guard values.count <= batch else {
            throw LogError(.tooLarge, "\(values.count) values are too many for one step; at most \(batch) are written.")
        }
        for (key, bytes) in values { try check(value: key, bytes) }
    }

    /// A name of a blob or the key of a value; the same text in every keeper, whatever it thinks of Unicode.
    package static func check(name: String) throws(LogError) {
        let length = name.utf8.count
        guard (1...Limits.logNameLength).contains(length), name.utf8.allSatisfy({ (0x21...0x7E).contains($0) }) else {
            throw LogError(
                .invalid,
                "A name in the log has 1 to \(Limits.logNameLength) printable ASCII characters without spaces; this one has \(length) bytes."
            )
        }
    }

    /// What a second, different blob of one name is told.
    package static func blobDiffers(_ name: String) -> LogError {
        LogError(.blobDiffers, "The blob \(name) is stored with other bytes; blobs never change. Delete it first, or use another name.")
    }

    /// What a write on an outdated value is told.
    package static func staleValue(_ key: String, expecting: Int, is version: Int) -> LogError {
        LogError(.staleValue, "The value \(key) is at version \(version) by now, not at \(expecting). Read it and decide again.")
    }

    private static func check(_ count: Int, _ limit: Int, _ what: String) throws(LogError) {
        guard count <= limit else { throw LogError(.tooLarge, "\(what) has \(count) bytes; at most \(limit) are stored.") }
    }
}
