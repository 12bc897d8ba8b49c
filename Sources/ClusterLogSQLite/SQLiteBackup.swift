package import ClusterLog
package import ClusterModel
import Foundation
import GRDB
import Glibc

/// Copies of a log's database in one file each: a backup is a database of its own, with a note about where it came from.
package enum SQLiteBackup {
    /// What a backup says beside the log, and a seal over it.
    package struct Note: Sendable {
        package var bytes: [UInt8]
        package var seal: Digest

        package init(bytes: [UInt8], seal: Digest) {
            self.bytes = bytes
            self.seal = seal
        }
    }

    /// What a copy is called until it is whole.
    package static func unfinished(_ file: String) -> String { file + ".new" }

    /// Copies a database as it stands at one moment, beside a manager that may be using it. It has its name once ``finish(_:note:)`` ran.
    ///
    /// Throws `unavailable` when there is something at `file` already, or no log at `database`.
    package static func begin(_ database: String, to file: String) throws(LogError) {
        guard !FileManager.default.fileExists(atPath: file) else {
            throw LogError(.unavailable, "There is a file \(file) already, and a backup replaces none. Choose another name.")
        }
        guard FileManager.default.fileExists(atPath: database) else { throw Schema.noLog(database) }
        let aside = unfinished(file)
        try remove(aside)
        // Made here for its mode: an empty file is one that a copy may go into.
        try PrivateFile.create(aside)
        try run("Copying the log", database) { connection in
            try connection.execute(sql: "VACUUM INTO ?", arguments: [aside])
        }
    }

    /// Adds the note, and puts the copy in place, durably.
    package static func finish(_ file: String, note: Note) throws(LogError) {
        let aside = unfinished(file)
        try run("Writing the backup", aside) { connection in
            try connection.inTransaction(.immediate) {
                try connection.execute(sql: noteTable)
                try connection.execute(
                    sql: "INSERT INTO backup (bytes, seal) VALUES (?, ?)", arguments: [note.bytes.data, note.seal.data])
                return .commit
            }
        }
        try sync(aside)
        guard unsafe rename(aside, file) == 0 else { throw PrivateFile.failure("Putting \(file) in place", errno) }
        try sync(URL(fileURLWithPath: file).deletingLastPathComponent().path)
    }

    /// Reads the note of a backup; `corrupt` when the file is none.
    package static func note(in file: String) throws(LogError) -> Note {
        guard FileManager.default.fileExists(atPath: file) else { throw LogError(.unavailable, "There is no file \(file).") }
        do throws(LogError) {
            return try run("Reading the backup", file, readOnly: true) { connection in
                guard try Int.fetchOne(connection, sql: "PRAGMA application_id") == Schema.applicationID,
                    try connection.tableExists("backup"), let row = try connection.row("SELECT bytes, seal FROM backup"),
                    let seal = Digest(bytes: try row.bytes(1))
                else { throw LogError(.corrupt, "") }
                return Note(bytes: try row.bytes(0), seal: seal)
            }
        } catch {
            guard error.code == .corrupt else { throw error }
            throw LogError(
                .corrupt, "\(file) is not a backup of a manager, or is damaged. Backups are made with: muster manager backup FILE")
        }
    }

    /// Copies a backup to where a manager's database is to be, without its note. It has its name once ``install(_:)`` ran.
    package static func unpack(_ file: String, to database: String) throws(LogError) {
        let aside = unfinished(database)
        try remove(aside)
        do {
            try FileManager.default.copyItem(atPath: file, toPath: aside)
        } catch {
            throw LogError(.unavailable, "\(file) cannot be copied to \(aside): \(error.localizedDescription)")
        }
        guard unsafe chmod(aside, 0o600) == 0 else { throw PrivateFile.failure("Closing \(aside) to other users", errno) }
        try run("Unpacking the backup", aside) { connection in
            try connection.execute(sql: "DROP TABLE backup")
        }
    }

    /// Puts an unpacked database in place, durably.
    package static func install(_ database: String) throws(LogError) {
        let aside = unfinished(database)
        try sync(aside)
        guard unsafe rename(aside, database) == 0 else { throw PrivateFile.failure("Putting \(database) in place", errno) }
        try sync(URL(fileURLWithPath: database).deletingLastPathComponent().path)
    }

    /// Removes what an attempt left.
    package static func remove(_ file: String) throws(LogError) {
        for name in [file, file + "-wal", file + "-shm", file + "-journal"] {
            guard unsafe unlink(name) == 0 || errno == ENOENT else { throw PrivateFile.failure("Removing \(name)", errno) }
        }
    }

    private static let noteTable = """
        CREATE TABLE backup (
            bytes BLOB NOT NULL CHECK (typeof(bytes) = 'blob'),
            seal BLOB NOT NULL CHECK (typeof(seal) = 'blob' AND length(seal) = 32)
        );
        """

    private static func run<Answer>(
        _ action: String, _ path: String, readOnly: Bool = false, _ body: (Database) throws -> Answer
    ) throws(LogError) -> Answer {
        do {
            var configuration = Configuration()
            configuration.label = "ClusterLogSQLite"
            configuration.readonly = readOnly
            configuration.busyMode = .timeout(5)
            let queue = try DatabaseQueue(path: path, configuration: configuration)
            let answer = try queue.writeWithoutTransaction(body)
            try queue.close()
            return answer
        } catch {
            throw LogError(error, action, path: path)
        }
    }

    private static func sync(_ path: String) throws(LogError) {
        let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw PrivateFile.failure("Opening \(path)", errno) }
        defer { close(descriptor) }
        guard fsync(descriptor) == 0 else { throw PrivateFile.failure("Writing \(path)", errno) }
    }
}
