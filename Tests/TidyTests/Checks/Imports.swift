/// A row of the table that says who may import what.
struct ImportRow: Equatable {
    var target: String
    var mayImport: Set<String>
}

/// Modules of the toolchain, which every target may import.
let freeModules: Set<String> = ["Foundation", "FoundationEssentials", "Synchronization", "Glibc", "Darwin", "Musl", "System", "Testing"]

/// Reads the first Markdown table whose header begins with `| target |`; the last column says what may be imported.
func importTable(in markdown: String) -> [ImportRow] {
    let lines = markdown.split(separator: "\n", omittingEmptySubsequences: false).map { cells(of: $0) }
    guard let header = lines.firstIndex(where: { $0.first?.lowercased() == "target" }) else { return [] }
    return lines[(header + 1)...].prefix { $0.count > 1 }.dropFirst().flatMap { cells in
        let allowed = Set(names(in: cells.last ?? ""))
        return names(in: cells.first ?? "").map { ImportRow(target: $0, mayImport: allowed) }
    }
}

private func cells(of line: Substring) -> [String] {
    guard line.hasPrefix("|") else { return [] }
    let parts = line.split(separator: "|", omittingEmptySubsequences: false).dropFirst()
    return parts.map { String($0.trimmed) }.dropLast(parts.last?.trimmed.isEmpty == true ? 1 : 0)
}

/// The names in a cell: separated by commas, in backticks or not, without what stands in parentheses.
private func names(in cell: String) -> [String] {
    cell.split(separator: ",").map { part in
        String(part.prefix { $0 != "(" }.trimmed.filter { $0 != "`" })
    }.filter { $0.allSatisfy { $0.isLetter || $0.isNumber || $0 == "_" } && !$0.isEmpty }
}

extension Substring {
    fileprivate var trimmed: Substring {
        var text = self.drop { $0.isWhitespace }
        while text.last?.isWhitespace == true { text = text.dropLast() }
        return text
    }
}

/// The modules that a file imports, each with its line.
func imports(of file: SourceText) -> [(module: String, line: Int)] {
    file.code.enumerated().compactMap { index, line in
        var words = line.split(separator: " ").map(String.init)[...]
        words = words.drop { $0.hasPrefix("@") || ["package", "private", "fileprivate", "internal", "public"].contains($0) }
        guard words.popFirst() == "import" else { return nil }
        words = words.drop { ["struct", "class", "enum", "protocol", "func", "var", "let", "typealias"].contains($0) }
        return words.first.map { (String($0.prefix { $0 != "." }), index + 1) }
    }
}

/// Compares the imports of every target with the table.
///
/// Also wrong: a target without a row, a row without a target, a row that allows a target above it.
func forbiddenImports(in files: [SourceText], table: [ImportRow]) -> [Finding] {
    var findings: [Finding] = []
    let rows = Dictionary(table.map { ($0.target, $0.mayImport) }) { $0.union($1) }
    for file in files {
        let folders = file.path.split(separator: "/").map(String.init)
        guard let target = folders.first == "Sources" ? folders.dropFirst().first : folders.first else { continue }
        guard let allowed = rows[target] else {
            findings.append(Finding(file.path, nil, "the target \(target) has no row in the table"))
            continue
        }
        for (module, line) in imports(of: file) where !freeModules.contains(module) && !allowed.contains(module) {
            findings.append(Finding(file.path, line, "\(target) may not import \(module): see the table in Docs/architecture.md"))
        }
    }
    for (index, row) in table.enumerated() {
        let above = Set(table[...index].map(\.target))
        for target in row.mayImport.intersection(above).sorted() {
            findings.append(Finding("Docs/architecture.md", nil, "\(row.target) may not import \(target), which stands above it"))
        }
    }
    return findings
}

/// Finds rows of the table that no folder keeps.
func rowsWithoutTarget(_ table: [ImportRow], tree: [TreeFile]) -> [Finding] {
    table.filter { row in
        !tree.contains { $0.path.hasPrefix("Sources/\(row.target)/") || $0.path.hasPrefix("\(row.target)/") }
    }.map { Finding("Docs/architecture.md", nil, "the table has a row for \($0.target), which has no folder") }
}
