import ClusterLog
import ClusterModel

/// Folds a log from its beginning, verified, page by page: while a page is folded, the next one is read and verified.
struct LogReplay: Sendable {
    private let log: any ClusterLog
    private let key: LogKey

    /// How many entries are read at once. With the page that is being verified, no more than two are held.
    static let page = 1000

    init(log: any ClusterLog, key: LogKey) {
        self.log = log
        self.key = key
    }

    /// The state after the last entry, and the verifier that takes the next.
    func newest() async throws -> (state: ClusterState, verifier: LogVerifier) {
        var last = (ClusterState(), LogVerifier(key: key))
        try await run(upTo: .max) { last = ($0, $1) }
        return last
    }

    /// The states after the entries at these positions. Off every caller's executor: a long log takes seconds.
    @concurrent func states(at positions: Set<Int>) async throws -> [Int: ClusterState] {
        var states: [Int: ClusterState] = [:]
        if positions.contains(0) { states[0] = ClusterState() }
        try await run(upTo: positions.max() ?? 0, stoppingAt: positions) { state, _ in states[state.head.position] = state }
        return states
    }

    /// Folds up to a position; shows the state where it is asked for, and after the last entry of a log that ends before.
    private func run(
        upTo end: Int, stoppingAt stops: Set<Int> = [], _ show: (ClusterState, LogVerifier) -> Void
    ) async throws {
        var state = ClusterState()
        var reading = reading(with: LogVerifier(key: key))
        defer { reading.cancel() }
        while true {
            let page: Page
            do { page = try await reading.value } catch let error as LogError { throw Refusal(error) }
            let isLast = page.entries.count < LogReplay.page || page.verifier.head.position >= end
            if !isLast { reading = self.reading(with: page.verifier) }
            for (entry, head) in page.entries where head.position <= end {
                try state.fold(entry, head)
                if stops.contains(head.position) { show(state, page.verifier) }
            }
            if isLast {
                if stops.isEmpty { show(state, page.verifier) }
                return
            }
        }
    }

    private struct Page: Sendable {
        var entries: [(LogEntry, LogHead)]
        var verifier: LogVerifier

        init(entries: [(LogEntry, LogHead)], verifier: LogVerifier) {
            self.entries = entries
            self.verifier = verifier
        }

        /// Verifies entries that follow each other.
        init(_ stored: ArraySlice<StoredEntry>, _ verifier: LogVerifier) throws(LogError) {
            self.init(entries: [], verifier: verifier)
            for next in stored {
                let entry = try self.verifier.verify(next)
                entries.append((entry, self.verifier.head))
            }
        }
    }

    /// Reads the next page and verifies it, its halves at once: most of a start on a long log is reading JSON and computing seals.
    private func reading(with verifier: LogVerifier) -> Task<Page, any Error> {
        Task { [log, key] in
            let stored = try await log.entries(after: verifier.head.position, limit: LogReplay.page)
            let middle = stored.count / 2
            guard middle > 0 else { return try Page(stored[...], verifier) }
            // The second half may build on the end of the first before that is verified: it counts only if the first does.
            async let second = Page(stored[middle...], LogVerifier(key: key, after: stored[middle - 1].head))
            let first = try Page(stored[..<middle], verifier)
            let rest = try await second
            return Page(entries: first.entries + rest.entries, verifier: rest.verifier)
        }
    }
}

extension ClusterState {
    /// Takes in one verified entry.
    mutating func fold(_ entry: LogEntry, _ head: LogHead) throws(Refusal) {
        do {
            try fold(ClusterEvent(entry.event), head: head, time: entry.time, author: entry.author)
        } catch {
            throw Refusal(.unavailable, "The log's entry \(entry.position) cannot be taken in: \(error)")
        }
    }
}
