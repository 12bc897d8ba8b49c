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
/// Everything answered is on disk and survives a crash. Each call is all or nothing, and cancelling the task that
/// made it changes nothing about that: the answer still says what happened. Sizes are bounded by ``Limits``;
/// blob names and keys are 1 to ``Limits/logNameLength`` printable ASCII characters without spaces, and lists
/// come in their byte order. After `unavailable` a write may have happened or not: what is read next tells.
package protocol ClusterLog: Sendable {
    /// The newest entry's place; ``LogHead/empty`` when there is none.
    func head() async throws(LogError) -> LogHead
    /// Stores one entry behind `after`; `staleHead` when the head is another by now. Its position must be the one behind `after`.
    func append(_ entry: StoredEntry, after: LogHead) async throws(LogError)
    /// Entries behind a position, in order and without a gap, at most `limit` of them; fewer only at the end of the log.
    func entries(after position: Int, limit: Int) async throws(LogError) -> [StoredEntry]
    /// A stream that yields (at least) each new head from now on; it may skip heads, never the last. It ends when the log is closed.
    ///
    /// Whoever must not miss an entry calls this first and reads the head then.
    func follow() async -> AsyncStream<LogHead>

    /// Stores a blob under a name; the same name again replaces nothing: it succeeds when the bytes are equal, else `blobDiffers`.
    func putBlob(_ name: String, _ bytes: [UInt8]) async throws(LogError)
    /// A blob's bytes; nil when there is none of this name.
    func blob(_ name: String) async throws(LogError) -> [UInt8]?
    /// The names that begin with a prefix (all, when it is empty), sorted.
    func blobNames(prefix: String) async throws(LogError) -> [String]
    /// Deletes a blob; one that is not there is deleted already.
    func deleteBlob(_ name: String) async throws(LogError)

    /// A value that is not history, with the version to build the next write on; nil, and version 0, means absent.
    func value(_ key: String) async throws(LogError) -> (bytes: [UInt8], version: Int)?
    /// Writes (nil deletes) if the version is still `expecting`; `staleValue` otherwise. Returns the new version, 0 after a deletion.
    ///
    /// Versions grow, with gaps, over all keys: none is used twice, so a value deleted and written anew has another version.
    @discardableResult
    func setValue(_ key: String, _ bytes: [UInt8]?, expecting version: Int) async throws(LogError) -> Int
    /// Writes values whatever their versions are, all or none, in one step: for what only one writer knows. At most ``LogRules/batch``.
    func setValues(_ values: [String: [UInt8]]) async throws(LogError)
    /// The values whose keys begin with a prefix (all, when it is empty), sorted by key.
    func values(prefix: String) async throws(LogError) -> [(key: String, bytes: [UInt8], version: Int)]

    /// Releases what is held; later calls fail with `closed`. Closing twice is closing once.
    func close() async
}
