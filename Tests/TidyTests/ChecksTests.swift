import Testing

/// Each check must be able to fail: these show it failing, and passing.
struct ChecksTests {
    private func source(_ text: String, path: String = "Sources/ClusterModel/A.swift") -> SourceText {
        SourceText(path: path, text: text)
    }

    // MARK: Taking Swift apart

    @Test(arguments: [
        ("a // b", "a ", " b"), ("a /* b /* c */ d */ e", "a  e", " b  c  d "), (#"f("a // b")"#, #"f("")"#, ""),
        (##"f(#"a " b"#) // c"##, #"f("") "#, " c"), (#""\(f("x", y)) z" + w"#, #""(f("", y))" + w"#, ""), (#""\"" + a"#, #""" + a"#, ""),
        ("\"\"\"\na \" b\n\"\"\" + c", "\"\n\n\" + c", "\n\n"),
    ])
    func `code, comments and literals are told apart`(_ text: String, _ code: String, _ comments: String) {
        #expect(source(text).code.joined(separator: "\n") == code)
        #expect(source(text).comments.joined(separator: "\n") == comments)
    }

    // MARK: Imports

    private let table = """
        text

        | target | purpose | may import |
        | --- | --- | --- |
        | `muster` | the executable, `Wiring.swift` | ClusterLog, `ClusterModel`, ArgumentParser (commands) |
        | `ClusterLog`, `ClusterLogSQLite` | the log | ClusterModel, GRDB |
        | `ClusterModel` | the nouns | – |

        | target | no table | any more |
        """

    @Test func `the table is read with its backticks, lists and remarks`() {
        #expect(
            importTable(in: table) == [
                ImportRow(target: "muster", mayImport: ["ClusterLog", "ClusterModel", "ArgumentParser"]),
                ImportRow(target: "ClusterLog", mayImport: ["ClusterModel", "GRDB"]),
                ImportRow(target: "ClusterLogSQLite", mayImport: ["ClusterModel", "GRDB"]),
                ImportRow(target: "ClusterModel", mayImport: []),
            ])
        #expect(importTable(in: "no table") == [])
    }

    @Test(arguments: [
        "import GRDB", "package import GRDB", "@preconcurrency import GRDB", "import struct GRDB.Row", "  private import GRDB // x",
    ])
    func `an import is found however it is written`(_ line: String) {
        #expect(imports(of: source("let a = 1\n\(line)")).map(\.module) == ["GRDB"])
        #expect(forbiddenImports(in: [source(line)], table: importTable(in: table)).map(\.line) == [1])
        #expect(forbiddenImports(in: [source(line, path: "Sources/ClusterLog/A.swift")], table: importTable(in: table)) == [])
    }

    @Test func `a target without a row, a row without a target and a row that looks up are found`() {
        let rows = importTable(in: table)
        #expect(forbiddenImports(in: [source("", path: "Sources/New/A.swift")], table: rows).count == 1)
        #expect(forbiddenImports(in: [], table: rows + [ImportRow(target: "Low", mayImport: ["muster"])]).count == 1)
        #expect(forbiddenImports(in: [source("import Foundation")], table: rows) == [])
        let file = TreeFile(path: "Sources/muster/A.swift", byteCount: 0)
        #expect(rowsWithoutTarget(rows, tree: [file]).count == 3)
    }

    // MARK: Words

    @Test(arguments: BannedWord.all.map(\.word))
    func `a banned word is found in code and nowhere else`(_ word: String) {
        #expect(bannedWords(in: [source("let a = b; \(word)")], exceptions: []).count == 1)
        #expect(bannedWords(in: [source("// \(word)\nlet text = \"\(word)\"")], exceptions: []) == [])
    }

    @Test(arguments: [
        "blueprint(a)", "document.print(a)", ".public", "case `public`", "func `a public key`()", "let opened = 1", "Timestamp(Date)",
        "file.open(a)",
        "func open() {",
    ])
    func `a longer name or a member is no banned word`(_ line: String) {
        #expect(bannedWords(in: [source(line)], exceptions: []) == [])
    }

    @Test func `a word that needs a reason is taken with one, and free in tests`() {
        #expect(bannedWords(in: [source("try? a()  // the reason")], exceptions: []) == [])
        #expect(bannedWords(in: [source("// the reason\ntry? a()")], exceptions: []) == [])
        #expect(bannedWords(in: [source("/// What it does.\ntry? a()\n\n\n\n// too far")], exceptions: []).count == 1)
        #expect(bannedWords(in: [source("try? a()", path: "Tests/A.swift")], exceptions: []) == [])
        #expect(bannedWords(in: [source("try! a()", path: "Tests/A.swift")], exceptions: []).count == 1)
    }

    @Test func `an exception needs a reason and a use`() {
        let file = source("print(a)")
        let exception = Exception(path: file.path, word: "print(", reason: "it is the output")
        #expect(bannedWords(in: [file], exceptions: [exception]) == [])
        #expect(bannedWords(in: [source("a")], exceptions: [exception]).count == 1)
        #expect(bannedWords(in: [file], exceptions: [Exception(path: file.path, word: "print(", reason: "")]).count == 1)
    }

    @Test(arguments: [("// TODO: later", 1), ("/// FIXME", 1), ("// TODO(#12): later", 0), ("let text = \"TODO\"", 0), ("// mastodon", 0)])
    func `a note of work names its issue`(_ line: String, _ count: Int) {
        #expect(openNotes(in: [source(line)]).count == count)
    }

    // MARK: Lengths

    @Test func `a line is counted in characters`() {
        let limits = Lengths(lineColumns: 5)
        #expect(longLines(in: [source("äöüäö\nabcdef\n//cdef\n\"abcdef\"")], limits: limits).map(\.line) == [2, 3])
    }

    @Test func `a file is counted in lines and bytes`() {
        #expect(longFiles(in: [source("a\nb\nc")], limits: Lengths(fileLines: 2)).count == 1)
        #expect(longFiles(in: [source("a\nb")], limits: Lengths(fileLines: 2)) == [])
        #expect(largeFiles(in: [TreeFile(path: "a", byteCount: 500_001), TreeFile(path: "b", byteCount: 500_000)]).map(\.file) == ["a"])
    }

    @Test func `a function is counted from its signature to its last brace`() {
        let file = source(
            """
            protocol P {
                func requirement(_ a: Int) throws -> Int
                var size: Int { get }
                init(a: Int)
            }
            func one<A>(_ a: A, then: () -> Void = { }) throws(E) -> [A] where A: B {
                let text = "}"  // }
                items.map { $0.init(a) { } }
            }
            struct S {
                init() {
                    self.init(a: 1)
                }
            }
            """)
        #expect(
            functions(in: file) == [
                FunctionExtent(name: "one", line: 6, lineCount: 4), FunctionExtent(name: "init", line: 11, lineCount: 3),
            ])
        #expect(longFunctions(in: [file], limits: Lengths(functionLines: 3)).map(\.line) == [6])
    }

    // MARK: Documents

    @Test func `a link to a file that is not there is found`() {
        let text = """
            [a](b.md), [c](../README.md#part), [d](https://example.com/x), [e](#here), `[f](g.md)`
            ```
            [h](i.md)
            ```
            [j](missing.md "title") and [k](sub/)
            """
        let findings = brokenLinks(
            in: [MarkdownText(path: "Docs/a.md", text: text)], existing: ["Docs/b.md", "README.md", "Docs/sub"])
        #expect(findings == [Finding("Docs/a.md", 5, "the link to missing.md leads nowhere")])
    }

    @Test func `what does not belong at the top is found`() {
        #expect(strayEntries([".git", "Package.swift", "Sources", "Package.resolved", "notes.txt"]).map(\.file) == ["notes.txt"])
    }

    @Test func `a promise without its test is found`() {
        let test = SourceText(path: "Tests/LogTests/A.swift", text: "    @Test func `nothing is lost`() {}")
        let page = """
            | promise | test |
            | --- | --- |
            | a | LogTests/nothing is lost |
            | b | LogTests/nothing is found |
            | c | OtherTests/nothing is lost |
            """
        let findings = promisesWithoutTest(in: MarkdownText(path: "p.md", text: page), tests: [test])
        #expect(findings.map(\.line) == [4, 5])
    }
}
