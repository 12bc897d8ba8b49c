import ClusterLog
import ClusterModel

/// One value beside the log, for what is no change of the cluster (decision 10).
///
/// Each write builds on what was read, so that two who write at one moment lose nothing of each other's.
actor KeptBook<Book: Codable & Hashable & Sendable> {
    private let log: any ClusterLog
    private let key: String
    /// What is kept, for people: `alerts`.
    private let name: String
    private let empty: Book
    /// As it was last read: what has the same version need not be parsed again.
    private var known: (book: Book, version: Int)?

    private static var attempts: Int { 20 }

    init(log: any ClusterLog, key: String, name: String, empty: Book) {
        self.log = log
        self.key = key
        self.name = name
        self.empty = empty
    }

    /// As it is stored.
    func book() async throws(Refusal) -> Book { try await stored().book }

    /// Changes it; done once this returns. `decide` may run more than once.
    func change<Answer: Sendable>(
        _ decide: @Sendable (inout Book) throws(Refusal) -> Answer
    ) async throws(Refusal) -> Answer {
        for _ in 0..<KeptBook.attempts {
            let (before, version) = try await stored()
            var book = before
            let answer = try decide(&book)
            if book == before { return answer }
            if try await store(book, expecting: version) { return answer }
        }
        throw Refusal(.conflict, "The \(name) are being changed at this moment. Try again.")
    }

    private func stored() async throws(Refusal) -> (book: Book, version: Int) {
        let read: (book: Book, version: Int)
        do {
            if let (bytes, version) = try await log.value(key) {
                if let known, known.version == version { return known }
                read = (try JSONValue(parsing: bytes).decode(Book.self), version)
            } else {
                read = (empty, 0)
            }
        } catch let error as LogError {
            throw Refusal(error)
        } catch {
            throw Refusal(.unreadable, "The \(name) cannot be read by this version: \(error)")
        }
        known = read
        return read
    }

    /// False when another wrote in between.
    private func store(_ book: Book, expecting version: Int) async throws(Refusal) -> Bool {
        do {
            let bytes = try JSONValue(encoding: book).canonicalBytes
            try await log.setValue(key, bytes, expecting: version)
            return true
        } catch let error as LogError {
            if error.code == .staleValue { return false }
            throw Refusal(error)
        } catch {
            throw Refusal(.unavailable, "The \(name) cannot be written down: \(error)")
        }
    }
}
