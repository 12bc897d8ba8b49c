/// Finds promises whose test is not there: each row of a table in the page ends with `FOLDER/name of the test`.
func promisesWithoutTest(in page: MarkdownText, tests: [SourceText]) -> [Finding] {
    var names: [Substring: Set<String>] = [:]
    for file in tests {
        let folder = file.path.split(separator: "/").dropFirst().first ?? ""
        for line in file.lines {
            guard let start = line.range(of: "func `") else { continue }
            names[folder, default: []].insert(String(line[start.upperBound...].prefix { $0 != "`" }))
        }
    }
    return promises(in: page.text).compactMap { line, test in
        let parts = test.split(separator: "/", maxSplits: 1)
        guard parts.count == 2, names[parts[0]]?.contains(String(parts[1])) == true else {
            return Finding(page.path, line, "there is no test \(test)")
        }
        return nil
    }
}

/// The last column of every row, headings left out.
private func promises(in markdown: String) -> [(line: Int, test: String)] {
    markdown.split(separator: "\n", omittingEmptySubsequences: false).enumerated().compactMap { index, line in
        let cells = line.split(separator: "|").map { $0.trimmed }
        guard line.hasPrefix("|"), let test = cells.last, test != "test", !test.hasPrefix("---") else { return nil }
        return (index + 1, String(test))
    }
}

extension Substring {
    fileprivate var trimmed: Substring {
        let start = drop { $0 == " " }
        return start[..<(start.lastIndex { $0 != " " }.map { start.index(after: $0) } ?? start.startIndex)]
    }
}

extension String {
    /// The first place of some text.
    fileprivate func range(of text: String) -> Range<Index>? {
        indices.lazy.filter { self[$0...].hasPrefix(text) }.first.map { $0..<index($0, offsetBy: text.count) }
    }
}
