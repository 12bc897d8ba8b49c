import AdminFixtures
import ClusterModel
import Testing

// Serialized: each case is a process, and a hundred at once would starve each other of the processor.
@Suite("What the help of settings teaches works", .serialized, .timeLimit(.minutes(2)))
struct ExampleTests {
    /// The nouns of sections, certificates aside: their examples want files.
    static let nouns = [
        "system", "interface", "listener", "policy", "destination", "delivery", "tls-profile", "ldap", "web-security", "service", "alert",
    ]

    @Test(arguments: nouns)
    func `every example of a section's noun is taken as it stands`(_ noun: String) async throws {
        let dump = try await muster(["--experimental-dump-help"])
        let root = try JSONValue(parsing: dump.output.utf8)["command"] ?? .null
        let command = try #require(root["subcommands"]?.items?.first { $0["commandName"]?.text == noun })
        let verbs = try #require(command["subcommands"]?.items)
        let names = Set(verbs.compactMap { $0["commandName"]?.text })
        #expect(names.isSuperset(of: ["show", "set", "unset"]))
        let examples = Set(([command] + verbs).compactMap { $0["discussion"]?.text }.flatMap(ExampleTests.examples))
        #expect(examples.contains { $0.starts(with: ["muster", noun, "set"]) })
        try await RunningServer.with(FixedService()) { server in
            for example in examples.sorted(by: { $0.joined() < $1.joined() }) {
                let run = try await muster(Array(example.dropFirst()), profile: server.profile)
                // Of what the fixture does not hold, the answer is that there is none.
                let isKnown = run.status == 0 || run.error.contains("is no recipient") || run.error.contains("says nothing about")
                #expect(isKnown, "\(example.joined(separator: " ")): \(run.error)")
            }
        }
    }

    /// The lines of a discussion that are commands, as words.
    private static func examples(in discussion: String) -> [[String]] {
        discussion.replacing("\\\n", with: " ").split(separator: "\n").filter { $0.hasPrefix("  muster ") }.map { line in
            line.split(separator: "'", omittingEmptySubsequences: false).enumerated().flatMap { index, part in
                index.isMultiple(of: 2) ? part.split(separator: " ").map(String.init) : [String(part)]
            }
        }
    }
}
