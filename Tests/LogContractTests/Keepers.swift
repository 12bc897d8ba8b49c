import ClusterLog
import ClusterLogSQLite
import ClusterModel
import Foundation
import Testing

/// The logs that keep the promise, each with a way to open it, and to open again what was closed.
enum LogKeeper: String, CaseIterable, Sendable, CustomTestStringConvertible {
    case memory, sqlite, memoryThroughFaulty

    static let onDisk: [LogKeeper] = [.sqlite]

    var testDescription: String { rawValue }

    func open(in scratch: Scratch) throws -> any ClusterLog {
        switch self {
        case .memory: InMemoryLog()
        case .sqlite: try SQLiteLog(path: scratch.database)
        case .memoryThroughFaulty: FaultyLog(wrapping: InMemoryLog())
        }
    }
}

/// Runs a test on a new log of one keeper.
func withLog(_ keeper: LogKeeper, _ test: (any ClusterLog) async throws -> Void) async throws {
    let scratch = try Scratch()
    let log = try keeper.open(in: scratch)
    try await test(log)
    await log.close()
}

/// A directory of one test, gone with it.
final class Scratch: Sendable {
    let directory: URL

    init() throws {
        directory = FileManager.default.temporaryDirectory.appendingPathComponent("muster-log-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
    }

    deinit { try? FileManager.default.removeItem(at: directory) }  // what is left is in the system's temporary directory

    var database: String { directory.appendingPathComponent("muster.db").path }
}

let key = LogKey(bytes: Array(repeating: 7, count: 32))
let otherKey = LogKey(bytes: Array(repeating: 8, count: 32))

/// An entry that follows `head`, with something in it to tell it by.
func entry(after head: LogHead, _ text: String = "something") -> LogEntry {
    LogEntry(
        position: head.position + 1, previous: head.hash, time: Timestamp(seconds: 1_795_512_600), author: "anna",
        event: ["kind": "noted", "text": .string(text)])
}

/// A chain of entries, sealed.
func chain(_ count: Int, sealedBy key: LogKey = key) -> [StoredEntry] {
    var head = LogHead.empty
    return (0..<count).map { number in
        let stored = entry(after: head, "note \(number)").stored(sealedBy: key)
        head = stored.head
        return stored
    }
}

extension ClusterLog {
    /// Appends entries that follow each other from the head on; answers the last one's place.
    @discardableResult
    func append(_ entries: [StoredEntry]) async throws -> LogHead {
        var head = try await head()
        for entry in entries {
            try await append(entry, after: head)
            head = entry.head
        }
        return head
    }
}

/// Does something that others may be doing at the same moment; false when they were quicker, and it is to be tried again.
func unlessStale(_ action: () async throws -> Void) async throws -> Bool {
    do {
        try await action()
        return true
    } catch let error as LogError where error.code == .staleHead || error.code == .staleValue {
        return false
    }
}
