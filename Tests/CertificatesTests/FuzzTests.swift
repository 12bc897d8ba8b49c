import Certificates
import ClusterModel
import FoundationEssentials
import Glibc
import SeededRandomness
import Testing

/// The readers against mutated files: a bounded run always, a longer one when `MUSTER_FUZZ_SECONDS` says how long. `MUSTER_FUZZ_SEED` repeats
/// a run; a trap ends the process, and the seed is the last that was printed.
@Suite(.serialized) struct FuzzTests {
    /// Throw-away keys, their certificates and files of them, made once by `openssl` and `keytool`.
    static func corpus() throws -> [(name: String, bytes: [UInt8])] {
        let folder = URL(filePath: #filePath).deletingLastPathComponent().path + "/Corpus"
        return try FileManager.default.contentsOfDirectory(atPath: folder).sorted().map { name in
            (name, Array(try Data(contentsOf: URL(filePath: "\(folder)/\(name)"))))
        }
    }

    private static func variable(_ name: String) -> UInt64? { ProcessInfo.processInfo.environment[name].flatMap(UInt64.init) }

    /// The most memory that the process ever had, in MiB.
    private static var peakMemory: Int {
        var usage = rusage()
        unsafe getrusage(RUSAGE_SELF.rawValue, &usage)
        return usage.ru_maxrss >> 10
    }

    /// Runs one case and fails when it took long.
    private func time(_ target: FuzzTarget, _ bytes: [UInt8], _ what: @autoclosure () -> String) -> Duration {
        let duration = ContinuousClock().measure { target.run(bytes) }
        // The limits let a file ask for some seconds of key derivation, twice here for two passwords; a debug build on a busy machine.
        if duration > .seconds(30) { Issue.record("\(target) took \(duration) for \(what())") }
        return duration
    }

    @Test(.timeLimit(.minutes(3)), arguments: FuzzTarget.allCases)
    func `no reader traps at a good file, or one cut off at any byte`(_ target: FuzzTarget) throws {
        let corpus = try Self.corpus()
        #expect(corpus.count >= 20)
        for (name, bytes) in corpus {
            _ = time(target, bytes, name)
            // Large files are cut at fewer places: what follows the first structures is more of the same.
            for count in stride(from: 0, to: bytes.count, by: max(1, bytes.count / 400)) {
                _ = time(target, Array(bytes[..<count]), "\(name) cut at \(count)")
            }
        }
    }

    @Test(.timeLimit(.minutes(30)), arguments: FuzzTarget.allCases)
    func `no reader traps, hangs or eats memory at mutated files`(_ target: FuzzTarget) throws {
        let files = try Self.corpus()
        let seed = Self.variable("MUSTER_FUZZ_SEED") ?? UInt64.random(in: 0 ... .max)
        let seconds = Self.variable("MUSTER_FUZZ_SECONDS").map(Int.init) ?? 4
        print("fuzz \(target): MUSTER_FUZZ_SEED=\(seed) MUSTER_FUZZ_SECONDS=\(seconds)")
        var mutator = Mutator(generator: SplitMix64(seed: seed), corpus: files.map(\.bytes))
        // Linux forgets the peak of before; where it does not, the peak only seems higher.
        try? Data("5".utf8).write(to: URL(filePath: "/proc/self/clear_refs"))
        let before = Self.peakMemory
        let start = ContinuousClock.now
        var (count, worst) = (0, Duration.zero)
        while ContinuousClock.now - start < .seconds(seconds) {
            guard let file = files.randomElement(using: &mutator.generator) else { return }
            worst = max(worst, time(target, mutator.mutated(file.bytes), "\(file.name), case \(count) of seed \(seed)"))
            count += 1
        }
        let grown = Self.peakMemory - before
        print("fuzz \(target): \(count) cases, the longest took \(worst), memory grew by \(grown) MiB")
        #expect(grown < 512)
    }
}
