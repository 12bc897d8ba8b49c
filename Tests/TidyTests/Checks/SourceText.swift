/// A Swift file taken apart, so that a word in a comment or a literal is not mistaken for code.
struct SourceText {
    var path: String
    /// The lines as they are.
    var lines: [String]
    /// The same lines without comments and without what literals say; interpolated code stays.
    var code: [String]
    /// What the comments on each line say.
    var comments: [String]

    init(path: String, text: String) {
        var scanner = SwiftScanner(text)
        scanner.scan()
        self.path = path
        lines = SourceText.lines(of: text)
        code = SourceText.lines(of: String(decoding: scanner.code, as: UTF8.self))
        comments = SourceText.lines(of: String(decoding: scanner.comments, as: UTF8.self))
    }

    private static func lines(of text: String) -> [String] {
        text.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
    }
}

/// Tells code, comments and literals apart. Enough of Swift's lexical rules for that: nested comments, raw and
/// multi-line literals, literals inside interpolations.
private struct SwiftScanner {
    private enum Mode {
        /// Code; inside an interpolation with the number of its open parentheses.
        case code(parentheses: Int?)
        case literal(pounds: Int, isMultiline: Bool)
        case lineComment
        case blockComment(depth: Int)
    }

    private let bytes: [UInt8]
    private var position = 0
    private var modes = [Mode.code(parentheses: nil)]
    private(set) var code: [UInt8] = []
    private(set) var comments: [UInt8] = []

    init(_ text: String) {
        bytes = Array(text.utf8)
    }

    mutating func scan() {
        while position < bytes.count, let mode = modes.last {
            if bytes[position] == UInt8(ascii: "\n") {
                if case .lineComment = mode { modes.removeLast() }
                code.append(bytes[position])
                comments.append(bytes[position])
                position += 1
                continue
            }
            switch mode {
            case .code(let parentheses): scanCode(parentheses)
            case .literal(let pounds, let isMultiline): scanLiteral(pounds, isMultiline)
            case .lineComment: comments.append(take())
            case .blockComment(let depth): scanBlockComment(depth)
            }
        }
    }

    private mutating func scanCode(_ parentheses: Int?) {
        if takes("//") {
            modes.append(.lineComment)
        } else if takes("/*") {
            modes.append(.blockComment(depth: 1))
        } else if let pounds = literalStart() {
            position += pounds
            let isMultiline = takes("\"\"\"")
            if !isMultiline { position += 1 }
            code.append(UInt8(ascii: "\""))
            modes.append(.literal(pounds: pounds, isMultiline: isMultiline))
        } else if takes("`") {
            skipEscapedName()
        } else {
            let byte = take()
            if let parentheses {
                let count = parentheses + (byte == UInt8(ascii: "(") ? 1 : byte == UInt8(ascii: ")") ? -1 : 0)
                modes.removeLast()
                if count > 0 { modes.append(.code(parentheses: count)) }
            }
            code.append(byte)
        }
    }

    /// A name in backticks may be a sentence; it is no code.
    private mutating func skipEscapedName() {
        code.append(contentsOf: "``".utf8)
        while position < bytes.count, bytes[position] != UInt8(ascii: "\n"), take() != UInt8(ascii: "`") {}
    }

    /// How many pound signs precede the quotation mark that begins a literal here.
    private func literalStart() -> Int? {
        let pounds = bytes[position...].prefix { $0 == UInt8(ascii: "#") }.count
        let next = position + pounds
        return next < bytes.count && bytes[next] == UInt8(ascii: "\"") ? pounds : nil
    }

    private mutating func scanLiteral(_ pounds: Int, _ isMultiline: Bool) {
        let hashes = String(repeating: "#", count: pounds)
        if takes((isMultiline ? "\"\"\"" : "\"") + hashes) {
            code.append(UInt8(ascii: "\""))
            modes.removeLast()
        } else if takes("\\" + hashes + "(") {
            code.append(UInt8(ascii: "("))
            modes.append(.code(parentheses: 1))
        } else if takes("\\" + hashes) {
            if position < bytes.count, bytes[position] != UInt8(ascii: "\n") { position += 1 }
        } else {
            position += 1
        }
    }

    private mutating func scanBlockComment(_ depth: Int) {
        if takes("*/") {
            modes.removeLast()
            if depth > 1 { modes.append(.blockComment(depth: depth - 1)) }
        } else if takes("/*") {
            modes.removeLast()
            modes.append(.blockComment(depth: depth + 1))
        } else {
            comments.append(take())
        }
    }

    private mutating func take() -> UInt8 {
        defer { position += 1 }
        return bytes[position]
    }

    private mutating func takes(_ text: String) -> Bool {
        guard bytes[position] == text.utf8.first, bytes[position...].starts(with: text.utf8) else { return false }
        position += text.utf8.count
        return true
    }
}
