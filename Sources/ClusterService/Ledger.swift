package import ClusterLog
package import ClusterModel
package import Replication

/// The cluster's log and the state folded from it: the one place through which anything changes.
///
/// Every change is decided on the newest state and appended only if the log has not moved since; otherwise it is
/// decided again. So a decision never rests on something that is no longer true.
package actor Ledger {
    private let log: any ClusterLog
    private let key: LogKey
    private let now: WallClock
    /// What machines' agents understand: nothing is appended that one of them would get and not understand.
    package nonisolated let agents: AgentRegister
    private var verifier: LogVerifier
    /// How often the log failed while it appended, and how many of these times it was read since. Until then it may hold an entry
    /// that is not in the state.
    private var doubts = 0
    private var settledDoubts = 0
    package private(set) var state = ClusterState()
    private var watchers: [Int: AsyncStream<ClusterState>.Continuation] = [:]
    private var nextWatcher = 0

    /// How often a decision is taken anew when others append in between, before the caller is told to try again.
    private static let attempts = 100
    /// How many entries are read from the log at once.
    private static let page = 1000

    private init(log: any ClusterLog, key: LogKey, now: @escaping WallClock, agents: AgentRegister) {
        self.log = log
        self.key = key
        self.now = now
        self.agents = agents
        verifier = LogVerifier(key: key)
    }

    /// Reads and verifies the whole log. A broken or unknown entry ends it with the position and the repair.
    package static func open(
        log: any ClusterLog, key: LogKey, now: @escaping WallClock, agents: AgentRegister = AgentRegister()
    ) async throws -> Ledger {
        let ledger = Ledger(log: log, key: key, now: now, agents: agents)
        try await ledger.replay()
        return ledger
    }

    /// Reads the log from its beginning. While a page is folded, the next one is read and verified.
    private func replay() async throws {
        var reading = reading(with: verifier)
        while true {
            let page: Page
            do { page = try await reading.value } catch let error as LogError { throw Refusal(error) }
            let isLast = page.entries.count < Ledger.page
            if !isLast { reading = self.reading(with: page.verifier) }
            do {
                for (entry, head) in page.entries { try fold(entry, head) }
            } catch {
                reading.cancel()
                throw error
            }
            verifier = page.verifier
            if isLast { return }
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
            let stored = try await log.entries(after: verifier.head.position, limit: Ledger.page)
            let middle = stored.count / 2
            guard middle > 0 else { return try Page(stored[...], verifier) }
            // The second half may build on the end of the first before that is verified: it counts only if the first does.
            async let second = Page(stored[middle...], LogVerifier(key: key, after: stored[middle - 1].head))
            let first = try Page(stored[..<middle], verifier)
            let rest = try await second
            return Page(entries: first.entries + rest.entries, verifier: rest.verifier)
        }
    }

    /// Appends what `decide` makes of the newest state; nil appends nothing. Answers the state after it.
    ///
    /// `decide` may run more than once; it must not have effects. Once this returns, the event is on disk. A log that fails is read
    /// again, so that what it did all the same is answered as done; if it cannot be read either, whether it did is open, and is
    /// settled before the next change.
    @discardableResult
    package func append(
        by author: String, _ decide: @Sendable (ClusterState, Timestamp) throws(Refusal) -> ClusterEvent?
    ) async throws(Refusal) -> ClusterState {
        for _ in 0..<Ledger.attempts {
            try await settle()
            let base = state
            let time = now()
            guard let event = try decide(base, time) else { return base }
            let entry = try stored(event, after: base, time: time, author: author)
            do throws(LogError) {
                try await log.append(entry, after: base.head)
            } catch {
                if error.code == .staleHead {
                    try await catchUp()
                    continue
                }
                guard await holds(entry, after: error) else { throw Refusal(error) }
                return state
            }
            if state.head == base.head {
                try take(entry)
            } else {
                try await catchUp()
            }
            return state
        }
        throw Refusal(.conflict, "Others are changing the cluster at this moment. Try again.")
    }

    /// Each new state from now on, the newest only; begins with the present one.
    package func states() -> AsyncStream<ClusterState> {
        let (stream, continuation) = AsyncStream.makeStream(of: ClusterState.self, bufferingPolicy: .bufferingNewest(1))
        let id = nextWatcher
        nextWatcher += 1
        watchers[id] = continuation
        continuation.onTermination = { _ in Task { await self.forget(id) } }
        continuation.yield(state)
        return stream
    }

    /// The log's entries from a position on, verified, oldest first; for the audit list.
    package func entries(after position: Int, limit: Int) async throws(Refusal) -> [StoredEntry] {
        do throws(LogError) {
            return try await log.entries(after: position, limit: limit)
        } catch {
            throw Refusal(error)
        }
    }

    /// A state's head, vouched for.
    package nonisolated func sighting(of state: ClusterState) -> Sighting {
        var sighting = Sighting(epoch: state.epoch, head: state.head, seal: Sighting.none.seal)
        sighting.seal = key.seal(sighting.sealedBytes(clusterID: state.clusterID))
        return sighting
    }

    /// How what a member has seen stands in this log.
    package func standing(of seen: Sighting) async throws(Refusal) -> SightingStanding {
        if try await holds(seen.head) { return .held }
        guard key.accepts(seen.seal, over: seen.sealedBytes(clusterID: state.clusterID)) else { return .unproven }
        return seen.epoch < state.epoch ? .givenUp : .lost
    }

    private func holds(_ head: LogHead) async throws(Refusal) -> Bool {
        if head.position == 0 || head == state.head { return true }
        guard head.position <= state.head.position else { return false }
        return try await entries(after: head.position - 1, limit: 1).first?.head == head
    }

    /// Takes in what a failed append may have left in the log, if that has not been possible yet.
    package func settle() async throws(Refusal) {
        if doubts != settledDoubts { try await catchUp() }
    }

    /// Whether an entry that could not be appended is in the log all the same. Then it is in the state, too.
    private func holds(_ entry: StoredEntry, after error: LogError) async -> Bool {
        guard error.code == .unavailable else { return false }
        doubts += 1
        do throws(Refusal) {
            try await catchUp()
            return try await entries(after: entry.position - 1, limit: 1).first == entry
        } catch {
            return false
        }
    }

    private func stored(_ event: ClusterEvent, after base: ClusterState, time: Timestamp, author: String) throws(Refusal) -> StoredEntry {
        // The fold is tried first: what it would refuse is never appended.
        var tried = base
        try tried.fold(event, head: base.head, time: time, author: author)
        if event.changesSettings { try agents.check(from: base, to: tried) }
        let json: JSONValue
        do { json = try event.json() } catch { throw Refusal(.invalid, "The change cannot be written down: \(error)") }
        let entry = LogEntry(position: base.head.position + 1, previous: base.head.hash, time: time, author: author, event: json)
        let stored = entry.stored(sealedBy: key)
        guard stored.bytes.count <= Limits.eventBytes else {
            throw Refusal(
                .limit, "This change has \(stored.bytes.count) bytes, and one change may have \(Limits.eventBytes). Commit it in parts.")
        }
        return stored
    }

    private func catchUp() async throws(Refusal) {
        let doubts = doubts
        while true {
            let entries = try await entries(after: state.head.position, limit: Ledger.page)
            for entry in entries where entry.position == state.head.position + 1 { try take(entry) }
            if entries.count < Ledger.page { break }
        }
        settledDoubts = doubts
    }

    /// Verifies and folds one entry, which must be the next.
    private func take(_ stored: StoredEntry) throws(Refusal) {
        let entry: LogEntry
        do throws(LogError) { entry = try verifier.verify(stored) } catch { throw Refusal(error) }
        try fold(entry, verifier.head)
        for watcher in watchers.values { watcher.yield(state) }
    }

    private func fold(_ entry: LogEntry, _ head: LogHead) throws(Refusal) {
        do {
            try state.fold(ClusterEvent(entry.event), head: head, time: entry.time, author: entry.author)
        } catch {
            throw Refusal(.unavailable, "The log's entry \(entry.position) cannot be taken in: \(error)")
        }
    }

    private func forget(_ id: Int) {
        watchers[id] = nil
    }
}

extension Refusal {
    /// A log's error as people meet it.
    package init(_ error: LogError) {
        let code: Code =
            switch error.code {
            case .staleHead, .staleValue: .conflict
            case .tooLarge: .limit
            case .invalid: .invalid
            case .corrupt: .unreadable
            default: .unavailable
            }
        self.init(code, error.reason)
    }
}
