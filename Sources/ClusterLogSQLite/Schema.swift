import ClusterLog
import GRDB

/// The tables of the log's database, and the numbered steps that bring an older one up to date.
///
/// Invariants are in the tables, so that no other program breaks them unnoticed. A step is never edited once it is released.
enum Schema {
    /// Marks the file as Muster's (`PRAGMA application_id`): "Mlog".
    static let applicationID = 0x4D6C_6F67

    /// The steps, in order; `PRAGMA user_version` counts those taken.
    static let steps = [first]

    private static let first = """
        -- Kept for ever, never changed. `bytes` is what is hashed and sealed; the chain is inside of it.
        CREATE TABLE entry (
            position INTEGER NOT NULL PRIMARY KEY CHECK (position >= 1),
            seal BLOB NOT NULL CHECK (typeof(seal) = 'blob' AND length(seal) = 32),
            bytes BLOB NOT NULL CHECK (typeof(bytes) = 'blob')
        );
        CREATE TRIGGER entry_dense BEFORE INSERT ON entry
        WHEN NEW.position <> (SELECT ifnull(max(position), 0) + 1 FROM entry)
        BEGIN SELECT RAISE(ABORT, 'entries are numbered without gaps'); END;
        CREATE TRIGGER entry_unchanged BEFORE UPDATE ON entry
        BEGIN SELECT RAISE(ABORT, 'entries are never changed'); END;
        CREATE TRIGGER entry_kept BEFORE DELETE ON entry
        BEGIN SELECT RAISE(ABORT, 'entries are never deleted'); END;

        -- `digest` is SHA-256 over the name and the bytes: neither blobs nor values are part of the chain.
        CREATE TABLE blob (
            name TEXT NOT NULL PRIMARY KEY CHECK (length(name) BETWEEN 1 AND 256),
            digest BLOB NOT NULL CHECK (typeof(digest) = 'blob' AND length(digest) = 32),
            bytes BLOB NOT NULL CHECK (typeof(bytes) = 'blob')
        );

        -- Each write is a new row: AUTOINCREMENT uses no version twice.
        CREATE TABLE value (
            version INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
            key TEXT NOT NULL UNIQUE CHECK (length(key) BETWEEN 1 AND 256),
            digest BLOB NOT NULL CHECK (typeof(digest) = 'blob' AND length(digest) = 32),
            bytes BLOB NOT NULL CHECK (typeof(bytes) = 'blob')
        );
        """

    /// Takes the steps that a database lacks, each in a transaction of its own.
    static func update(_ database: Database, path: String, create: Bool) throws {
        let taken = try stepsTaken(database, path: path)
        guard create || taken > 0 else { throw noLog(path) }
        for (index, step) in steps.enumerated().dropFirst(taken) {
            try database.inTransaction(.immediate) {
                try database.execute(sql: step)
                try database.execute(sql: "PRAGMA application_id = \(applicationID); PRAGMA user_version = \(index + 1)")
                return .commit
            }
        }
    }

    /// A database that this version can read, and that holds a log.
    static func check(_ database: Database, path: String) throws {
        guard try stepsTaken(database, path: path) == steps.count else { throw noLog(path) }
    }

    private static func stepsTaken(_ database: Database, path: String) throws -> Int {
        let taken = try Int.fetchOne(database, sql: "PRAGMA user_version") ?? 0
        let mark = try Int.fetchOne(database, sql: "PRAGMA application_id") ?? 0
        guard mark == applicationID || (mark == 0 && taken == 0) else {
            throw LogError(.corrupt, "\(path) is a database, but not one of Muster's. \(LogError.repair)")
        }
        guard (0...steps.count).contains(taken) else {
            throw LogError(
                .unavailable,
                "The database \(path) has format \(taken), and this version of Muster knows up to \(steps.count). Use a newer version.")
        }
        return taken
    }

    /// What is said where a log should be and none is.
    static func noLog(_ path: String) -> LogError {
        LogError(.unavailable, "There is no log in \(path). If there was one, it is lost: restore a backup with `muster manager restore`.")
    }
}
