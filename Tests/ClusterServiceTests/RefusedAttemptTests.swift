import AdminContract
import ClusterLog
import ClusterModel
import ClusterService
import Testing

@Suite("What was refused is kept beside the log: who, when, what and why")
struct RefusedAttemptTests {
    private func attempt(_ who: String, _ what: String, _ reason: String = "No.", at time: Int64 = 0) -> RefusedAttempt {
        RefusedAttempt(time: Timestamp(seconds: time), who: who, what: what, code: .forbidden, reason: reason)
    }

    @Test func `the same again is counted, and neither users nor strangers drive the others out`() {
        var book = RefusedBook()
        for time in 0..<3 { book.take(attempt("bob", "POST /users", at: Int64(time))) }
        #expect(book.attempts.map(\.count) == [3] && book.attempts[0].time == Timestamp(seconds: 2))
        for number in 0..<(2 * Limits.refusedJoins) { book.take(attempt("machine m\(number)", RefusedAttempt.join)) }
        #expect(book.attempts.count == Limits.refusedJoins + 1 && book.attempts.first?.who == "bob")
        for number in 0..<(2 * Limits.refusedAttempts) { book.take(attempt("bob", "POST /users/\(number)")) }
        #expect(book.attempts.count == Limits.refusedJoins + Limits.refusedAttempts)
        #expect(book.attempts.last?.what == "POST /users/\(2 * Limits.refusedAttempts - 1)")
        #expect(attempt("x", "y", String(repeating: "z", count: 10_000)).reason.count == Limits.refusedTextLength)
    }

    @Test func `the largest book fits into one value`() throws {
        var book = RefusedBook()
        for number in 0..<(Limits.refusedAttempts + Limits.refusedJoins) {
            let text = "\(number)" + String(repeating: "\u{1}", count: 2 * Limits.refusedTextLength)
            book.take(attempt(text, number < Limits.refusedJoins ? RefusedAttempt.join : text, text))
        }
        #expect(try JSONValue(encoding: book).canonicalBytes.count < Limits.valueBytes)
    }

    @Test func `users' and machines' attempts are read after a restart, by those who may read the log`() async throws {
        let desk = try await Desk.make()
        let bob = Caller(user: "bob", role: .operator)
        await desk.admin.note(refused: Refusal(.forbidden, "bob may not."), "POST /users", of: bob)
        await desk.fleet.refusals.note(Refusal(.invitation, "It has been used."), RefusedAttempt.join, by: "machine mx9")
        let again = try await Desk(log: desk.log, master: desk.master, clock: desk.clock)
        // The second came in the same second as the first: it is written when somebody reads, or a second later.
        #expect(try await again.admin.refusedAttempts(for: desk.caller).map(\.who) == ["bob"])
        #expect(try await desk.admin.refusedAttempts(for: bob).map(\.who) == ["bob", "machine mx9"])
        let read = try await again.admin.refusedAttempts(for: desk.caller)
        #expect(read.map(\.what) == ["POST /users", "join"])
        #expect(read.map(\.code) == [.forbidden, .invitation] && read.map(\.reason) == ["bob may not.", "It has been used."])
        #expect(await desk.ledger.state.head.position == again.ledger.state.head.position, "it is no entry of the log")
        let limited = Caller(user: "eve", role: .administrator, group: await desk.ledger.state.created?.group)
        await #expect(throws: Refusal(.forbidden, "")) { try await desk.admin.refusedAttempts(for: limited) }
    }

    @Test func `a disk that fails is in nobody's way, and what was refused meanwhile is kept`() async throws {
        let log = FaultyLog(wrapping: InMemoryLog())
        let desk = RefusalDesk(log: log, now: { Timestamp(seconds: 5) })
        await desk.note(Refusal(.conflict, "first"), "POST /commits", by: "ann")
        log.fail(.init(.setValue, lasting: true))
        await desk.note(Refusal(.conflict, "second"), "POST /commits", by: "ann")
        await desk.flush()
        log.heal()
        #expect(try await desk.attempts().map(\.reason) == ["first", "second"])
    }
}
