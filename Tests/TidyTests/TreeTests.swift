import Testing

/// Where a banned word is right.
private let exceptions = [
    Exception(path: "Tests/SeededRandomness/FuzzRun.swift", word: "print(", reason: "who repeats a run needs its seed"),
    Exception(path: "Sources/muster/Wiring.swift", word: "Date.now", reason: "the one place that the time comes from"),
    Exception(
        path: "Tests/ReplicationTests/Simulation/SimulationTests.swift", word: "print(", reason: "who replays one seed reads its story"),
]

/// The checks, over this package.
struct TreeTests {
    private let tree: SourceTree

    init() throws {
        tree = try SourceTree.package.get()
    }

    @Test func `every target imports what its row in Docs, architecture allows`() throws {
        let table = importTable(in: try #require(tree["Docs/architecture.md"]))
        #expect(table.count > 10)
        expectNone(forbiddenImports(in: tree.swift(under: "Sources", "ClusterFixtures"), table: table))
        expectNone(rowsWithoutTarget(table, tree: tree.files))
    }

    @Test func `no banned word is used without a reason`() {
        expectNone(bannedWords(in: tree.swift(under: "Sources", "ClusterFixtures", "Tests"), exceptions: exceptions))
    }

    @Test func `work to be done names its issue`() {
        expectNone(openNotes(in: tree.swift(under: "Sources", "ClusterFixtures", "Tests")))
    }

    @Test func `lines, functions and files keep their limits`() {
        let sources = tree.swift(under: "Sources", "ClusterFixtures")
        expectNone(longLines(in: sources))
        expectNone(longFunctions(in: sources))
        expectNone(longFiles(in: sources))
        expectNone(largeFiles(in: tree.files))
    }

    @Test func `every link in the documents leads to a file`() {
        let documents = tree.files.compactMap { file in
            file.path.hasSuffix(".md") ? file.text.map { MarkdownText(path: file.path, text: $0) } : nil
        }
        let paths = tree.files.map(\.path)
        let folders = paths.flatMap { path in
            let parts = path.split(separator: "/")
            return (1..<max(1, parts.count)).map { parts.prefix($0).joined(separator: "/") }
        }
        expectNone(brokenLinks(in: documents, existing: Set(paths + folders)))
    }

    @Test func `every promise has its test`() throws {
        let page = MarkdownText(path: "Docs/guarantees.md", text: try #require(tree["Docs/guarantees.md"]))
        expectNone(promisesWithoutTest(in: page, tests: tree.swift(under: "Tests")))
    }

    @Test func `a section is one file and one line, as the guide to adding one says`() throws {
        let guide = try #require(tree["Docs/guides/adding-a-section.md"])
        let example = try #require(tree["Tests/ClusterModelTests/GreetingSection.swift"])
        let compiled = example.replacing("package import ClusterModel\n\n", with: "")
        #expect(guide.contains("```swift\n\(compiled)```"), "the example is not what is compiled")
        let list = try #require(tree["Sources/ClusterModel/Settings/Section.swift"]?.split(separator: "static let all: [Section] = [").last)
        let named = list.prefix { $0 != "]" }.split { !$0.isLetter }.map(String.init)
        #expect(named.count > 10)
        let files = tree.swift(under: "Sources").filter { $0.path.hasPrefix("Sources/ClusterModel/Settings/Sections/") }
        let held = files.map { file in
            file.code.filter { $0.contains("= Section(") }.compactMap { $0.split { !$0.isLetter }.dropFirst(3).first.map(String.init) }
        }
        #expect(held.allSatisfy { $0.count == 1 }, "\(held)")
        #expect(held.flatMap(\.self).sorted() == named.sorted())
        for path in ["Sources/muster/Muster.swift", "Tests/ClusterModelTests/SectionTests.swift"] {
            #expect(guide.contains(path) && tree[path] != nil)
        }
        let names = guide.split(separator: "`").filter { $0.hasSuffix(".swift") && !$0.contains("/") }
        for name in names { #expect(files.contains { $0.path.hasSuffix("/\(name)") }, "\(name)") }
    }

    @Test func `the top level holds what belongs there`() {
        expectNone(strayEntries(tree.topLevel))
    }

    private func expectNone(_ findings: [Finding], sourceLocation: SourceLocation = #_sourceLocation) {
        #expect(findings.isEmpty, "\n\(findings.map(\.description).joined(separator: "\n"))", sourceLocation: sourceLocation)
    }
}
