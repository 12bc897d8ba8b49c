import FoundationEssentials
import Testing

/// The whole cluster in one thread, from one seed, with everything going wrong that can.
///
/// `MUSTER_SEEDS=N` runs that many seeds; `MUSTER_SEED=S` runs one and prints what happened.
@Suite("Simulation")
struct SimulationTests {
    /// Seeds are run in slices, so that every processor has some.
    private static let slices = 4
    private static let environment = ProcessInfo.processInfo.environment
    private static let count = environment["MUSTER_SEEDS"].flatMap(Int.init) ?? 300
    private static let only = environment["MUSTER_SEED"].flatMap(UInt64.init)

    @Test(arguments: 0..<slices)
    func `whatever fails, no machine runs a mix, nothing answered is lost, and in the end all is synced`(slice: Int) {
        let seeds =
            SimulationTests.only.map { slice == 0 ? [$0] : [] }
            ?? stride(from: slice, to: SimulationTests.count, by: SimulationTests.slices).map(UInt64.init)
        for seed in seeds {
            guard SimulatedWorld(seed: seed).run() != nil || SimulationTests.only != nil else { continue }
            // Again, and this time written down.
            let world = SimulatedWorld(seed: seed)
            world.isTracing = true
            let violation = world.run()
            if SimulationTests.only != nil { print(world.story) }
            #expect(violation == nil, "seed \(seed); replay with: MUSTER_SEED=\(seed) Tests/run --filter Simulation\n\(world.story)")
            if violation != nil { return }
        }
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
