import ClusterLog
import ClusterModel
import Testing

@Suite("Every log keeps the same promises", .timeLimit(.minutes(1)))
struct LogContractTests {
    @Test(arguments: LogKeeper.allCases)
    func `a new log is empty`(_ keeper: LogKeeper) async throws {
        try await withLog(keeper) { log async throws in
            #expect(try await log.head() == .empty)
            #expect(try await log.entries(after: 0, limit: 10).isEmpty)
            #expect(try await log.blobNames(prefix: "").isEmpty)
            #expect(try await log.values(prefix: "").isEmpty)
        }
    }

    @Test(arguments: LogKeeper.allCases)
    func `entries come back as they were appended, page by page`(_ keeper: LogKeeper) async throws {
        try await withLog(keeper) { log async throws in
            let entries = chain(25)
            let head = try await log.append(entries)
            #expect(head == entries.last?.head)
            #expect(try await log.head() == head)
            #expect(try await log.entries(after: 0, limit: 100) == entries)
            #expect(try await log.entries(after: 10, limit: 5) == Array(entries[10..<15]))
            #expect(try await log.entries(after: 24, limit: 5) == Array(entries[24...]))
            #expect(try await log.entries(after: 25, limit: 5).isEmpty)
        }
    }

    @Test(arguments: LogKeeper.allCases)
    func `a place or a limit that makes no sense gets an answer that does`(_ keeper: LogKeeper) async throws {
        try await withLog(keeper) { log async throws in
            let entries = chain(3)
            try await log.append(entries)
            #expect(try await log.entries(after: -5, limit: 2) == Array(entries[..<2]))
            #expect(try await log.entries(after: 0, limit: .max) == entries)
            #expect(try await log.entries(after: 0, limit: 0).isEmpty)
            #expect(try await log.entries(after: 0, limit: -1).isEmpty)
            #expect(try await log.entries(after: .max, limit: 1).isEmpty)
        }
    }

    @Test(arguments: LogKeeper.allCases)
    func `an append on a stale head changes nothing`(_ keeper: LogKeeper) async throws {
        try await withLog(keeper) { log async throws in
            let first = entry(after: .empty, "first").stored(sealedBy: key)
            try await log.append(first, after: .empty)
            let late = entry(after: .empty, "late").stored(sealedBy: key)
            await #expect(throws: LogError(.staleHead, "")) { try await log.append(late, after: .empty) }
            // The same position with another hash: another history.
            let other = LogHead(position: 1, hash: late.head.hash)
            await #expect(throws: LogError(.staleHead, "")) {
                try await log.append(entry(after: other).stored(sealedBy: key), after: other)
            }
            // A head that is not there yet.
            let future = LogHead(position: 2, hash: late.head.hash)
            await #expect(throws: LogError(.staleHead, "")) {
                try await log.append(entry(after: future).stored(sealedBy: key), after: future)
            }
            #expect(try await log.entries(after: 0, limit: 10) == [first])
        }
    }

    @Test(arguments: LogKeeper.allCases, [-1, 0, 1, 3, Int.max])
    func `positions have no gaps`(_ keeper: LogKeeper, position: Int) async throws {
        try await withLog(keeper) { log async throws in
            let head = try await log.append(chain(1))
            var wrong = entry(after: head).stored(sealedBy: key)
            wrong.position = position
            await #expect(throws: LogError(.invalid, "")) { try await log.append(wrong, after: head) }
            #expect(try await log.head() == head)
        }
    }

    @Test(arguments: LogKeeper.allCases)
    func `of many appends on one head exactly one wins`(_ keeper: LogKeeper) async throws {
        try await withLog(keeper) { log async throws in
            for round in 0..<10 {
                let head = try await log.head()
                let won = await withTaskGroup(of: StoredEntry?.self) { group in
                    for racer in 0..<20 {
                        group.addTask {
                            let entry = entry(after: head, "round \(round), racer \(racer)").stored(sealedBy: key)
                            do throws(LogError) {
                                try await log.append(entry, after: head)
                                return entry
                            } catch {
                                if error != LogError(.staleHead, "") { Issue.record(error) }
                                return nil
                            }
                        }
                    }
                    return await group.reduce(into: [StoredEntry]()) { if let entry = $1 { $0.append(entry) } }
                }
                try #require(won.count == 1)
                #expect(try await log.entries(after: round, limit: 10) == won)
            }
        }
    }

    @Test(arguments: LogKeeper.allCases)
    func `many who retry all get in, in one chain`(_ keeper: LogKeeper) async throws {
        try await withLog(keeper) { log async throws in
            try await withThrowingTaskGroup { group in
                for writer in 0..<8 {
                    group.addTask {
                        var left = 10
                        while left > 0 {
                            let head = try await log.head()
                            let done = try await unlessStale {
                                try await log.append(entry(after: head, "\(writer)/\(left)").stored(sealedBy: key), after: head)
                            }
                            if done { left -= 1 }
                        }
                    }
                }
                try await group.waitForAll()
            }
            var verifier = LogVerifier(key: key)
            let texts = try await log.entries(after: 0, limit: 100).map { try verifier.verify($0).event["text"]?.text }
            #expect(Set(texts).count == 80)
            #expect(try await log.head() == verifier.head)
        }
    }

    @Test(arguments: LogKeeper.allCases)
    func `an event of a mebibyte is stored, one byte more is refused`(_ keeper: LogKeeper) async throws {
        try await withLog(keeper) { log async throws in
            let empty = entry(after: .empty, "").canonicalBytes.count
            let text = String(repeating: "x", count: Limits.eventBytes - empty)
            await #expect(throws: LogError(.tooLarge, "")) {
                try await log.append(entry(after: .empty, text + "x").stored(sealedBy: key), after: .empty)
            }
            #expect(try await log.head() == .empty)
            let largest = entry(after: .empty, text).stored(sealedBy: key)
            try await log.append(largest, after: .empty)
            #expect(try await log.entries(after: 0, limit: 1) == [largest])
        }
    }

    @Test(arguments: LogKeeper.allCases)
    func `an append whose task is cancelled is there, or says that it is not`(_ keeper: LogKeeper) async throws {
        try await withLog(keeper) { log async throws in
            let stored = entry(after: .empty).stored(sealedBy: key)
            let task = Task {
                while !Task.isCancelled { await Task.yield() }
                try await log.append(stored, after: .empty)
            }
            task.cancel()
            try await task.value
            #expect(try await log.head() == stored.head)
        }
    }

    @Test(arguments: LogKeeper.allCases)
    func `a follower hears of the last head, whatever it missed`(_ keeper: LogKeeper) async throws {
        try await withLog(keeper) { log async throws in
            let slow = await log.follow()
            let quick = await log.follow()
            let entries = chain(50)
            let last = try #require(entries.last?.head)
            async let heard = quick.first { $0 == last }
            try await log.append(entries)
            #expect(await heard == last)
            // The slow one reads for the first time now.
            var iterator = slow.makeAsyncIterator()
            #expect(await iterator.next() == last)
        }
    }

    @Test(arguments: LogKeeper.allCases)
    func `heads never go back for a follower, though appends race`(_ keeper: LogKeeper) async throws {
        try await withLog(keeper) { log async throws in
            let heads = await log.follow()
            async let heard = heads.prefix { $0.position < 60 }.reduce(into: [0]) { $0.append($1.position) }
            try await withThrowingTaskGroup { group in
                for _ in 0..<4 {
                    group.addTask {
                        while true {
                            let head = try await log.head()
                            if head.position >= 60 { return }
                            _ = try await unlessStale { try await log.append(entry(after: head).stored(sealedBy: key), after: head) }
                        }
                    }
                }
                try await group.waitForAll()
            }
            let positions = await heard
            #expect(positions == positions.sorted() && Set(positions).count == positions.count)
        }
    }

    @Test(arguments: LogKeeper.allCases)
    func `after closing everything is refused and followers are let go`(_ keeper: LogKeeper) async throws {
        try await withLog(keeper) { log async throws in
            let before = await log.follow()
            await log.close()
            await log.close()
            for await _ in before {}
            for await _ in await log.follow() {}
            let closed = LogError(.closed, "")
            await #expect(throws: closed) { try await log.head() }
            await #expect(throws: closed) { try await log.append(chain(1)[0], after: .empty) }
            await #expect(throws: closed) { try await log.entries(after: 0, limit: 1) }
            await #expect(throws: closed) { try await log.putBlob("a", []) }
            await #expect(throws: closed) { try await log.blob("a") }
            await #expect(throws: closed) { try await log.blobNames(prefix: "") }
            await #expect(throws: closed) { try await log.deleteBlob("a") }
            await #expect(throws: closed) { _ = try await log.value("a") }
            await #expect(throws: closed) { try await log.setValue("a", [], expecting: 0) }
            await #expect(throws: closed) { _ = try await log.values(prefix: "") }
        }
    }

    @Test(arguments: LogKeeper.allCases)
    func `calls that race with closing are done or refused`(_ keeper: LogKeeper) async throws {
        try await withLog(keeper) { log async throws in
            await withTaskGroup { group in
                for number in 0..<50 {
                    group.addTask {
                        do throws(LogError) {
                            _ = try await log.head()
                            try await log.putBlob("\(number)", [1])
                            _ = try await log.blob("\(number)")
                        } catch {
                            if error != LogError(.closed, "") { Issue.record(error) }
                        }
                    }
                }
                group.addTask { await log.close() }
            }
        }
    }

    @Test(arguments: LogKeeper.onDisk)
    func `everything is there after opening again`(_ keeper: LogKeeper) async throws {
        let scratch = try Scratch()
        let entries = chain(12)
        let first = try keeper.open(in: scratch)
        let head = try await first.append(entries)
        try await first.putBlob("chain/1", [1, 2, 3])
        try await first.setValue("gone", [0], expecting: 0)
        let version = try await first.setValue("changes/anna", [4, 5], expecting: 0)
        let deleted = try #require(try await first.value("gone")).version
        try await first.setValue("gone", nil, expecting: deleted)
        await first.close()

        let second = try keeper.open(in: scratch)
        #expect(try await second.head() == head)
        #expect(try await second.entries(after: 0, limit: 100) == entries)
        #expect(try await second.blob("chain/1") == [1, 2, 3])
        let value = try #require(try await second.value("changes/anna"))
        #expect(value.bytes == [4, 5] && value.version == version)
        // Versions are not used again, not even after a restart.
        #expect(try await second.setValue("gone", [0], expecting: 0) > version)
        try await second.append(entry(after: head).stored(sealedBy: key), after: head)
        await second.close()
    }
}
