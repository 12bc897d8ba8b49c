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

    @Test func `the top level holds what belongs there`() {
        expectNone(strayEntries(tree.topLevel))
    }

    private func expectNone(_ findings: [Finding], sourceLocation: SourceLocation = #_sourceLocation) {
        #expect(findings.isEmpty, "\n\(findings.map(\.description).joined(separator: "\n"))", sourceLocation: sourceLocation)
    }
}
