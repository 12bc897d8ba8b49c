import ClusterLog
import ClusterModel
import Testing

@Suite("A faulty log fails when it is told to")
struct FaultyLogTests {
    @Test(arguments: FaultyLog.Fault.Moment.allCases)
    func `the third append fails, before or after it happened`(_ moment: FaultyLog.Fault.Moment) async throws {
        let memory = InMemoryLog()
        let log = FaultyLog(wrapping: memory, failing: [.init(.append, number: 3, moment: moment)])
        let entries = chain(3)
        try await log.append(Array(entries[..<2]))
        await #expect(throws: LogError(.unavailable, "")) { try await log.append(entries[2], after: entries[1].head) }
        #expect(memory.book.head == entries[moment == .before ? 1 : 2].head)
        // Only once: what is tried again gets through, or finds that it was done.
        do throws(LogError) {
            try await log.append(entries[2], after: entries[1].head)
            #expect(moment == .before)
        } catch {
            #expect(moment == .after && error.code == .staleHead)
        }
        #expect(memory.book.head == entries[2].head)
        #expect(log.count(of: .append) == 4)
    }

    @Test func `a disk that stays full fails until it is healed`() async throws {
        let log = FaultyLog(wrapping: InMemoryLog())
        try await log.putBlob("a", [])
        log.fail(.init(.putBlob, number: 2, lasting: true))
        try await log.putBlob("b", [])
        for _ in 0..<3 {
            await #expect(throws: LogError(.unavailable, "")) { try await log.putBlob("c", []) }
        }
        #expect(try await log.blob("b") == [])
        log.heal()
        try await log.putBlob("c", [])
        #expect(try await log.blobNames(prefix: "") == ["a", "b", "c"])
    }

    @Test func `a fault without a call counts them all, and has its own error`() async throws {
        let log = FaultyLog(wrapping: InMemoryLog(), failing: [.init(number: 2, error: LogError(.corrupt, "here"))])
        _ = try await log.head()
        await #expect(throws: LogError(.corrupt, "")) { try await log.value("a") == nil }
        _ = try await log.head()
    }
}
