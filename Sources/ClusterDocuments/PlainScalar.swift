import ClusterModel

/// What an unquoted scalar means, by the core schema of YAML 1.2 (section 10.3.2) without floating point.
///
/// `yes`, `on` and `12:30` are texts, as that schema says. What only looks like a number is an error rather than
/// a text: no reader of the document should have to know which.
enum PlainScalar {
    case value(JSONValue)
    /// Neither a number that Muster takes nor clearly a text; with the reason.
    case odd(String)

    init(_ text: String) {
        switch text {
        case "", "~", "null", "Null", "NULL": self = .value(.null)
        case "true", "True", "TRUE": self = .value(.boolean(true))
        case "false", "False", "FALSE": self = .value(.boolean(false))
        default: self = PlainScalar(notWord: text)
        }
    }

    private init(notWord text: String) {
        let isSigned = text.hasPrefix("-") || text.hasPrefix("+")
        let digits = isSigned ? text.dropFirst() : text[...]
        guard PlainScalar.isWhole(digits) else {
            self = PlainScalar.isOtherNumber(digits) ? .odd("\"\(text.prefix(64))\" is not a whole number") : .value(.string(text))
            return
        }
        if digits.utf8.count > 1 && digits.hasPrefix("0") {
            self = .odd("\"\(text.prefix(64))\" is a number with leading zeros")
        } else if text.hasPrefix("+") || text == "-0" {
            self = .odd("\"\(text.prefix(64))\" is a number with a sign that it does not need")
        } else if let number = Int64(text) {
            self = .value(.integer(number))
        } else {
            self = .odd("\"\(text.prefix(64))\" is a number of more than 64 bits")
        }
    }

    private static func isWhole(_ text: Substring) -> Bool {
        !text.isEmpty && text.utf8.allSatisfy(isDigit)
    }

    /// Floating point, infinity, not-a-number, hexadecimal, octal.
    private static func isOtherNumber(_ text: Substring) -> Bool {
        if [".inf", ".Inf", ".INF", ".nan", ".NaN", ".NAN"].contains(text) { return true }
        for prefix in ["0x", "0o"] where text.hasPrefix(prefix) && text.utf8.count > 2 {
            return text.utf8.dropFirst(2).allSatisfy { Hex.nibble($0) != nil }
        }
        return isFloat(Array(text.utf8))
    }

    /// `[0-9]+(\.[0-9]*)?([eE][-+]?[0-9]+)?` or the same with `\.[0-9]+` before the exponent.
    private static func isFloat(_ text: [UInt8]) -> Bool {
        var rest = text[...]
        let whole = rest.prefix(while: isDigit).count
        rest = rest.dropFirst(whole)
        var fraction = 0
        if rest.first == UInt8(ascii: ".") {
            rest = rest.dropFirst()
            fraction = rest.prefix(while: isDigit).count
            rest = rest.dropFirst(fraction)
        }
        guard whole + fraction > 0 else { return false }
        guard let mark = rest.first else { return true }
        guard mark == UInt8(ascii: "e") || mark == UInt8(ascii: "E") else { return false }
        rest = rest.dropFirst()
        if let sign = rest.first, sign == UInt8(ascii: "-") || sign == UInt8(ascii: "+") { rest = rest.dropFirst() }
        return !rest.isEmpty && rest.allSatisfy(isDigit)
    }

    private static func isDigit(_ byte: UInt8) -> Bool { (0x30...0x39).contains(byte) }
}
