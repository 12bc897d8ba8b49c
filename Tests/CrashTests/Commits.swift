import AdminClient
import AdminContract
import ClusterLog
import ClusterLogSQLite
import ClusterModel
import ClusterService
import SeededRandomness
import Testing

/// A client's own book of what it committed and what it was answered, to be held against the manager's.
///
/// Commit number k takes the entries of the commit before it away and sets its own, all in one: so at every moment
/// the settings show one whole commit, or a torn one.
struct CommitBook {
    /// Commits that were answered, by number: the revision that was named.
    private(set) var answered: [Int: Int] = [:]
    /// Commits that were seen in the history, answered or not.
    private var seen: [Int: Int] = [:]
    /// The newest commit that is in force.
    private var last = 0
    private var number = 0
    private var pending: Pending?
    private var random: SplitMix64

    /// What was asked when the manager was killed.
    private struct Pending {
        var number: Int
        /// Known when the edits were answered.
        var changeSet: String?
    }

    init(random: SplitMix64) { self.random = random }

    static func comment(_ number: Int) -> String { "commit \(number)" }
    static func names(_ number: Int) -> [String] { number == 0 ? [] : ["a", "b", "c"].map { "\($0).k\(number).example" } }

    private static func edits(_ number: Int, after last: Int) -> [EntryEdit] {
        names(last).map { EntryEdit(level: .cluster, section: .destinations, entry: $0, operation: .remove) }
            + names(number).map {
                EntryEdit(level: .cluster, section: .destinations, entry: $0, operation: .set(["tls": "required"]))
            }
    }

    // MARK: - Committing

    /// Commits until the manager is gone.
    mutating func commitUntilGone(_ client: AdminClient) async throws {
        do {
            while true {
                number += 1
                pending = Pending(number: number)
                let summary = try await client.edit(CommitBook.edits(number, after: last))
                pending?.changeSet = summary.changes.first?.changeSet
                try await finish(client)
                if random.chance(100), let done = answered[last] {
                    let again = try await client.commit(CommitRequest(comment: "", changeSet: summary.changes.first?.changeSet))
                    #expect(again.revision == done, "a repeated commit answers the first result")
                }
            }
        } catch let refusal as Refusal where refusal.code == .unavailable {
            // That is how a killed manager sounds.
        }
    }

    /// Commits what is pending, for the first time or once more.
    private mutating func finish(_ client: AdminClient) async throws {
        guard let pending, let changeSet = pending.changeSet else { return }
        let before = seen[pending.number]
        let view = try await client.commit(CommitRequest(comment: CommitBook.comment(pending.number), changeSet: changeSet))
        let revision = try #require(view.revision)
        if let before { #expect(revision == before, "the revision of \(pending.number) changed when it was asked for again") }
        answered[pending.number] = revision
        last = pending.number
        self.pending = nil
    }

    // MARK: - Checking

    /// Holds a restarted manager against the book, and brings what was pending to its end.
    mutating func check(_ client: AdminClient) async throws {
        try await checkHistory(client)
        if var open = pending {
            if open.changeSet == nil {
                // Whether the edits were taken was not answered: then all of them, or none.
                let changes = try await client.changes()
                #expect(changes.isEmpty || changes.count == CommitBook.edits(open.number, after: last).count, "torn: \(changes)")
                open.changeSet = changes.first?.changeSet
                pending = open
            }
            if pending?.changeSet == nil || seen[open.number] == nil && random.chance(300) {
                _ = try await client.discard(DiscardQuery())
                pending = nil
            } else {
                try await finish(client)
            }
        }
        let entries = try await client.show(SettingsQuery(level: .cluster, section: .destinations))
        #expect(entries.map(\.name).sorted() == CommitBook.names(last).sorted(), "the settings are not those of commit \(last)")
        #expect(entries.allSatisfy { !$0.uncommitted })
    }

    private mutating func checkHistory(_ client: AdminClient) async throws {
        let history = try await client.history(Page(limit: Page.standardLimit))
        var found: [Int: Int] = [:]
        for revision in history {
            guard let number = Int(revision.comment.dropFirst("commit ".count)) else { continue }
            #expect(found.updateValue(revision.revision, forKey: number) == nil, "commit \(number) is there twice")
        }
        let oldest = history.last?.revision ?? 0
        for (number, revision) in answered.merging(seen, uniquingKeysWith: { one, _ in one }) where revision >= oldest {
            #expect(found[number] == revision, "commit \(number) was revision \(revision)")
        }
        if let first = history.first { #expect(history.map(\.revision) == Array((oldest...first.revision).reversed())) }
        seen.merge(found) { one, _ in one }
        if let pending, found[pending.number] != nil { last = pending.number }
    }

    /// Holds the log itself, read without a manager, against the book.
    func checkLog(of directory: ManagerDirectory) async throws {
        let log = try SQLiteLog(path: directory.database, create: false)
        let key = ManagerFoundation.logKey(try directory.masterKey())
        _ = try await Ledger.open(log: log, key: key, now: { Timestamp(seconds: 0) })
        var commits: [Int: SettingsCommitted] = [:]
        var position = 0
        while true {
            let entries = try await log.entries(after: position, limit: 1000)
            for entry in entries {
                let json = try JSONValue(parsing: entry.bytes)
                guard case .settingsCommitted(let event) = try ClusterEvent(json["event"] ?? .null) else { continue }
                commits[try #require(Int(event.comment.dropFirst("commit ".count)))] = event
            }
            guard let end = entries.last?.position else { break }
            position = end
        }
        for (number, revision) in answered { #expect(commits[number]?.revision == revision) }
        var last = 0
        for (number, event) in commits.sorted(by: { $0.key < $1.key }) {
            let meant = (CommitBook.names(last) + CommitBook.names(number)).sorted()
            #expect(event.edits.compactMap(\.entry).sorted() == meant, "commit \(number) is not whole")
            last = number
        }
        #expect(Set(commits.values.map(\.changeSet)).count == commits.count)
        await log.close()
    }
}
