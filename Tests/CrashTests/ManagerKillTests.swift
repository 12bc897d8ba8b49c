import AdminClient
import AdminContract
import ClusterModel
import ClusterService
import FoundationEssentials
import SeededRandomness
import Testing

/// A manager that is killed again and again while somebody commits.
///
/// `MUSTER_CRASH_ROUNDS` sets how often, `MUSTER_CRASH_SEED` repeats the choices of a run:
/// `MUSTER_CRASH_ROUNDS=5000 swift test --filter ManagerKillTests`.
@Suite("A manager killed at any moment keeps what it answered", .timeLimit(.minutes(60)))
struct ManagerKillTests {
    private static let environment = ProcessInfo.processInfo.environment
    private static let rounds = environment["MUSTER_CRASH_ROUNDS"].flatMap(Int.init) ?? 200
    private static let seed = environment["MUSTER_CRASH_SEED"].flatMap(UInt64.init) ?? UInt64.random(in: 0...UInt64(UInt32.max))

    /// How long a manager lives at most after it is ready, and how long one may take that is not to become ready.
    private static let life = 0...50
    private static let start = 0...300

    @Test(arguments: [seed])
    func `every answered commit is there whole, an unanswered one whole or not at all, and the log is intact`(seed: UInt64) async throws {
        try await CrashCluster.with { cluster in
            var random = SplitMix64(seed: seed)
            var book = CommitBook(random: SplitMix64(seed: seed ^ 1))
            var kills = 0
            while kills < ManagerKillTests.rounds {
                let manager = try await cluster.startManager()
                try await cluster.ending(manager) {
                    if random.chance(100) {
                        // Before it is ready, as far as one can tell.
                        return try await pause(Int.random(in: ManagerKillTests.start, using: &random))
                    }
                    try #require(await manager.isReady(), "the manager does not start any more")
                    let life = Int.random(in: ManagerKillTests.life, using: &random)
                    try await cluster.withClient { client in
                        try await book.check(client)
                        async let end: Void = kill(manager, after: life)
                        try await book.commitUntilGone(client)
                        try await end
                    }
                }
                kills += 1
            }
            try await cluster.withManager { client in
                try await book.check(client)
                let audit = try await client.verifyAudit()
                #expect(audit.intact, "\(audit.problem ?? "")")
            }
            try await book.checkLog(of: ManagerDirectory(path: cluster.data, keyPath: nil))
            let summary = "\(kills) kills, \(book.answered.count) answered commits, seed \(seed)"
            #expect(book.answered.count >= kills / 2, "too little was committed to prove much: \(summary)")
            Attachment.record(summary, named: "kills.txt")
        }
    }

    private func kill(_ manager: Server, after life: Int) async throws {
        try await pause(life)
        try await manager.kill()
    }

    /// A random moment is what this is about; nothing is waited for.
    private func pause(_ milliseconds: Int) async throws {
        try await ContinuousClock().sleep(for: .milliseconds(milliseconds))
    }
}
