import Certificates
import ClusterModel
import FoundationEssentials
import SeededRandomness
import Testing

/// The readers against mutated files; see ``FuzzRun`` for longer runs.
@Suite(.serialized) struct FuzzTests {
    /// Throw-away keys, their certificates and files of them, made once by `openssl` and `keytool`.
    static func corpus() throws -> [(name: String, bytes: [UInt8])] {
        let folder = URL(filePath: #filePath).deletingLastPathComponent().path + "/Corpus"
        return try FileManager.default.contentsOfDirectory(atPath: folder).sorted().map { name in
            (name, Array(try Data(contentsOf: URL(filePath: "\(folder)/\(name)"))))
        }
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
        let run = FuzzRun("\(target)")
        var mutator = Mutator(generator: SplitMix64(seed: run.seed), corpus: files.map(\.bytes))
        let outcome = run.run { _ in
            files.randomElement(using: &mutator.generator).map { ($0.name, mutator.mutated($0.bytes)) }
        } target: {
            target.run($0)
        }
        // The limits let a file ask for some seconds of key derivation, twice here for two passwords; a debug build on a busy machine.
        #expect(outcome.worst < .seconds(30), "\(outcome.worstCase)")
        #expect(outcome.count > 0)
        #expect(outcome.grown < 512)
    }
}
