import ClusterLogSQLite
import ClusterModel
import ClusterService
import Foundation
import GRDB

/// A commit on SQLite beside one transaction of the same size that syncs the disk.
struct SQLiteMeasure {
    let options: Options

    func figures() async throws -> [Figure] {
        options.note("commits on SQLite")
        var figures: [Figure] = []
        for (kind, bytes) in [("small", 400), ("large", 66_000)] {
            let manager = try Child("manager", options.scratch, try await options.fixture(1), "0")
            defer { manager.kill() }
            let reference = try Reference(path: "\(options.scratch)/reference.db", bytes: bytes)
            var (commits, transactions): ([Double], [Double]) = ([], [])
            for _ in 0..<100 {
                commits.append(try manager.ask("\(kind) 0").number("append") * 1000)
                transactions.append(try reference.run() * 1000)
            }
            figures.append(
                Figure(
                    "\(kind == "small" ? "small" : "64 KiB") commit on SQLite, until it is answered", unit: "ms", commits,
                    floor: transactions, budget: .ratio(2)))
        }
        return figures + (try await desk())
    }

    /// What an administrator waits for: with the check of every machine's configuration, and the uncommitted changes put away.
    private func desk() async throws -> [Figure] {
        var figures: [Figure] = []
        for count in options.members {
            let manager = try Child("manager", options.scratch, try await options.fixture(count), "0")
            defer { manager.kill() }
            var times: [Double] = []
            for _ in 0...min(5, options.rounds) {
                times.append(try manager.ask("desk").number("commit") * 1000)
            }
            figures.append(Figure("commit as an administrator waits for it", members: count, unit: "ms", Array(times.dropFirst())))
        }
        return figures
    }

    /// A database of the same kind and settings with one table.
    private struct Reference {
        let pool: DatabasePool
        let bytes: Int

        init(path: String, bytes: Int) throws {
            for suffix in ["", "-wal", "-shm"] { try? FileManager.default.removeItem(atPath: path + suffix) }
            pool = try DatabasePool(path: path)
            self.bytes = bytes
            try pool.writeWithoutTransaction { database in
                try database.execute(sql: "PRAGMA synchronous = FULL")
                try database.execute(sql: "CREATE TABLE entry (position INTEGER NOT NULL PRIMARY KEY, seal BLOB, bytes BLOB)")
            }
        }

        /// Seconds of one transaction.
        func run() throws -> Double {
            let content = Data((0..<bytes).map { UInt8(truncatingIfNeeded: $0) })
            let seal = Data(count: 32)
            let start = Machine.seconds()
            try pool.writeWithoutTransaction { database in
                try database.inTransaction(.immediate) {
                    try database.cachedStatement(sql: "INSERT INTO entry (seal, bytes) VALUES (?, ?)").execute(arguments: [seal, content])
                    return .commit
                }
            }
            return Machine.seconds() - start
        }
    }
}

/// A manager's start on a long log: read, verified, folded.
enum ColdStart {
    static let entries = 100_000

    /// The role: opens the ledger once.
    static func run(scratch: String, name: String) async throws {
        let fixture = Fixture(scratch: scratch, name: name)
        let start = Machine.seconds()
        let log = try SQLiteLog(path: fixture.directory.database, create: false)
        let ledger = try await Ledger.open(
            log: log, key: ManagerFoundation.logKey(try fixture.directory.masterKey()), now: systemClock)
        let state = await ledger.state
        let seconds = Machine.seconds() - start
        let memory = try Machine.resident()
        await OrderLoop().run { _, _ in ["seconds": seconds, "entries": Double(state.head.position), "kib": memory] }
    }

    static func figures(_ options: Options) async throws -> [Figure] {
        options.note("starts on a log of \(entries) entries")
        let name = try await options.fixture(1000, entries: entries)
        var (times, memory): ([Double], [Double]) = ([], [])
        for _ in 0..<min(3, options.rounds) {
            let child = try Child("cold", options.scratch, name)
            let answer = try child.ask("result")
            child.kill()
            guard try answer.number("entries") >= Double(entries) else { throw BenchmarkError("the log was not read to its end") }
            times.append(try answer.number("seconds"))
            memory.append(try answer.number("kib") / 1024)
        }
        return [
            Figure("cold start on a log of \(entries) entries", members: 1000, unit: "s", times, budget: .amount(2)),
            Figure("memory after it", members: 1000, unit: "MiB", memory),
        ]
    }
}
