import AdminContract
import Certificates
import ClusterLog
import ClusterLogSQLite
import ClusterModel
import ClusterService
import Foundation
import Replication
import Testing

/// A manager's services on a disk that fails at one call after the other.
@Suite("On a failing disk everything is done or not, and says so", .timeLimit(.minutes(3)))
struct FailingDiskTests {
    /// When a call fails, and whether those behind it do, too.
    enum Trouble: CaseIterable, Sendable {
        case before, after, lasting

        func fault(_ call: FaultyLog.Call, _ number: Int) -> FaultyLog.Fault {
            FaultyLog.Fault(call, number: number, moment: self == .after ? .after : .before, lasting: self == .lasting)
        }
    }

    @Test(arguments: FaultyLog.Call.allCases, Trouble.allCases)
    func `at every call of a day's work`(_ call: FaultyLog.Call, _ trouble: Trouble) async throws {
        var number = 1
        while try await works(failing: trouble.fault(call, number), "\(call) \(number) \(trouble)") { number += 1 }
        #expect(number > 1 || FailingDiskTests.unused.contains(call), "nothing fails when \(call) does: the day's work does not use it")
    }

    @Test(arguments: FaultyLog.Fault.Moment.allCases)
    func `from every call on, whatever is called`(_ moment: FaultyLog.Fault.Moment) async throws {
        var number = 1
        while try await works(failing: .init(number: number, moment: moment, lasting: true), "all from \(number) on, \(moment)") {
            number += 1
        }
        #expect(number > 30)
    }

    /// Calls that no desk makes. Members' records are the fleet's (``FleetOnFailingDiskTests``).
    private static let unused: Set<FaultyLog.Call> = [.blobNames, .deleteBlob, .head, .setValues, .values]

    /// Does a day's work with one failure in it, then what it could not do. Whether the failure was met.
    private func works(failing fault: FaultyLog.Fault, _ moment: String) async throws -> Bool {
        let scratch = try DatabaseScratch()
        let disk = try SQLiteLog(path: scratch.database)
        let log = FaultyLog(wrapping: disk)
        let day = try await Day(desk: Desk.make(log: log))
        func calls() -> Int { (fault.call.map { [$0] } ?? FaultyLog.Call.allCases).reduce(0) { $0 + log.count(of: $1) } }
        let before = calls()
        log.fail(fault)
        for task in Day.Task.allCases {
            let isAnswered: Bool
            do throws(Refusal) {
                isAnswered = try await day.perform(task)
            } catch {
                #expect(error.code == .unavailable && !error.reason.isEmpty, "\(moment), \(task): \(error.code) \(error.reason)")
                isAnswered = false
            }
            if isAnswered, calls() - before < fault.number { continue }
            // What is true is what a manager would find that starts now.
            let found = try await day.outcome(of: task, in: day.reopened(disk))
            #expect(found != .torn, "\(moment), \(task)")
            if isAnswered { #expect(found == .done, "\(moment), \(task): answered and not done") }
        }
        let made = calls() - before
        log.heal()
        for task in Day.Task.allCases {
            if try await day.outcome(of: task, in: day.reopened(disk)) == .done { continue }
            _ = try await day.perform(task)
            let found = try await day.outcome(of: task, in: day.reopened(disk))
            #expect(found == .done, "\(moment), \(task): not done on a disk that works")
        }
        for task in Day.Task.allCases {
            #expect(try await day.outcome(of: task, in: day.desk) == .done, "\(moment), \(task): done, and lost again")
        }
        try await day.desk.ledger.settle()
        let (state, fresh) = (await day.desk.ledger.state, try await day.reopened(disk).ledger.state)
        #expect(state.head == fresh.head, "\(moment)")
        #expect(state.configurations().mapValues(\.digest) == fresh.configurations().mapValues(\.digest), "\(moment)")
        #expect(try await day.desk.admin.verifyAudit(for: day.desk.caller).intact, "\(moment)")
        await disk.close()
        return made >= fault.number
    }

    @Test func `a commit that is in the log is answered, although the log failed to say so`() async throws {
        let log = FaultyLog(wrapping: InMemoryLog())
        let desk = try await Desk.make(log: log)
        try await desk.set(.destinations, "a.example", ["tls": "required"])
        log.fail(.init(.append, moment: .after))
        #expect(try await desk.commit().revision == 1)
        #expect(try await desk.commit().revision == nil, "it is committed once")
    }

    @Test func `a commit is answered, although its edits could not be taken off the desk`() async throws {
        let log = FaultyLog(wrapping: InMemoryLog())
        let desk = try await Desk.make(log: log)
        try await desk.set(.destinations, "a.example", ["tls": "required"])
        log.fail(.init(.setValue))
        #expect(try await desk.commit().revision == 1)
        #expect(try await desk.commit().revision == nil, "it is committed once")
    }

    @Test func `a disk that is really full refuses what is written, answers what is read, and goes on when there is room`() async throws {
        let scratch = try DatabaseScratch()
        let roomy = try SQLiteLog(path: scratch.database)
        let first = try await Desk.make(log: roomy)
        try await first.set(.destinations, "first.example", ["tls": "required"])
        _ = try await first.commit()
        await roomy.close()

        let full = try SQLiteLog(path: scratch.database, maximumPages: 1)
        let desk = try await Desk(log: full, master: first.master, clock: first.clock)
        var refusals = 0
        // SQLite fills the pages it has first.
        for number in 0..<50 {
            do {
                try await desk.set(.destinations, "n\(number).example", ["tls": "required"])
                _ = try await desk.commit()
            } catch let refusal as Refusal {
                #expect(refusal.code == .unavailable && refusal.reason.contains("is full"), "\(refusal)")
                refusals += 1
            }
        }
        #expect(refusals > 0)
        let revision = await desk.ledger.state.revision
        #expect(try await desk.admin.history(Page(), for: desk.caller).first?.revision == revision)
        #expect(try await desk.admin.verifyAudit(for: desk.caller).intact)
        await full.close()

        let again = try SQLiteLog(path: scratch.database)
        let healed = try await Desk(log: again, master: first.master, clock: first.clock)
        #expect(await healed.ledger.state.revision == revision)
        try await healed.set(.destinations, "last.example", ["tls": "required"])
        #expect(try await healed.commit().revision == revision + 1)
        await again.close()
    }
}

/// A day's work at a manager, in tasks of which each is all or nothing.
struct Day {
    let desk: Desk

    enum Task: CaseIterable {
        case editing, committing, certifying, committingCertificate, applying, inviting, joining, removing, discarding, reading
    }

    enum Outcome {
        case done, nothing, torn
    }

    private let invitation: InvitationToken
    private let request: JoinRequest
    private let document: JSONValue = [
        "groups": ["edge"], "settings": ["group/edge": ["destinations": ["edge.example": ["value": ["tls": "required"]]]]],
    ]

    init(desk: Desk) async throws {
        self.desk = desk
        invitation = try await desk.invite()
        request = try desk.request("mx1", invitation: invitation)
        try await desk.join("mx0")
        try await desk.set(.destinations, "own.example", ["tls": "required"], at: .machine("mx0"))
        _ = try await desk.commit()
    }

    /// The services as a manager would open them on this log that starts now.
    func reopened(_ log: any ClusterLog) async throws -> Desk {
        try await Desk(log: log, master: desk.master, clock: desk.clock)
    }

    /// Does it. False when there was nothing to do: what it builds on could not be done.
    func perform(_ task: Task) async throws(Refusal) -> Bool {
        let (admin, caller) = (desk.admin, desk.caller)
        switch task {
        case .editing: _ = try await admin.edit(Day.edits(["a.example", "b.example"]), for: caller)
        case .committing, .committingCertificate:
            return try await admin.commit(CommitRequest(comment: "\(task)"), for: caller).revision != nil
        case .certifying:
            let request = SelfSignedRequest(commonName: "mail.example.com")
            _ = try await admin.createCertificate(
                CertificateCreation(level: .cluster, name: "mail", request: request, replace: true), for: caller)
        case .applying: _ = try await admin.apply(ApplyRequest(document: document, commit: true, comment: "applying"), for: caller)
        case .inviting: _ = try await desk.admin.invite(InvitationRequest(group: nil, expiresSeconds: 60), for: caller)
        case .joining: _ = try await desk.enrolment.join(request)
        case .removing: _ = try await admin.removeMachine("mx0", archive: true, for: caller)
        case .reading: _ = try await admin.audit(Page(), for: caller)
        case .discarding:
            _ = try await admin.edit(Day.edits(["idle.example"]), for: caller)
            _ = try await admin.discard(DiscardQuery(), for: caller)
        }
        return true
    }

    private static func edits(_ names: [String]) -> EditRequest {
        EditRequest(
            edits: names.map { EntryEdit(level: .cluster, section: .destinations, entry: $0, operation: .set(["tls": "required"])) })
    }

    /// What a task has left in the log.
    func outcome(of task: Task, in found: Desk) async throws -> Outcome {
        let state = await found.ledger.state
        let open = try await found.changes.changes(of: desk.caller.user)
        func committed(_ name: String) -> Bool { state.layer[.destinations, name] != nil }
        func submitted(_ section: SectionName, _ name: String) -> Bool {
            open.edits.contains { $0.section == section && $0.entry == name }
        }
        func both(_ one: Bool, _ other: Bool) -> Outcome { one != other ? .torn : one ? .done : .nothing }
        switch task {
        case .editing:
            return both(
                submitted(.destinations, "a.example") || committed("a.example"),
                submitted(.destinations, "b.example") || committed("b.example"))
        case .committing: return both(committed("a.example"), committed("b.example"))
        case .certifying: return try await certificate(submitted(.certificates, "mail") || state.layer[.certificates, "mail"] != nil, found)
        case .committingCertificate:
            let value = state.layer[.certificates, "mail"]
            return try await certificate(value != nil, found)
        case .applying:
            let group = state.group(named: "edge")
            let waits = both(
                open.groups.contains { $0.name == "edge" },
                open.edits.contains { $0.section == .destinations && $0.entry == "edge.example" })
            if waits == .torn { return .torn }
            return both(group != nil, group?.layer[.destinations, "edge.example"] != nil)
        case .inviting: return state.invitations.count > 2 ? .done : .nothing
        case .joining:
            return both(state.invitations[invitation.id]?.usedBy != nil, state.membership(named: "mx1") != nil)
        case .removing:
            // With an archive that opens, or not at all.
            guard state.membership(named: "mx0") == nil else { return .nothing }
            guard let archive = state.allArchives.first else { return .torn }
            _ = try await found.vault.archive(archive.note.digest)
            return .done
        case .reading: return .done
        case .discarding: return submitted(.destinations, "idle.example") ? .nothing : .done
        }
    }

    /// A certificate is there with its key and its chain, or not at all.
    private func certificate(_ isThere: Bool, _ found: Desk) async throws -> Outcome {
        guard isThere else { return .nothing }
        let view = try await found.changes.view(of: desk.caller.user)
        let setting = try CertificateSetting(try #require(view.layer[.certificates, "mail"]?.state.value))
        let hasKey = try await found.vault.holds(setting.key.fingerprint)
        let hasChain = try await found.vault.holds(chain: setting.chainBlob)
        return hasKey && hasChain ? .done : .torn
    }
}

/// A directory for a database, in memory where there is such a place; gone with the test.
final class DatabaseScratch: Sendable {
    private let directory: URL

    init() throws {
        let place = FileManager.default.isWritableFile(atPath: "/dev/shm") ? "/dev/shm" : FileManager.default.temporaryDirectory.path
        directory = URL(fileURLWithPath: place).appendingPathComponent("muster-desk-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
    }

    deinit { try? FileManager.default.removeItem(at: directory) }

    var database: String { directory.appendingPathComponent("muster.db").path }
}
