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
        let newest = try await LogReplay(log: log, key: key).newest()
        await ledger.begin(with: newest.state, newest.verifier)
        return ledger
    }

    private func begin(with state: ClusterState, _ verifier: LogVerifier) {
        self.state = state
        self.verifier = verifier
    }

    // MARK: - Earlier states

    /// The state as it was right after a revision was committed: with the machines, groups and settings of that moment. Revision 0 is
    /// the time before the first.
    ///
    /// Folds the log anew up to there, beside whatever else goes on; on a long log this takes seconds, and the memory of one state.
    package func state(at revision: Int) async throws(Refusal) -> ClusterState {
        try await states(at: [revision])[0]
    }

    /// The same for several revisions, at the cost of one.
    package func states(at revisions: [Int]) async throws(Refusal) -> [ClusterState] {
        try await settle()
        let newest = state
        var positions: [Int] = []
        for revision in revisions { positions.append(try newest.position(of: revision)) }
        let earlier = Set(positions).subtracting([newest.head.position])
        var known = [newest.head.position: newest]
        do {
            if !earlier.isEmpty { known.merge(try await LogReplay(log: log, key: key).states(at: earlier)) { first, _ in first } }
        } catch let refusal as Refusal {
            throw refusal
        } catch {
            throw Refusal(.unavailable, "The log cannot be read: \(error)")
        }
        let states = positions.compactMap { known[$0] }
        guard states.count == positions.count else {
            throw Refusal(.unavailable, "The log is shorter than it was. Check it with: muster audit verify")
        }
        return states
    }

    /// What a revision did to one subject; nil when it did nothing to it.
    func edit(of subject: Edit.Subject, at revision: Int) async throws(Refusal) -> Edit? {
        let position = try state.position(of: revision)
        guard let stored = try await entries(after: position - 1, limit: 1).first else { return nil }
        do {
            guard case .settingsCommitted(let commit) = try ClusterEvent(try LogEntry(canonical: stored.bytes).event) else { return nil }
            return commit.edits.last { $0.subject == subject }
        } catch {
            throw Refusal(.unreadable, "The log's entry \(position) cannot be read. Check the log with: muster audit verify")
        }
    }

    // MARK: - Changing

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
            let entries = try await entries(after: state.head.position, limit: LogReplay.page)
            for entry in entries where entry.position == state.head.position + 1 { try take(entry) }
            if entries.count < LogReplay.page { break }
        }
        settledDoubts = doubts
    }

    /// Verifies and folds one entry, which must be the next.
    private func take(_ stored: StoredEntry) throws(Refusal) {
        let entry: LogEntry
        do throws(LogError) { entry = try verifier.verify(stored) } catch { throw Refusal(error) }
        try state.fold(entry, verifier.head)
        for watcher in watchers.values { watcher.yield(state) }
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
