import FoundationEssentials
import Glibc

/// A run of hostile input against a reader: a bounded one always, a longer one when `MUSTER_FUZZ_SECONDS` says how long. `MUSTER_FUZZ_SEED` repeats
/// a run; a trap ends the process, and the seed is the last that was printed.
package struct FuzzRun: Sendable {
    package let seed: UInt64
    package let seconds: Int
    private let name: String

    /// What a run came to.
    package struct Outcome: Sendable {
        package var count = 0
        package var worst = Duration.zero
        /// The case that took longest.
        package var worstCase = ""
        /// MiB by which the most memory that the process ever had grew.
        package var grown = 0
    }

    /// `seconds` are those of a run that nobody asked to be longer.
    package init(_ name: String, seconds standard: Int = 4) {
        self.name = name
        seed = FuzzRun.variable("MUSTER_FUZZ_SEED") ?? UInt64.random(in: 0 ... .max)
        seconds = FuzzRun.variable("MUSTER_FUZZ_SECONDS").map(Int.init) ?? standard
    }

    /// Shows the target one case after another until the time is over.
    package func run<Case>(_ next: (_ number: Int) -> (what: String, input: Case)?, target: (Case) -> Void) -> Outcome {
        print("fuzz \(name): MUSTER_FUZZ_SEED=\(seed) MUSTER_FUZZ_SECONDS=\(seconds)")
        // Linux forgets the peak of before; where it does not, the peak only seems higher.
        try? Data("5".utf8).write(to: URL(filePath: "/proc/self/clear_refs"))
        let before = FuzzRun.peakMemory
        let clock = ContinuousClock()
        let start = clock.now
        var outcome = Outcome()
        while clock.now - start < .seconds(seconds), let (what, input) = next(outcome.count) {
            let duration = clock.measure { target(input) }
            if duration > outcome.worst {
                (outcome.worst, outcome.worstCase) = (duration, "\(what), case \(outcome.count) of seed \(seed)")
            }
            outcome.count += 1
        }
        outcome.grown = FuzzRun.peakMemory - before
        print("fuzz \(name): \(outcome.count) cases, the longest took \(outcome.worst), memory grew by \(outcome.grown) MiB")
        return outcome
    }

    private static func variable(_ name: String) -> UInt64? { ProcessInfo.processInfo.environment[name].flatMap(UInt64.init) }

    /// The most memory that the process ever had, in MiB.
    private static var peakMemory: Int {
        var usage = rusage()
        unsafe getrusage(RUSAGE_SELF.rawValue, &usage)
        return usage.ru_maxrss >> 10
    }
}
