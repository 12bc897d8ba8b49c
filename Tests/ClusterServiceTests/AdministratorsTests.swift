import AdminContract
import ClusterModel
import ClusterService
import FoundationEssentials
import SeededRandomness
import Testing

/// Several administrators edit, commit, look, keep and discard in any order, and a model of a few lines says what must come of it.
///
/// `MUSTER_SEED=S` runs one seed; a failing one is named in the message.
@Suite("Random interleavings of several administrators")
struct AdministratorsTests {
    private static let only = ProcessInfo.processInfo.environment["MUSTER_SEED"].flatMap(UInt64.init)

    @Test func `nothing answered is lost, nothing silently wins, and what nobody else touched goes through`() async throws {
        for seed in AdministratorsTests.only.map({ $0...$0 }) ?? 0...120 {
            var play = try await Play(seed: seed)
            do { try await play.run() } catch {
                Issue.record("seed \(seed), replay with MUSTER_SEED=\(seed): \(error)")
                return
            }
        }
    }
}

/// What is not as the model says.
private struct Surprise: Error, CustomStringConvertible {
    var description: String
    init(_ text: String) { description = text }
}

/// One run from one seed.
private struct Play {
    /// An entry, or with the name `*` whether the section is isolated.
    typealias Subject = String

    /// What the model knows of an edit: the value (nil: taken away), and how often its subject had been touched when it was decided on.
    struct Pending { var value: JSONValue?, seen: Int }

    private var random: SplitMix64
    private let desk: Desk
    private let users = ["ann", "bob", "cid"].map { Caller(user: $0, role: .operator) }
    private let level = Level.group("main")

    // The model.
    private var committed: [Subject: JSONValue] = [:]
    private var touches: [Subject: Int] = [:]
    private var lastTouch: [Subject: Int] = [:]
    private var revision = 0
    private var pending: [String: [Subject: Pending]] = [:]
    private var shown: [String: Int] = [:]

    init(seed: UInt64) async throws {
        random = SplitMix64(seed: seed)
        desk = try await Desk.make()
    }

    mutating func run() async throws {
        for _ in 0..<random.between(20, 80) {
            let user = random.pick(users)
            switch random.between(0, 99) {
            case 0..<50: try await edit(user)
            case 50..<75: try await commit(user)
            case 75..<83: try await look(user)
            case 83..<91: try await keep(user)
            default: try await discard(user)
            }
            try await compare()
        }
        // In the end everybody decides, and everything that was answered is in.
        for user in users {
            try await look(user)
            for subject in conflicts(of: user).sorted() { try await keep(user, subject) }
            try await commit(user, mustPass: true)
        }
        try await compare()
    }

    // MARK: - What people do

    private mutating func edit(_ user: Caller) async throws {
        let subject = random.pick(["a.example", "b.example", "c.example", "d.example", "*"])
        let isSet = random.chance(700)
        let value: JSONValue? = isSet ? ["tls": .string(random.pick(["none", "preferred", "required"]))] : nil
        let view = pending[user.user]?[subject].map(\.value) ?? committed[subject]
        let operation: EntryOperation
        if subject == "*" {
            operation = isSet ? .isolate : .inherit
        } else {
            // Only what is there can be taken away.
            guard isSet || view != nil else { return }
            operation = value.map { .set($0) } ?? .remove
        }
        _ = try await desk.admin.edit(
            EditRequest(edits: [
                EntryEdit(level: level, section: .destinations, entry: subject == "*" ? nil : subject, operation: operation)
            ]),
            for: user)
        let result = subject == "*" ? (isSet ? JSONValue.boolean(true) : nil) : value
        var mine = pending[user.user] ?? [:]
        if let before = mine[subject] {
            let isDecided = before.seen == touches[subject] ?? 0 || lastTouch[subject] ?? 0 <= shown[user.user] ?? -1
            mine[subject] = Pending(value: result, seen: isDecided ? touches[subject] ?? 0 : before.seen)
        } else {
            mine[subject] = Pending(value: result, seen: touches[subject] ?? 0)
        }
        pending[user.user] = withoutIdle(mine)
    }

    private mutating func commit(_ user: Caller, mustPass: Bool = false) async throws {
        let mine = pending[user.user] ?? [:]
        let conflicts = conflicts(of: user)
        do {
            let view = try await desk.commit(by: user)
            guard conflicts.isEmpty else { throw Surprise("\(user.user)'s edits of \(conflicts) won over others' in silence") }
            guard (view.revision == nil) == mine.isEmpty else { throw Surprise("a commit of \(mine.count) edits answers \(view)") }
            guard !mine.isEmpty else { return }
            revision += 1
            for (subject, edit) in mine {
                committed[subject] = edit.value
                touches[subject, default: 0] += 1
                lastTouch[subject] = revision
            }
            pending[user.user] = [:]
            shown[user.user] = nil
        } catch let refusal as Refusal {
            guard !mustPass, !conflicts.isEmpty else { throw Surprise("\(user.user)'s commit was refused: \(refusal)") }
            let named = refusal.details.map { String($0.prefix { $0 != " " }.drop { $0 != "/" }.dropFirst()) }.map { $0.isEmpty ? "*" : $0 }
            guard Set(named) == conflicts, named.count == conflicts.count else {
                throw Surprise("the conflicts are \(conflicts), and the refusal names \(named)")
            }
            shown[user.user] = revision
        }
    }

    private mutating func look(_ user: Caller) async throws {
        let changes = try await desk.admin.changes(for: user)
        let named = Set(changes.filter { $0.conflict != nil }.map { $0.entry ?? "*" })
        let conflicts = conflicts(of: user)
        guard named == conflicts else { throw Surprise("the conflicts are \(conflicts), and the changes show \(named)") }
        if !conflicts.isEmpty { shown[user.user] = revision }
    }

    private mutating func keep(_ user: Caller, _ chosen: Subject? = nil) async throws {
        let subject = chosen ?? random.pick(["a.example", "b.example", "c.example", "d.example", "*"])
        let isConflict = conflicts(of: user).contains(subject)
        let wasShown = lastTouch[subject] ?? 0 <= shown[user.user] ?? -1
        do {
            let kept = try await desk.admin.keep(KeepRequest(level: level, section: .destinations, entry: subject), for: user)
            guard !isConflict || wasShown else { throw Surprise("\(user.user) kept \(subject), and never saw the other version") }
            if !isConflict {
                guard kept.isEmpty else { throw Surprise("kept what was no conflict") }
                return
            }
            pending[user.user]?[subject]?.seen = touches[subject] ?? 0
            pending[user.user] = withoutIdle(pending[user.user] ?? [:])
        } catch let refusal as Refusal {
            guard refusal.code == .conflict, isConflict, !wasShown else { throw Surprise("keeping \(subject) was refused: \(refusal)") }
            shown[user.user] = revision
        }
    }

    private mutating func discard(_ user: Caller) async throws {
        let subject = random.pick(["a.example", "b.example", "c.example", "d.example", "*"])
        let summary = try await desk.admin.discard(DiscardQuery(level: level, section: .destinations, entry: subject), for: user)
        let had = pending[user.user]?.removeValue(forKey: subject) != nil
        guard summary.discarded == (had ? 1 : 0) else { throw Surprise("\(summary.discarded) edits of \(subject) were discarded") }
    }

    // MARK: - What must come of it

    private func conflicts(of user: Caller) -> Set<Subject> {
        Set((pending[user.user] ?? [:]).filter { touches[$0.key] ?? 0 != $0.value.seen }.keys)
    }

    /// Edits that change nothing and build on the newest are dropped.
    private func withoutIdle(_ mine: [Subject: Pending]) -> [Subject: Pending] {
        mine.filter { subject, edit in edit.seen != touches[subject] ?? 0 || edit.value != committed[subject] }
    }

    private func compare() async throws {
        let state = await desk.ledger.state
        let layer = state.groups.values.first?.layer[.destinations] ?? SectionLayer()
        var found = layer.entries.compactMapValues { $0.state.value }
        if layer.isIsolated { found["*"] = true }
        guard found == committed, state.revision == revision else {
            throw Surprise("committed is \(found) at revision \(state.revision), and should be \(committed) at \(revision)")
        }
        for user in users {
            let waiting = try await desk.changes.changes(of: user.user).edits.map { $0.entry ?? "*" }
            guard Set(waiting) == Set((pending[user.user] ?? [:]).keys) else {
                throw Surprise("\(user.user)'s edits are of \(waiting), and should be of \((pending[user.user] ?? [:]).keys.sorted())")
            }
        }
    }
}
