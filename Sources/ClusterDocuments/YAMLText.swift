package import ClusterModel

/// Writes YAML for people: block style, keys sorted, quotes only where they are needed.
package enum YAMLText {
    /// The value as YAML that ``EntryReader`` reads back as the same value, ending with a newline.
    ///
    /// One thing is lost on the way back: a byte order mark (U+FEFF) at the beginning of a text.
    package static func write(_ value: JSONValue) -> String {
        block(of: value).map { $0 + "\n" }.joined()
    }

    /// The lines of a value that stands by itself.
    private static func block(of value: JSONValue) -> [String] {
        switch value {
        case .object(let members) where !members.isEmpty:
            members.sorted { $0.key.utf8.lexicographicallyPrecedes($1.key.utf8) }.flatMap { key, value in
                let head = scalar(key) + ":"
                if let inline = inline(value) { return ["\(head) \(inline)"] }
                return [head] + block(of: value).map { "  " + $0 }
            }
        case .array(let items) where !items.isEmpty:
            items.flatMap { item in
                let lines = inline(item).map { [$0] } ?? block(of: item)
                return lines.enumerated().map { ($0 == 0 ? "- " : "  ") + $1 }
            }
        default: [inline(value) ?? ""]
        }
    }

    /// The value on the line of its key; nil for one that takes lines of its own.
    private static func inline(_ value: JSONValue) -> String? {
        switch value {
        case .null: "null"
        case .boolean(let value): value ? "true" : "false"
        case .integer(let value): String(value)
        case .string(let text): scalar(text)
        case .array(let items): items.isEmpty ? "[]" : nil
        case .object(let members): members.isEmpty ? "{}" : nil
        }
    }

    private static func scalar(_ text: String) -> String {
        isPlain(text) ? text : quoted(text)
    }
}

// MARK: - Texts

extension YAMLText {
    /// Whether every YAML reader, of version 1.1 too, takes the text without quotes for the same text.
    private static func isPlain(_ text: String) -> Bool {
        guard let first = text.unicodeScalars.first, let last = text.unicodeScalars.last else { return false }
        guard isLetter(first) || isDigit(first) || "./_$".unicodeScalars.contains(first), last != " ", last != ":",
            !text.hasPrefix("...")
        else { return false }
        guard text.unicodeScalars.allSatisfy({ isLetter($0) || isDigit($0) || " ./_-+@:=()$".unicodeScalars.contains($0) }) else {
            return false
        }
        return !text.contains(": ") && !isWord(text) && !looksLikeNumber(text)
    }

    private static func isLetter(_ scalar: Unicode.Scalar) -> Bool {
        scalar.isASCII ? scalar.properties.isAlphabetic : scalar.properties.isAlphabetic && !scalar.properties.isDefaultIgnorableCodePoint
    }

    private static func isDigit(_ scalar: Unicode.Scalar) -> Bool { ("0"..."9").contains(scalar) }

    /// The words that version 1.1 reads as true, false or nothing.
    private static func isWord(_ text: String) -> Bool {
        ["y", "n", "yes", "no", "on", "off", "true", "false", "null"].contains(text.lowercased())
    }

    /// Numbers of any version: with underscores, in base 60, dates, what has an exponent.
    private static func looksLikeNumber(_ text: String) -> Bool {
        guard case .value(.string) = PlainScalar(text) else { return true }
        let start = text.unicodeScalars.first.map { isDigit($0) || $0 == "." } ?? false
        guard start, text.unicodeScalars.count(where: { $0 == "." }) < 2 else { return false }
        return text.unicodeScalars.allSatisfy { isDigit($0) || "._-+:eExXoObBtTzZ ".unicodeScalars.contains($0) }
    }

    private static func quoted(_ text: String) -> String {
        var result = "\""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"": result += "\\\""
            case "\\": result += "\\\\"
            case "\n": result += "\\n"
            case "\t": result += "\\t"
            case "\r": result += "\\r"
            case " "..."~": result.unicodeScalars.append(scalar)
            case _ where isLetter(scalar): result.unicodeScalars.append(scalar)
            default: result += "\\U" + Hex.encode((0..<4).map { UInt8(truncatingIfNeeded: scalar.value >> (24 - 8 * $0)) })
            }
        }
        return result + "\""
    }
}
