import AdminFixtures
import FoundationEssentials
import Testing

// Against a fixed service. Serialized: each case is a process, and a hundred at once would starve each other of the processor.
@Suite("Guides say what the commands take", .serialized, .timeLimit(.minutes(2)))
struct GuideCommandsTests {
    @Test(arguments: ["changes"])
    func `every command of a guide is one`(_ guide: String) async throws {
        let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
        let text = try String(contentsOf: root.appending(path: "Docs/guides/\(guide).md"), encoding: .utf8)
        let commands = text.split(separator: "\n").filter { $0.hasPrefix("muster ") }
        #expect(commands.count > 10)
        try await RunningServer.with(FixedService()) { server in
            for command in commands {
                let run = try await muster(Array(GuideCommandsTests.words(command).dropFirst()), profile: server.profile)
                #expect(run.status == 0, "\(command): \(run.error)")
            }
        }
    }

    /// A command line's words, as far as a redirection; quoted ones are one word.
    private static func words(_ line: Substring) -> [String] {
        var words: [String] = [""]
        var isQuoted = false
        for character in line.prefix(while: { $0 != ">" }) {
            switch character {
            case "\"", "'": isQuoted.toggle()
            case " " where !isQuoted: words.append("")
            default: words[words.count - 1].append(character)
            }
        }
        return words.filter { !$0.isEmpty }
    }
}
