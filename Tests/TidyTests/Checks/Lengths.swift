/// How long things may be; ratchets that only ever go down.
struct Lengths {
    var lineColumns = 140
    var functionLines = 70
    var fileLines = 500
    var fileBytes = 500_000
}

/// Finds lines that are too long to read beside another window.
///
/// A sentence for people stays in one piece, so that a search finds it: what a literal says is not counted.
func longLines(in files: [SourceText], limits: Lengths = Lengths()) -> [Finding] {
    files.flatMap { file in
        file.lines.indices.compactMap { index in
            let comment = file.comments[index].isEmpty ? 0 : file.comments[index].count + 2
            let count = file.code[index].count + comment
            let text = "\(count) columns besides literals; at most \(limits.lineColumns)"
            return count > limits.lineColumns ? Finding(file.path, index + 1, text) : nil
        }
    }
}

/// Finds Swift files with too many lines.
func longFiles(in files: [SourceText], limits: Lengths = Lengths()) -> [Finding] {
    files.compactMap { file in
        file.lines.count > limits.fileLines
            ? Finding(file.path, nil, "\(file.lines.count) lines; at most \(limits.fileLines): cut it where it has two subjects") : nil
    }
}

/// Finds files that are too large for a repository of text.
func largeFiles(in files: [TreeFile], limits: Lengths = Lengths()) -> [Finding] {
    files.compactMap { file in
        file.byteCount > limits.fileBytes ? Finding(file.path, nil, "\(file.byteCount) bytes; at most \(limits.fileBytes)") : nil
    }
}

/// Finds functions, initialisers and subscripts with too many lines, signature included.
func longFunctions(in files: [SourceText], limits: Lengths = Lengths()) -> [Finding] {
    files.flatMap { file in
        functions(in: file).compactMap { function in
            function.lineCount > limits.functionLines
                ? Finding(file.path, function.line, "\(function.name) has \(function.lineCount) lines; at most \(limits.functionLines)")
                : nil
        }
    }
}

/// A function with a body, as far as counting braces tells.
struct FunctionExtent: Equatable {
    var name: String
    var line: Int
    var lineCount: Int
}

/// The functions of a file with the lines from signature to closing brace.
func functions(in file: SourceText) -> [FunctionExtent] {
    var found: [FunctionExtent] = []
    let tokens = tokens(of: file.code)
    for (index, token) in tokens.enumerated() {
        guard ["func", "init", "deinit", "subscript"].contains(token.text) else { continue }
        let before = index > 0 ? tokens[index - 1].text : ""
        guard before != ".", let end = endOfBody(tokens[(index + 1)...]) else { continue }
        let name = String(token.text == "func" && index + 1 < tokens.count ? tokens[index + 1].text : token.text)
        found.append(FunctionExtent(name: name, line: token.line, lineCount: end - token.line + 1))
    }
    return found
}

private struct Token {
    var text: Substring
    var line: Int
}

/// Names and single signs, which is all that counting braces needs.
private func tokens(of code: [String]) -> [Token] {
    code.enumerated().flatMap { index, line in
        var tokens: [Token] = []
        var rest = line[...]
        while let first = rest.first {
            let name = rest.prefix { $0.isLetter || $0.isNumber || $0 == "_" }
            let text = name.isEmpty ? rest.prefix(1) : name
            if !first.isWhitespace { tokens.append(Token(text: text, line: index + 1)) }
            rest = rest.dropFirst(text.count)
        }
        return tokens
    }
}

/// The line on which a body ends whose signature begins here; nil for a requirement without a body.
private func endOfBody(_ tokens: ArraySlice<Token>) -> Int? {
    var parentheses = 0
    var braces = 0
    for token in tokens {
        switch token.text {
        case "(", "[": if braces == 0 { parentheses += 1 }
        case ")", "]": if braces == 0 { parentheses -= 1 }
        case "{" where parentheses == 0: braces += 1
        case "}" where parentheses == 0:
            braces -= 1
            if braces <= 0 { return braces == 0 ? token.line : nil }
        case "func", "var", "let", "case", "init", "associatedtype", "static", "package", "subscript":
            if braces == 0 && parentheses == 0 { return nil }
        default: break
        }
    }
    return nil
}
