package import ClusterModel

/// One stored entry of the log: bytes that are hashed and sealed as they stand.
package struct StoredEntry: Hashable, Sendable {
    package var position: Int
    /// Canonical JSON of the ``LogEntry``: position, previous hash, time, author, event.
    package var bytes: [UInt8]
    /// HMAC-SHA256 over the bytes under a key derived from the master key.
    package var seal: Digest

    package init(position: Int, bytes: [UInt8], seal: Digest) {
        self.position = position
        self.bytes = bytes
        self.seal = seal
    }

    package var head: LogHead { LogHead(position: position, hash: Digest(hashing: bytes)) }
}

/// The storage promise: a totally ordered log, blobs, and a little keyed storage.
///
/// Everything answered is on disk and survives a crash. Errors are ``LogError``.
package protocol ClusterLog: Sendable {
    /// The newest entry's place; ``LogHead/empty`` when there is none.
    func head() async throws(LogError) -> LogHead
    /// Stores one entry behind `after`, all or nothing; `staleHead` when the head is another by now.
    func append(_ entry: StoredEntry, after: LogHead) async throws(LogError)
    /// Entries behind a position, in order, at most `limit` of them.
    func entries(after position: Int, limit: Int) async throws(LogError) -> [StoredEntry]
    /// A stream that yields (at least) each new head from now on; it may skip heads, never the last. It ends when the log is closed.
    func follow() async -> AsyncStream<LogHead>

    /// Stores a blob under a name; the same name again replaces nothing and succeeds when the bytes are equal.
    func putBlob(_ name: String, _ bytes: [UInt8]) async throws(LogError)
    func blob(_ name: String) async throws(LogError) -> [UInt8]?
    func blobNames(prefix: String) async throws(LogError) -> [String]
    func deleteBlob(_ name: String) async throws(LogError)

    /// A value that is not history, with the version to build the next write on; version 0 means absent.
    func value(_ key: String) async throws(LogError) -> (bytes: [UInt8], version: Int)?
    /// Writes (nil deletes) if the version is still `expecting`; `staleValue` otherwise. Returns the new version.
    @discardableResult
    func setValue(_ key: String, _ bytes: [UInt8]?, expecting version: Int) async throws(LogError) -> Int
    func values(prefix: String) async throws(LogError) -> [(key: String, bytes: [UInt8], version: Int)]

    /// Releases what is held; later calls fail with `closed`.
    func close() async
}

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
        /// What is stored is not what was written: the reason names the place.
        package static let corrupt = Code(rawValue: "corrupt")
        /// Disk full, I/O error, locked by another process.
        package static let unavailable = Code(rawValue: "unavailable")
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
