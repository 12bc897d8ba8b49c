package import ClusterLog
package import ClusterModel
import Foundation
import GRDB
import Synchronization

/// The log promise kept by an SQLite database on this machine's disk.
///
/// One process at a time uses a data directory (the file `lock` beside the database says which). Write-ahead log, `synchronous=FULL`:
/// what was answered survives a loss of power. A write is one transaction with one sync of the disk. Files have mode 0600.
package final class SQLiteLog: ClusterLog {
    /// Where the database is.
    package let path: String
    private let opened: Mutex<Opened?>
    private let followers = Followers()

    private struct Opened {
        var pool: DatabasePool
        /// Nil for one that only reads.
        var lock: DirectoryLock?
    }

    /// Seconds to wait for a program that is no manager, such as a backup, to let go of the database.
    private static let busySeconds = 5.0

    /// Opens the database file, or makes a new one.
    ///
    /// - Parameters:
    ///   - path: The database file. Its directory is the data directory, which must exist.
    ///   - create: Whether to make a new log where there is none. A manager that is to have one already says no, so that a
    ///     database that is gone, or cut to nothing, is not taken for a new cluster.
    ///   - maximumPages: Pages of 4096 bytes that the database may grow to; nil leaves that to the disk.
    /// - Throws: `unavailable` when another process has it, it is missing, from a newer version or out of reach; `corrupt`, naming the
    ///   file, when it is not a log or is damaged.
    package init(path: String, create: Bool = true, maximumPages: Int? = nil) throws(LogError) {
        self.path = path
        let url = URL(fileURLWithPath: path)
        let lock = try DirectoryLock(directory: url.deletingLastPathComponent().path)
        guard create || FileManager.default.fileExists(atPath: path) else { throw Schema.noLog(path) }
        // Made here for its mode, which SQLite gives to the files that it makes beside it.
        try PrivateFile.create(path)
        do {
            let pool = try DatabasePool(path: path, configuration: SQLiteLog.configuration)
            try pool.writeWithoutTransaction { database in
                // GRDB sets NORMAL when it opens a pool: after a loss of power the last commits could be missing.
                try database.execute(sql: "PRAGMA synchronous = FULL; PRAGMA secure_delete = ON")
                if let maximumPages { try database.execute(sql: "PRAGMA max_page_count = \(maximumPages)") }
                try Schema.update(database, path: path, create: create)
            }
            opened = Mutex(Opened(pool: pool, lock: lock))
        } catch {
            throw LogError(error, "Opening the log", path: path)
        }
    }

    /// Opens a database to read what is in it, beside a manager that may be using it. Writes fail.
    package init(reading path: String) throws(LogError) {
        self.path = path
        guard FileManager.default.fileExists(atPath: path) else { throw Schema.noLog(path) }
        do {
            var configuration = SQLiteLog.configuration
            configuration.readonly = true
            let pool = try DatabasePool(path: path, configuration: configuration)
            try pool.read { try Schema.check($0, path: path) }
            opened = Mutex(Opened(pool: pool, lock: nil))
        } catch {
            throw LogError(error, "Opening the log", path: path)
        }
    }

    private static var configuration: Configuration {
        var configuration = Configuration()
        configuration.label = "ClusterLogSQLite"
        configuration.busyMode = .timeout(busySeconds)
        configuration.foreignKeysEnabled = true
        configuration.maximumReaderCount = 2
        return configuration
    }

    // MARK: - Entries

    package func head() async throws(LogError) -> LogHead {
        try await read("Reading the newest entry") { try $0.head(path: self.path) }
    }

    package func append(_ entry: StoredEntry, after: LogHead) async throws(LogError) {
        try LogRules.check(size: entry)
        try await write("Appending entry \(entry.position)") { database in
            try LogRules.check(entry, after: after, at: database.head(path: self.path))
            try database.run(
                "INSERT INTO entry (position, seal, bytes) VALUES (?, ?, ?)", entry.position, entry.seal.data, entry.bytes.data)
        }
        followers.announce(entry.head)
    }

    package func entries(after position: Int, limit: Int) async throws(LogError) -> [StoredEntry] {
        let start = max(0, position)
        return try await read("Reading the entries after \(start)") { database in
            let rows = try database.rows(
                "SELECT position, seal, bytes FROM entry WHERE position > ? ORDER BY position LIMIT ?", start, max(0, limit))
            var entries: [StoredEntry] = []
            while let row = try rows.next() {
                let entry = try StoredEntry(row, path: self.path)
                let expected = start + entries.count + 1
                guard entry.position == expected else {
                    throw LogError.damaged(self.path, "entry \(expected) is missing, the next one is \(entry.position)")
                }
                entries.append(entry)
            }
            return entries
        }
    }

    package func follow() async -> AsyncStream<LogHead> { followers.follow() }

    // MARK: - Blobs

    package func putBlob(_ name: String, _ bytes: [UInt8]) async throws(LogError) {
        try LogRules.check(blob: name, bytes)
        try await write("Storing the blob \(name)") { database in
            if let row = try database.row("SELECT digest, bytes FROM blob WHERE name = ?", name) {
                guard try row.bytes(of: "blob", name, path: self.path) == bytes else { throw LogRules.blobDiffers(name) }
            } else {
                let digest = Digest(of: bytes, named: name).data
                try database.run("INSERT INTO blob (name, digest, bytes) VALUES (?, ?, ?)", name, digest, bytes.data)
            }
        }
    }

    package func blob(_ name: String) async throws(LogError) -> [UInt8]? {
        try await read("Reading the blob \(name)") { database in
            try database.row("SELECT digest, bytes FROM blob WHERE name = ?", name)?.bytes(of: "blob", name, path: self.path)
        }
    }

    package func blobNames(prefix: String) async throws(LogError) -> [String] {
        try await read("Listing blobs") { database in
            let rows = try database.rows("SELECT name FROM blob WHERE name >= ? AND name < ? ORDER BY name", prefix, prefix + pastNames)
            var names: [String] = []
            while let row = try rows.next() { names.append(try row.value(0)) }
            return names
        }
    }

    package func deleteBlob(_ name: String) async throws(LogError) {
        try await write("Deleting the blob \(name)") { try $0.run("DELETE FROM blob WHERE name = ?", name) }
    }

    // MARK: - Values

    package func value(_ key: String) async throws(LogError) -> (bytes: [UInt8], version: Int)? {
        try await read("Reading the value \(key)") { database in
            guard let row = try database.row("SELECT digest, bytes, version FROM value WHERE key = ?", key) else { return nil }
            return (try row.bytes(of: "value", key, path: self.path), try row.value(2))
        }
    }

    @discardableResult
    package func setValue(_ key: String, _ bytes: [UInt8]?, expecting version: Int) async throws(LogError) -> Int {
        try LogRules.check(value: key, bytes)
        return try await write("Writing the value \(key)") { database in
            let present: Int = try database.row("SELECT version FROM value WHERE key = ?", key)?.value(0) ?? 0
            guard present == version else { throw LogRules.staleValue(key, expecting: version, is: present) }
            if present != 0 { try database.run("DELETE FROM value WHERE version = ?", present) }
            guard let bytes else { return 0 }
            let digest = Digest(of: bytes, named: key).data
            try database.run("INSERT INTO value (key, digest, bytes) VALUES (?, ?, ?)", key, digest, bytes.data)
            return Int(database.lastInsertedRowID)
        }
    }

    package func setValues(_ values: [String: [UInt8]]) async throws(LogError) {
        try LogRules.check(values: values)
        try await write("Writing \(values.count) values") { database in
            for (key, bytes) in values {
                try database.run("DELETE FROM value WHERE key = ?", key)
                let digest = Digest(of: bytes, named: key).data
                try database.run("INSERT INTO value (key, digest, bytes) VALUES (?, ?, ?)", key, digest, bytes.data)
            }
        }
    }

    package func values(prefix: String) async throws(LogError) -> [(key: String, bytes: [UInt8], version: Int)] {
        try await read("Listing values") { database in
            let sql = "SELECT digest, bytes, version, key FROM value WHERE key >= ? AND key < ? ORDER BY key"
            let rows = try database.rows(sql, prefix, prefix + pastNames)
            var values: [(key: String, bytes: [UInt8], version: Int)] = []
            while let row = try rows.next() {
                let key: String = try row.value(3)
                values.append((key, try row.bytes(of: "value", key, path: self.path), try row.value(2)))
            }
            return values
        }
    }

    // MARK: - Access

    /// How the connection that writes was told to treat the disk: `wal`, and 2 for `synchronous=FULL`. For tests and the support bundle.
    package func durability() async throws(LogError) -> (journal: String, synchronous: Int) {
        try await write("Reading settings") { database in
            (
                try String.fetchOne(database, sql: "PRAGMA journal_mode") ?? "",
                try Int.fetchOne(database, sql: "PRAGMA synchronous") ?? 0
            )
        }
    }

    /// What SQLite itself finds wrong with the file, one line each; none when it is sound.
    package func damages() async throws(LogError) -> [String] {
        try await read("Checking the database") { database in
            try String.fetchAll(database, sql: "PRAGMA integrity_check(20)").filter { $0 != "ok" }
        }
    }

    package func close() async {
        let last = opened.withLock { opened in
            defer { opened = nil }
            return opened
        }
        followers.finish()
        // The lock is held until the database is closed. A database that cannot be closed in order is let go as it is, as in a crash:
        // what was answered is on disk.
        withExtendedLifetime(last?.lock) { try? last?.pool.close() }
    }

    /// Reads from one state of the database, beside a write that may be going on.
    private func read<Answer: Sendable>(
        _ action: String, _ body: @escaping @Sendable (Database) throws -> Answer
    ) async throws(LogError) -> Answer {
        try await use(action) { pool, finish in
            pool.asyncRead { database in
                finish(Result { try body(database.get()) })
            }
        }
    }

    /// Writes in one transaction, alone. It runs to its end even if the task is cancelled: half-known outcomes help nobody.
    @discardableResult
    private func write<Answer: Sendable>(
        _ action: String, _ body: @escaping @Sendable (Database) throws -> Answer
    ) async throws(LogError) -> Answer {
        try await use(action) { pool, finish in
            pool.asyncWriteWithoutTransaction { database in
                finish(
                    Result {
                        var answer: Answer?
                        try database.inTransaction(.immediate) {
                            answer = try body(database)
                            return .commit
                        }
                        guard let answer else { throw DatabaseError(resultCode: .SQLITE_ABORT) }
                        return answer
                    })
            }
        }
    }

    private func use<Answer: Sendable>(
        _ action: String, _ start: (DatabasePool, @escaping @Sendable (Result<Answer, any Error>) -> Void) -> Void
    ) async throws(LogError) -> Answer {
        let result: Result<Answer, any Error> = await withCheckedContinuation { continuation in
            // Handed over inside the lock: closing waits for what was handed over before it.
            let isOpen = opened.withLock { opened in
                guard let pool = opened?.pool else { return false }
                start(pool) { continuation.resume(returning: $0) }
                return true
            }
            if !isOpen { continuation.resume(returning: .failure(LogError.closed)) }
        }
        do { return try result.get() } catch { throw LogError(error, action, path: path) }
    }
}

/// Comes behind every character that a name may have (``LogRules``), so that prefix + this ends the range of a prefix.
private let pastNames = "\u{7F}"
