package import ClusterModel
import Synchronization

/// The log promise kept in memory: the reference, and the log of tests and of the simulation.
package final class InMemoryLog: ClusterLog {
    private let state: Mutex<State>
    private let followers = Followers()

    private struct State {
        var book: LogBook
        var closed = false
    }

    /// A log that holds what the book does: an empty one, or one that another log left behind.
    package init(_ book: LogBook = LogBook()) {
        state = Mutex(State(book: book))
    }

    /// What the log holds now, closed or not: hand it to another `InMemoryLog` to restart from it.
    package var book: LogBook { state.withLock { $0.book } }

    package func head() throws(LogError) -> LogHead {
        try use { $0.head }
    }

    package func append(_ entry: StoredEntry, after: LogHead) throws(LogError) {
        let head = try use { book throws(LogError) in
            try book.append(entry, after: after)
            return book.head
        }
        followers.announce(head)
    }

    package func entries(after position: Int, limit: Int) throws(LogError) -> [StoredEntry] {
        try use { $0.entries(after: position, limit: limit) }
    }

    package func follow() -> AsyncStream<LogHead> { followers.follow() }

    package func putBlob(_ name: String, _ bytes: [UInt8]) throws(LogError) {
        try use { book throws(LogError) in try book.putBlob(name, bytes) }
    }

    package func blob(_ name: String) throws(LogError) -> [UInt8]? {
        try use { $0.blob(name) }
    }

    package func blobNames(prefix: String) throws(LogError) -> [String] {
        try use { $0.blobNames(prefix: prefix) }
    }

    package func deleteBlob(_ name: String) throws(LogError) {
        try use { $0.deleteBlob(name) }
    }

    package func value(_ key: String) throws(LogError) -> (bytes: [UInt8], version: Int)? {
        try use { $0.value(key) }
    }

    @discardableResult
    package func setValue(_ key: String, _ bytes: [UInt8]?, expecting version: Int) throws(LogError) -> Int {
        try use { book throws(LogError) in try book.setValue(key, bytes, expecting: version) }
    }

    package func setValues(_ values: [String: [UInt8]]) throws(LogError) {
        try use { book throws(LogError) in try book.setValues(values) }
    }

    package func values(prefix: String) throws(LogError) -> [(key: String, bytes: [UInt8], version: Int)] {
        try use { $0.values(prefix: prefix) }
    }

    package func close() {
        state.withLock { $0.closed = true }
        followers.finish()
    }

    private func use<Answer: Sendable>(_ body: (inout LogBook) throws(LogError) -> Answer) throws(LogError) -> Answer {
        try state.withLock { state throws(LogError) in
            guard !state.closed else { throw LogError.closed }
            return try body(&state.book)
        }
    }
}
