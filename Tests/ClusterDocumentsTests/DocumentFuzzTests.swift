import ClusterDocuments
import ClusterFixtures
import ClusterModel
import SeededRandomness
import Testing

/// The readers of documents against mutated texts; see ``FuzzRun`` for longer runs.
@Suite(.serialized) struct DocumentFuzzTests {
    @Test(.timeLimit(.minutes(3)), arguments: DocumentFuzzTarget.allCases)
    func `no reader of documents traps at a good or bad text, or one cut off at any byte`(_ target: DocumentFuzzTarget) throws {
        let corpus = try DocumentCorpus.texts()
        #expect(corpus.count > 50)
        for (_, bytes) in corpus {
            target.run(bytes)
            // Long ones are cut at fewer places: what follows is more of the same.
            for count in stride(from: 0, to: bytes.count, by: max(1, bytes.count / 60)) { target.run(Array(bytes[..<count])) }
        }
    }

    @Test(.timeLimit(.minutes(3))) func `the demo cut off at every byte, and with every bit flipped`() throws {
        let demo = Array(ClusterFixtures.demo.utf8)
        for count in demo.indices { DocumentFuzzTarget.document.run(Array(demo[..<count])) }
        for place in demo.indices {
            var bytes = demo
            bytes[place] ^= 1 << UInt8(place % 8)
            DocumentFuzzTarget.document.run(bytes)
        }
    }

    @Test(.timeLimit(.minutes(30)), arguments: DocumentFuzzTarget.allCases)
    func `no reader of documents traps, hangs or eats memory at mutated texts`(_ target: DocumentFuzzTarget) throws {
        let texts = try DocumentCorpus.texts()
        let run = FuzzRun("\(target)", seconds: 2)
        var mutator = TextMutator(random: SplitMix64(seed: run.seed), corpus: texts.map(\.bytes))
        let outcome = run.run { _ in
            let text = mutator.random.pick(texts)
            return (text.name, mutator.mutated(text.bytes))
        } target: {
            target.run($0)
        }
        #expect(outcome.count > 0)
        // A mebibyte of YAML in a debug build on a busy machine.
        #expect(outcome.worst < .seconds(30), "\(outcome.worstCase)")
        #expect(outcome.grown < 512)
    }

    @Test(
        .timeLimit(.minutes(2)),
        arguments: [
            ("a list in a list", "[", ""), ("a map in a map", "{a: ", ""), ("a block in a block", "- ", "a"), ("a key in a key", "? ", "a"),
            ("JSON's list in a list", "[", "1"),
        ])
    func `deep nesting is refused at once`(_ what: String, _ opening: String, _ end: String) {
        let text = String(repeating: opening, count: 100_000 / opening.utf8.count) + end
        let start = ContinuousClock.now
        for target in DocumentFuzzTarget.allCases { target.run(Array(text.utf8)) }
        #expect(!errors(of: text).isEmpty)
        #expect(ContinuousClock.now - start < .seconds(20), "\(what)")
    }

    @Test func `a text over the limit is not even looked at`() {
        let text = String(repeating: "a", count: Limits.documentBytes + 1)
        #expect(errors(of: text) == ["1:1: the text has over \(Limits.documentBytes) bytes"])
    }
}
