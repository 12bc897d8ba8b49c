import ClusterModel
import FoundationEssentials
import Replication
import Testing

/// The whole cluster in one thread, from one seed, with everything going wrong that can.
///
/// `MUSTER_SEEDS=N` runs that many seeds, from `MUSTER_FIRST_SEED` on; `MUSTER_SEED=S` runs one and prints what happened.
@Suite("Simulation")
struct SimulationTests {
    private static let environment = ProcessInfo.processInfo.environment
    private static let count = environment["MUSTER_SEEDS"].flatMap(UInt64.init) ?? 300
    private static let first = environment["MUSTER_FIRST_SEED"].flatMap(UInt64.init) ?? 0
    private static let only = environment["MUSTER_SEED"].flatMap(UInt64.init)

    @Test func `whatever fails, no machine runs a mix, nothing answered is lost, and in the end all is synced`() async {
        let found =
            if let only = SimulationTests.only { only } else {
                await firstFailure(from: SimulationTests.first, to: SimulationTests.first + SimulationTests.count)
            }
        guard let seed = found else { return }
        // Again, and this time written down.
        let world = SimulatedWorld(seed: seed)
        world.isTracing = true
        let violation = world.run()
        if SimulationTests.only != nil { print(world.story) }
        #expect(violation == nil, "seed \(seed); replay with: MUSTER_SEED=\(seed) Tests/run --filter Simulation\n\(world.story)")
    }

    /// The lowest seed that some processor met first in its share and that fails.
    private func firstFailure(from first: UInt64, to end: UInt64) async -> UInt64? {
        let shares = UInt64(max(1, ProcessInfo.processInfo.activeProcessorCount))
        return await withTaskGroup(of: UInt64?.self) { group in
            for share in 0..<shares {
                group.addTask {
                    stride(from: first + share, to: end, by: Int(shares)).first { SimulatedWorld(seed: $0).run() != nil }
                }
            }
            return await group.reduce(nil) { lowest, seed in [lowest, seed].compactMap(\.self).min() }
        }
    }

    @Test(arguments: [0, 1, 2, 5], UInt64(1)...4)
    func `a manager from an old backup changes no machine that has seen more, even when its log is as long again`(more: Int, seed: UInt64) {
        let world = SimulatedWorld(seed: seed)
        #expect(world.run() == nil)
        let kept = world.manager.log.count - 2
        // A machine that the lost entries did not concern has not heard of them.
        let witnesses = world.members.filter { ($0.follower?.memory.seen.head.position ?? 0) > kept }
        let serving = witnesses.map(\.gateway.serving)
        #expect(world.restoreFromBackup(losing: 2, thenAppending: more) == nil)
        for (member, served) in zip(witnesses, serving) {
            #expect(member.gateway.serving == served)
            #expect(member.follower?.objection?.code == .conflict)
        }
        #expect((world.unknownEntries ?? 0 > 0) == !witnesses.isEmpty)
        #expect((world.manager.publisher?.outdated != nil) == !witnesses.isEmpty)
        #expect(world.recover() == nil, "\(seed)")
    }

    @Test func `the same seed gives the same run`() {
        let stories = (0..<2).map { _ in
            let world = SimulatedWorld(seed: 7)
            world.isTracing = true
            _ = world.run()
            return world.story
        }
        #expect(stories[0] == stories[1])
        #expect(!stories[0].isEmpty)
    }
}
