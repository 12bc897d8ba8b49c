import ClusterLog
import ClusterModel
import Testing

@Suite("Every log keeps blobs and values by the same rules", .timeLimit(.minutes(1)))
struct StorageContractTests {
    @Test(arguments: LogKeeper.allCases)
    func `a blob is stored once and never changed`(_ keeper: LogKeeper) async throws {
        try await withLog(keeper) { log async throws in
            #expect(try await log.blob("key/1") == nil)
            try await log.putBlob("key/1", [1, 0, 255])
            try await log.putBlob("key/1", [1, 0, 255])
            await #expect(throws: LogError(.blobDiffers, "")) { try await log.putBlob("key/1", [1, 0, 254]) }
            await #expect(throws: LogError(.blobDiffers, "")) { try await log.putBlob("key/1", []) }
            #expect(try await log.blob("key/1") == [1, 0, 255])
            try await log.putBlob("empty", [])
            #expect(try await log.blob("empty") == [])
        }
    }

    @Test(arguments: LogKeeper.allCases)
    func `a deleted blob is gone, and its name is free`(_ keeper: LogKeeper) async throws {
        try await withLog(keeper) { log async throws in
            try await log.putBlob("key/1", [1])
            try await log.deleteBlob("key/1")
            try await log.deleteBlob("key/1")
            #expect(try await log.blob("key/1") == nil)
            try await log.putBlob("key/1", [2])
            #expect(try await log.blob("key/1") == [2])
        }
    }

    @Test(arguments: LogKeeper.allCases)
    func `names are found by prefix, in byte order`(_ keeper: LogKeeper) async throws {
        try await withLog(keeper) { log async throws in
            for name in ["key/b", "key/a", "key/B", "key", "key/", "keys", "key/~", "other", "%", "_ey/1", "key/a/c"] {
                try await log.putBlob(name, [])
                try await log.setValue(name, Array(name.utf8), expecting: 0)
            }
            let below = ["key/", "key/B", "key/a", "key/a/c", "key/b", "key/~"]
            #expect(try await log.blobNames(prefix: "key/") == below)
            #expect(try await log.values(prefix: "key/").map(\.key) == below)
            #expect(try await log.values(prefix: "key/").map { String(decoding: $0.bytes, as: UTF8.self) } == below)
            #expect(try await log.blobNames(prefix: "%") == ["%"])
            #expect(try await log.blobNames(prefix: "absent").isEmpty)
            #expect(try await log.blobNames(prefix: "").count == 11)
        }
    }

    static let wrongNames = ["", "a b", "tab\t", "nul\0", "\u{7F}", "é", String(repeating: "x", count: Limits.logNameLength + 1)]

    @Test(arguments: LogKeeper.allCases, wrongNames)
    func `a name that some log could read otherwise is refused`(_ keeper: LogKeeper, name: String) async throws {
        try await withLog(keeper) { log async throws in
            await #expect(throws: LogError(.invalid, "")) { try await log.putBlob(name, [1]) }
            await #expect(throws: LogError(.invalid, "")) { try await log.setValue(name, [1], expecting: 0) }
            #expect(try await log.blob(name) == nil)
            #expect(try await log.value(name) == nil)
        }
    }

    @Test(arguments: LogKeeper.allCases)
    func `blobs, values and names have limits`(_ keeper: LogKeeper) async throws {
        try await withLog(keeper) { log async throws in
            let name = String(repeating: "x", count: Limits.logNameLength)
            let blob = [UInt8](repeating: 1, count: Limits.blobBytes)
            let value = [UInt8](repeating: 1, count: Limits.valueBytes)
            await #expect(throws: LogError(.tooLarge, "")) { try await log.putBlob(name, blob + [1]) }
            await #expect(throws: LogError(.tooLarge, "")) { try await log.setValue(name, value + [1], expecting: 0) }
            try await log.putBlob(name, blob)
            try await log.setValue(name, value, expecting: 0)
            #expect(try await log.blob(name) == blob)
            #expect(try await log.value(name)?.bytes == value)
        }
    }

    @Test(arguments: LogKeeper.allCases)
    func `a value is written only by who saw the last one`(_ keeper: LogKeeper) async throws {
        try await withLog(keeper) { log async throws in
            #expect(try await log.value("v") == nil)
            await #expect(throws: LogError(.staleValue, "")) { try await log.setValue("v", [1], expecting: 1) }
            let first = try await log.setValue("v", [1], expecting: 0)
            await #expect(throws: LogError(.staleValue, "")) { try await log.setValue("v", [2], expecting: 0) }
            let second = try await log.setValue("v", [2], expecting: first)
            await #expect(throws: LogError(.staleValue, "")) { try await log.setValue("v", nil, expecting: first) }
            let value = try #require(try await log.value("v"))
            #expect(value.bytes == [2] && value.version == second && second > first && first > 0)
        }
    }

    @Test(arguments: LogKeeper.allCases)
    func `a value deleted and written anew is not the value of before`(_ keeper: LogKeeper) async throws {
        try await withLog(keeper) { log async throws in
            let first = try await log.setValue("v", [1], expecting: 0)
            #expect(try await log.setValue("v", nil, expecting: first) == 0)
            #expect(try await log.value("v") == nil)
            #expect(try await log.setValue("v", nil, expecting: 0) == 0)
            let again = try await log.setValue("v", [1], expecting: 0)
            #expect(again > first)
            await #expect(throws: LogError(.staleValue, "")) { try await log.setValue("v", [2], expecting: first) }
        }
    }

    @Test(arguments: LogKeeper.allCases)
    func `counting with many hands loses nothing`(_ keeper: LogKeeper) async throws {
        try await withLog(keeper) { log async throws in
            try await withThrowingTaskGroup { group in
                for _ in 0..<8 {
                    group.addTask {
                        var left = 10
                        while left > 0 {
                            let old = try await log.value("count")
                            let next = (old?.bytes.first ?? 0) + 1
                            let done = try await unlessStale { try await log.setValue("count", [next], expecting: old?.version ?? 0) }
                            if done { left -= 1 }
                        }
                    }
                }
                try await group.waitForAll()
            }
            #expect(try await log.value("count")?.bytes == [80])
        }
    }

    @Test(arguments: LogKeeper.allCases)
    func `values written together replace what was there, and are all there or none`(_ keeper: LogKeeper) async throws {
        try await withLog(keeper) { log async throws in
            let version = try await log.setValue("record/a", [1], expecting: 0)
            try await log.setValues(["record/a": [2], "record/b": [3]])
            let written = try await log.values(prefix: "record/")
            #expect(written.map(\.key) == ["record/a", "record/b"])
            #expect(written.map(\.bytes) == [[2], [3]])
            #expect(written.allSatisfy { $0.version > version })

            let tooLong = [UInt8](repeating: 0, count: Limits.valueBytes + 1)
            await #expect(throws: LogError(.tooLarge, "")) { try await log.setValues(["record/a": [4], "record/c": tooLong]) }
            let many = Dictionary(uniqueKeysWithValues: (0...LogRules.batch).map { ("record/\($0)", [UInt8(1)]) })
            await #expect(throws: LogError(.tooLarge, "")) { try await log.setValues(many) }
            #expect(try await log.values(prefix: "record/").map(\.bytes) == [[2], [3]])
        }
    }
}
