import ClusterLog
import ClusterLogSQLite
import ClusterModel
import Foundation
import GRDB
import Testing

@Suite("A log on disk meets the disk's troubles", .timeLimit(.minutes(2)))
struct SQLiteLogTests {
    /// A closed log with entries, blobs and values of a few pages each.
    private func filled(_ scratch: Scratch) async throws -> [StoredEntry] {
        let log = try SQLiteLog(path: scratch.database)
        let entries = chain(40)
        try await log.append(entries)
        for number in 0..<20 {
            let bytes = [UInt8](repeating: UInt8(number), count: 300)
            try await log.putBlob("blob/\(number)", bytes)
            try await log.setValue("value/\(number)", bytes, expecting: 0)
        }
        await log.close()
        return entries
    }

    /// Reads all there is; whatever is not as ``filled(_:)`` wrote it must have thrown.
    private func readAll(_ path: String, _ entries: [StoredEntry]) async throws {
        let log = try SQLiteLog(path: path, create: false)
        do {
            var verifier = LogVerifier(key: key)
            for entry in try await log.entries(after: 0, limit: .max) { _ = try verifier.verify(entry) }
            #expect(try await log.head() == verifier.head)
            #expect(verifier.head == entries.last?.head)
            #expect(try await log.blobNames(prefix: "").count == 20)
            #expect(try await log.values(prefix: "").count == 20)
            for name in try await log.blobNames(prefix: "") {
                let number = UInt8(name.dropFirst(5))
                let bytes = try await log.blob(name)
                #expect(bytes == nil || bytes == number.map { [UInt8](repeating: $0, count: 300) })
            }
            for value in try await log.values(prefix: "") {
                #expect(value.bytes == UInt8(value.key.dropFirst(6)).map { [UInt8](repeating: $0, count: 300) })
            }
        } catch {
            await log.close()
            throw error
        }
        await log.close()
    }

    @Test func `a second manager on one data directory is told so`() async throws {
        let scratch = try Scratch()
        let first = try SQLiteLog(path: scratch.database)
        let error = #expect(throws: LogError(.unavailable, "")) { try SQLiteLog(path: scratch.database) }
        #expect(error?.reason.contains("is in use by the process \(ProcessInfo.processInfo.processIdentifier)") == true)
        try await first.putBlob("a", [1])
        await first.close()
        let second = try SQLiteLog(path: scratch.database)
        #expect(try await second.blob("a") == [1])
        await second.close()
    }

    @Test func `only the owner may read any of the files`() async throws {
        let scratch = try Scratch()
        #expect(FileManager.default.createFile(atPath: scratch.database, contents: nil, attributes: [.posixPermissions: 0o644]))
        let log = try SQLiteLog(path: scratch.database)
        try await log.putBlob("a", [1])
        let names = try FileManager.default.contentsOfDirectory(atPath: scratch.directory.path)
        #expect(Set(names) == ["lock", "muster.db", "muster.db-shm", "muster.db-wal"])
        for name in names {
            let path = scratch.directory.appendingPathComponent(name).path
            #expect(try FileManager.default.attributesOfItem(atPath: path)[.posixPermissions] as? Int == 0o600, "\(name)")
        }
        await log.close()
    }

    @Test func `a commit reaches the disk before it is answered`() async throws {
        // FULL is 2. With anything less a commit would be answered before the disk has it.
        let scratch = try Scratch()
        let log = try SQLiteLog(path: scratch.database)
        let durability = try await log.durability()
        #expect(durability.journal == "wal" && durability.synchronous == 2)
        await log.close()
    }

    @Test func `another program reads at once what was committed`() async throws {
        // What another program reads from a copy of the files as they are: no closing, no checkpoint.
        let scratch = try Scratch()
        let log = try SQLiteLog(path: scratch.database)
        let entries = chain(3)
        try await log.append(entries)
        let copy = try Scratch()
        for name in ["muster.db", "muster.db-wal"] {
            try FileManager.default.copyItem(
                at: scratch.directory.appendingPathComponent(name), to: copy.directory.appendingPathComponent(name))
        }
        let reopened = try SQLiteLog(path: copy.database, create: false)
        #expect(try await reopened.entries(after: 0, limit: 10) == entries)
        await reopened.close()
        await log.close()
    }

    @Test func `a full disk is said so, and takes nothing that was there`() async throws {
        let scratch = try Scratch()
        let log = try SQLiteLog(path: scratch.database, maximumPages: 60)
        var head = LogHead.empty
        let error = await #expect(throws: LogError(.unavailable, "")) {
            while true {
                let next = entry(after: head, String(repeating: "x", count: 20_000)).stored(sealedBy: key)
                try await log.append(next, after: head)
                head = next.head
            }
        }
        #expect(error?.reason.contains("is full. Nothing was changed") == true)
        #expect(head.position > 3)
        await #expect(throws: LogError(.unavailable, "")) { try await log.putBlob("b", [UInt8](repeating: 1, count: 20_000)) }
        #expect(try await log.head() == head)
        await log.close()
        // With room again it goes on from there.
        let again = try SQLiteLog(path: scratch.database)
        try await again.append(entry(after: head).stored(sealedBy: key), after: head)
        await again.close()
    }

    @Test func `a file that is no database is named`() async throws {
        let scratch = try Scratch()
        try Data(repeating: 0x41, count: 10_000).write(to: URL(fileURLWithPath: scratch.database))
        let error = #expect(throws: LogError(.corrupt, "")) { try SQLiteLog(path: scratch.database) }
        #expect(error?.reason.contains(scratch.database) == true && error?.reason.contains("muster manager restore") == true)
    }

    @Test func `another program's database is left alone`() async throws {
        let scratch = try Scratch()
        let other = try DatabaseQueue(path: scratch.database)
        try await other.write { try $0.execute(sql: "CREATE TABLE song (title TEXT); PRAGMA user_version = 1") }
        try other.close()
        let error = #expect(throws: LogError(.corrupt, "")) { try SQLiteLog(path: scratch.database) }
        #expect(error?.reason.contains("not one of Muster's") == true)
    }

    @Test func `a database of a newer version is not touched`() async throws {
        let scratch = try Scratch()
        _ = try await filled(scratch)
        let newer = try DatabaseQueue(path: scratch.database)
        try await newer.write { try $0.execute(sql: "PRAGMA user_version = 1000") }
        try newer.close()
        let error = #expect(throws: LogError(.unavailable, "")) { try SQLiteLog(path: scratch.database) }
        #expect(error?.reason.contains("has format 1000") == true)
    }

    @Test(arguments: [false, true])
    func `where a log should be, none is not taken for a new one`(emptyFile: Bool) throws {
        let scratch = try Scratch()
        if emptyFile { #expect(FileManager.default.createFile(atPath: scratch.database, contents: nil)) }
        let error = #expect(throws: LogError(.unavailable, "")) { try SQLiteLog(path: scratch.database, create: false) }
        #expect(error?.reason.contains("There is no log in \(scratch.database)") == true)
    }

    @Test func `a directory that is missing is named`() {
        let error = #expect(throws: LogError(.unavailable, "")) { try SQLiteLog(path: "/nonexistent/muster.db") }
        #expect(error?.reason.contains("/nonexistent") == true)
    }

    @Test func `the tables refuse to change history`() async throws {
        let scratch = try Scratch()
        _ = try await filled(scratch)
        let database = try DatabaseQueue(path: scratch.database)
        for sql in [
            "UPDATE entry SET bytes = x'00' WHERE position = 3", "DELETE FROM entry WHERE position = 40",
            "INSERT INTO entry VALUES (42, zeroblob(32), x'00')", "INSERT INTO entry VALUES (41, x'00', x'00')",
            "INSERT INTO entry VALUES (41, zeroblob(32), 'text')", "INSERT OR REPLACE INTO entry VALUES (40, zeroblob(32), x'00')",
            "INSERT INTO blob VALUES ('', zeroblob(32), x'00')",
            "INSERT INTO value (key, digest, bytes) VALUES ('value/1', zeroblob(32), x'')",
        ] {
            await #expect(throws: DatabaseError.self, "\(sql)") { try await database.write { try $0.execute(sql: sql) } }
        }
        try database.close()
    }

    @Test func `an entry taken out of the table is missed when it is read`() async throws {
        let scratch = try Scratch()
        let entries = try await filled(scratch)
        let database = try DatabaseQueue(path: scratch.database)
        try await database.write { try $0.execute(sql: "DROP TRIGGER entry_kept; DELETE FROM entry WHERE position = 7") }
        try database.close()
        let log = try SQLiteLog(path: scratch.database)
        let error = await #expect(throws: LogError(.corrupt, "")) { try await log.entries(after: 0, limit: 100) }
        #expect(error?.reason.contains("entry 7 is missing") == true)
        #expect(try await log.entries(after: 7, limit: 100) == Array(entries[7...]))
        await log.close()
    }

    @Test func `a value of another kind than was written is an error`() async throws {
        let scratch = try Scratch()
        _ = try await filled(scratch)
        let database = try DatabaseQueue(path: scratch.database)
        try await database.write { database in
            try database.execute(sql: "PRAGMA ignore_check_constraints = ON; UPDATE blob SET bytes = 12 WHERE name = 'blob/1'")
            try database.execute(sql: "UPDATE value SET bytes = x'01' WHERE key = 'value/2'")
            try database.execute(sql: "DROP TRIGGER entry_unchanged; UPDATE entry SET seal = x'01' WHERE position = 40")
        }
        try database.close()
        let log = try SQLiteLog(path: scratch.database)
        await #expect(throws: LogError(.corrupt, "")) { try await log.blob("blob/1") }
        await #expect(throws: LogError(.corrupt, "")) { _ = try await log.value("value/2") }
        await #expect(throws: LogError(.corrupt, "")) { try await log.head() }
        #expect(try await log.blob("blob/2")?.count == 300)
        await log.close()
    }

    @Test func `a file cut anywhere is an error, never a crash`() async throws {
        let scratch = try Scratch()
        let entries = try await filled(scratch)
        let whole = try Data(contentsOf: URL(fileURLWithPath: scratch.database))
        for length in stride(from: 0, to: whole.count, by: 1777) {
            let cut = try Scratch()
            try whole.prefix(length).write(to: URL(fileURLWithPath: cut.database))
            await #expect(throws: LogError.self, "cut to \(length) of \(whole.count)") { try await readAll(cut.database, entries) }
        }
    }

    @Test func `a flipped bit anywhere is an error or changes nothing, never a crash`() async throws {
        let scratch = try Scratch()
        let entries = try await filled(scratch)
        let whole = try Data(contentsOf: URL(fileURLWithPath: scratch.database))
        let flipped = try Scratch()
        var found = 0
        // Prime steps, so that all places in a page get their turn; and the header and schema densely.
        let places = Array(0..<120) + Array(stride(from: 121, to: whole.count, by: 211))
        for place in places {
            var bytes = whole
            bytes[place] ^= 1 << UInt8(place % 8)
            try bytes.write(to: URL(fileURLWithPath: flipped.database))
            do { try await readAll(flipped.database, entries) } catch is LogError { found += 1 }
            for name in ["muster.db-wal", "muster.db-shm"] {
                try? FileManager.default.removeItem(at: flipped.directory.appendingPathComponent(name))  // it may not be there
            }
        }
        #expect(found > places.count / 4)
    }
}
