import ClusterLog
import ClusterLogSQLite
import ClusterModel
import Foundation
import GRDB
import Testing

@Suite("A backup is the log at one moment, or no backup", .timeLimit(.minutes(1)))
struct SQLiteBackupTests {
    private let note = SQLiteBackup.Note(bytes: Array("a note".utf8), seal: Digest(hashing: [1]))

    /// Backs a log up that is in use, goes on with it, and unpacks the backup elsewhere.
    @Test func `what is restored is what was there when the copy was made, the log in use`() async throws {
        let scratch = try Scratch()
        let (file, copy) = (scratch.path("backup"), scratch.path("copy.db"))
        let log = try SQLiteLog(path: scratch.database)
        let entries = chain(20)
        try await log.append(Array(entries.prefix(12)))
        try await log.putBlob("key/a", [1, 2, 3])
        try await log.setValue("changes/ann", [4], expecting: 0)
        try SQLiteBackup.begin(scratch.database, to: file)
        try await log.append(Array(entries.dropFirst(12)))
        try SQLiteBackup.finish(file, note: note)
        #expect(try permissions(file) == 0o600)
        await log.close()

        #expect(try SQLiteBackup.note(in: file).bytes == note.bytes)
        #expect(try SQLiteBackup.note(in: file).seal == note.seal)
        try SQLiteBackup.unpack(file, to: copy)
        try SQLiteBackup.install(copy)
        let restored = try SQLiteLog(path: copy, create: false)
        #expect(try await restored.entries(after: 0, limit: 100) == Array(entries.prefix(12)))
        #expect(try await restored.blob("key/a") == [1, 2, 3])
        let value = try await restored.value("changes/ann")
        #expect(value?.bytes == [4])
        // Versions are not used twice, in the copy neither.
        try await restored.setValue("changes/ann", nil, expecting: value?.version ?? 0)
        let next = try await restored.setValue("changes/ann", [5], expecting: 0)
        #expect(next > value?.version ?? 0)
        #expect(try await restored.damages().isEmpty)
        await restored.close()
        #expect(try permissions(copy) == 0o600)
    }

    @Test func `a backup replaces no file, and one that was not finished has another name`() async throws {
        let scratch = try Scratch()
        let file = scratch.path("backup")
        await (try SQLiteLog(path: scratch.database)).close()
        try SQLiteBackup.begin(scratch.database, to: file)
        #expect(!FileManager.default.fileExists(atPath: file))
        // The next attempt begins anew.
        try SQLiteBackup.begin(scratch.database, to: file)
        try SQLiteBackup.finish(file, note: note)
        #expect(throws: LogError(.unavailable, "")) { try SQLiteBackup.begin(scratch.database, to: file) }
        #expect(throws: LogError(.unavailable, "")) { try SQLiteBackup.begin(scratch.path("nothing"), to: scratch.path("other")) }
        #expect(!FileManager.default.fileExists(atPath: scratch.path("nothing")))
    }

    @Test func `what is no backup is told so`() async throws {
        let scratch = try Scratch()
        let file = scratch.path("file")
        #expect(throws: LogError(.unavailable, "")) { try SQLiteBackup.note(in: file) }
        await (try SQLiteLog(path: scratch.database)).close()
        try Data("not a database, however long it is".utf8).write(to: URL(fileURLWithPath: file))
        for other in [file, scratch.database] {
            let error = #expect(throws: LogError(.corrupt, "")) { try SQLiteBackup.note(in: other) }
            #expect(error?.reason.contains("is not a backup of a manager") == true)
        }
    }

    @Test func `a log that is read beside its manager cannot be written, and a newer or foreign file is refused`() async throws {
        let scratch = try Scratch()
        let log = try SQLiteLog(path: scratch.database)
        let entries = chain(2)
        try await log.append([entries[0]])
        let reader = try SQLiteLog(reading: scratch.database)
        #expect(try await reader.entries(after: 0, limit: 10).count == 1)
        try await log.append([entries[1]])
        #expect(try await reader.entries(after: 0, limit: 10).count == 2)
        await #expect(throws: LogError(.unavailable, "")) { try await reader.putBlob("a", [1]) }
        await reader.close()
        await log.close()
        #expect(throws: LogError(.unavailable, "")) { try SQLiteLog(reading: scratch.path("nothing")) }
        let foreign = try DatabaseQueue(path: scratch.path("foreign"))
        try await foreign.write { try $0.execute(sql: "CREATE TABLE a (b); PRAGMA user_version = 7") }
        try foreign.close()
        #expect(throws: LogError(.corrupt, "")) { try SQLiteLog(reading: scratch.path("foreign")) }
    }

    private func permissions(_ file: String) throws -> Int? {
        try FileManager.default.attributesOfItem(atPath: file)[.posixPermissions] as? Int
    }
}

extension Scratch {
    fileprivate func path(_ name: String) -> String { directory.appendingPathComponent(name).path }
}
