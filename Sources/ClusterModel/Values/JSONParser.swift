#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// Why some bytes are not a JSON value that Muster takes.
package struct JSONError: Error, Hashable, Sendable, CustomStringConvertible {
    /// Where reading stopped, counted in bytes from the start.
    package var offset: Int
    /// What was wrong there.
    package var reason: String

    package init(offset: Int, reason: String) {
        self.offset = offset
        self.reason = reason
    }

    package var description: String { "at byte \(offset): \(reason)" }
}

extension JSONValue {
    /// Reads one JSON value that takes up all the bytes.
    ///
    /// Refused besides what RFC 8259 refuses: numbers with a fraction or an exponent, a key given twice, more
    /// than ``Limits/jsonDepth`` levels (or as many as `depth` says).
    package init(parsing bytes: some Collection<UInt8>, depth: Int = Limits.jsonDepth) throws(JSONError) {
        var parser = JSONParser(bytes: Array(bytes), deepest: depth)
        self = try parser.document()
    }

    /// Encodes any value through its `Codable` form.
    package init(encoding value: some Encodable) throws {
        self = try JSONValue(parsing: JSONEncoder().encode(value))
    }
}

/// A recursive-descent reader of RFC 8259, for trusted and untrusted bytes alike.
private struct JSONParser {
    let bytes: [UInt8]
    /// How many levels may lie around a value.
    let deepest: Int
    var position = 0

    mutating func document() throws(JSONError) -> JSONValue {
        let value = try value(depth: 0)
        skipSpace()
        guard position == bytes.count else { throw failure("text after the end of the value") }
        return value
    }

    private mutating func value(depth: Int) throws(JSONError) -> JSONValue {
        guard depth <= deepest else { throw failure("nested more than \(deepest) levels deep") }
        skipSpace()
        guard let next = peek else { throw failure("the value ends too early") }
        switch next {
        case UInt8(ascii: "{"): return try object(depth: depth)
        case UInt8(ascii: "["): return try array(depth: depth)
        case UInt8(ascii: "\""): return .string(try string())
        case UInt8(ascii: "t"): return try word("true", .boolean(true))
        case UInt8(ascii: "f"): return try word("false", .boolean(false))
        case UInt8(ascii: "n"): return try word("null", .null)
        case UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"): return try number()
        default: throw failure("expected a value")
        }
    }

    private mutating func object(depth: Int) throws(JSONError) -> JSONValue {
        position += 1
        var members: [String: JSONValue] = [:]
        skipSpace()
        if take(UInt8(ascii: "}")) { return .object(members) }
        while true {
            skipSpace()
            guard peek == UInt8(ascii: "\"") else { throw failure("expected a key") }
            let key = try string()
            skipSpace()
            guard take(UInt8(ascii: ":")) else { throw failure("expected a colon after the key") }
            let value = try value(depth: depth + 1)
            guard members.updateValue(value, forKey: key) == nil else {
                throw failure("the key \"\(key.prefix(Limits.nameLength))\" is given twice")
            }
            skipSpace()
            if take(UInt8(ascii: ",")) { continue }
            guard take(UInt8(ascii: "}")) else { throw failure("expected a comma or the end of the map") }
            return .object(members)
        }
    }

    private mutating func array(depth: Int) throws(JSONError) -> JSONValue {
        position += 1
        var items: [JSONValue] = []
        skipSpace()
        if take(UInt8(ascii: "]")) { return .array(items) }
        while true {
            items.append(try value(depth: depth + 1))
            skipSpace()
            if take(UInt8(ascii: ",")) { continue }
            guard take(UInt8(ascii: "]")) else { throw failure("expected a comma or the end of the list") }
            return .array(items)
        }
    }

    private mutating func number() throws(JSONError) -> JSONValue {
        let start = position
        _ = take(UInt8(ascii: "-"))
        let firstDigit = peek
        while let next = peek, (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(next) { position += 1 }
        if let next = peek, next == UInt8(ascii: ".") || next == UInt8(ascii: "e") || next == UInt8(ascii: "E") {
            throw failure("only whole numbers are taken")
        }
        let text = String(decoding: bytes[start..<position], as: UTF8.self)
        let digits = text.hasPrefix("-") ? text.utf8.count - 1 : text.utf8.count
        guard let value = Int64(text), digits == 1 || firstDigit != UInt8(ascii: "0"), text != "-0" else {
            throw failure("not a whole number of 64 bits")
        }
        return .integer(value)
    }

    private mutating func string() throws(JSONError) -> String {
        position += 1
        // Nearly every text stands there as it is, without an escape.
        var end = position
        while end < bytes.count, bytes[end] >= 0x20, bytes[end] != UInt8(ascii: "\""), bytes[end] != UInt8(ascii: "\\") { end += 1 }
        guard end < bytes.count, bytes[end] == UInt8(ascii: "\"") else { return try stringWithEscapes() }
        guard let string = String(validating: bytes[position..<end], as: UTF8.self) else {
            position = end + 1
            throw failure("text that is not UTF-8")
        }
        position = end + 1
        return string
    }

    private mutating func stringWithEscapes() throws(JSONError) -> String {
        var text: [UInt8] = []
        while let next = peek {
            position += 1
            switch next {
            case UInt8(ascii: "\""):
                guard let string = String(validating: text, as: UTF8.self) else { throw failure("text that is not UTF-8") }
                return string
            case UInt8(ascii: "\\"): try escape(into: &text)
            case 0x00..<0x20: throw failure("a control character inside a text")
            default: text.append(next)
            }
        }
        throw failure("a text without its end")
    }

    private mutating func escape(into text: inout [UInt8]) throws(JSONError) {
        guard let next = peek else { throw failure("a text without its end") }
        position += 1
        switch next {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): text.append(next)
        case UInt8(ascii: "b"): text.append(0x08)
        case UInt8(ascii: "f"): text.append(0x0C)
        case UInt8(ascii: "n"): text.append(0x0A)
        case UInt8(ascii: "r"): text.append(0x0D)
        case UInt8(ascii: "t"): text.append(0x09)
        case UInt8(ascii: "u"):
            var unit = UInt32(try codeUnit())
            if (0xD800..<0xDC00).contains(unit) {
                guard take(UInt8(ascii: "\\")), take(UInt8(ascii: "u")) else { throw failure("half of a surrogate pair") }
                let low = UInt32(try codeUnit())
                guard (0xDC00..<0xE000).contains(low) else { throw failure("half of a surrogate pair") }
                unit = 0x10000 + (unit - 0xD800) << 10 + (low - 0xDC00)
            }
            guard let scalar = Unicode.Scalar(unit) else { throw failure("half of a surrogate pair") }
            text.append(contentsOf: String(Character(scalar)).utf8)
        default: throw failure("an unknown escape")
        }
    }

    private mutating func codeUnit() throws(JSONError) -> UInt16 {
        var unit: UInt16 = 0
        for _ in 0..<4 {
            guard let next = peek, let nibble = Hex.nibble(next) else { throw failure("expected four hexadecimal digits") }
            unit = unit << 4 | UInt16(nibble)
            position += 1
        }
        return unit
    }

    private mutating func word(_ word: String, _ value: JSONValue) throws(JSONError) -> JSONValue {
        guard bytes[position...].starts(with: word.utf8) else { throw failure("expected \(word)") }
        position += word.utf8.count
        return value
    }

    private var peek: UInt8? { position < bytes.count ? bytes[position] : nil }

    private mutating func take(_ byte: UInt8) -> Bool {
        guard peek == byte else { return false }
        position += 1
        return true
    }

    private mutating func skipSpace() {
        while let next = peek, next == 0x20 || next == 0x0A || next == 0x0D || next == 0x09 { position += 1 }
    }

    private func failure(_ reason: String) -> JSONError { JSONError(offset: position, reason: reason) }
}
