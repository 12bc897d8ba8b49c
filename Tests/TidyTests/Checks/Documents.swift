/// A Markdown file.
struct MarkdownText {
    var path: String
    var text: String
}

/// Finds links to files that are not there. Links to other sites and within a page are not looked at.
func brokenLinks(in documents: [MarkdownText], existing: Set<String>) -> [Finding] {
    documents.flatMap { document in
        links(in: document.text).compactMap { line, target in
            guard !target.contains("://"), !target.hasPrefix("#"), !target.hasPrefix("mailto:") else { return nil }
            let file = target.prefix { $0 != "#" }
            let folder = document.path.split(separator: "/").dropLast().map(String.init)
            let path = resolved(String(file), from: folder)
            return existing.contains(path) ? nil : Finding(document.path, line, "the link to \(target) leads nowhere")
        }
    }
}

/// What stands in `](…)` outside of code.
private func links(in markdown: String) -> [(line: Int, target: String)] {
    var found: [(Int, String)] = []
    var isCode = false
    for (index, line) in markdown.split(separator: "\n", omittingEmptySubsequences: false).enumerated() {
        if line.hasPrefix("```") { isCode.toggle() }
        guard !isCode else { continue }
        let prose = line.split(separator: "`", omittingEmptySubsequences: false).enumerated()
            .map { $0.isMultiple(of: 2) ? String($1) : "code" }.joined()
        for part in prose.split(separator: "](", omittingEmptySubsequences: false).dropFirst() {
            let target = part.prefix { $0 != ")" && $0 != " " }
            found.append((index + 1, String(target)))
        }
    }
    return found
}

private func resolved(_ link: String, from folder: [String]) -> String {
    var parts = folder
    for part in link.split(separator: "/") where part != "." {
        if part == ".." { parts = parts.dropLast() } else { parts.append(String(part)) }
    }
    return parts.joined(separator: "/")
}

/// Finds what does not belong at the top of the package: only these, what begins with a dot, and what git ignores.
func strayEntries(_ topLevel: [String], ignored: Set<String> = ["Package.resolved"]) -> [Finding] {
    let allowed: Set<String> = ["Package.swift", "Sources", "Tests", "ClusterFixtures", "Docs", "README.md"]
    return topLevel.filter { !allowed.contains($0) && !ignored.contains($0) && !$0.hasPrefix(".") }
        .map { Finding($0, nil, "this does not belong at the top level; put it in a folder or remove it") }
}
