/// The rules for names that people give, in one place.
///
/// Only ASCII is taken, so that two names which look alike are alike.
package enum NameRule: Sendable {
    /// A cluster, group, machine, certificate or listener: letters, digits, `-`, `_`, `.`; begins with a letter or digit.
    case plain
    /// A destination: a domain, a domain with all below it (`.example.com`), or `default`. Upper case means lower case.
    case domain
    /// One of a few names that are known beforehand.
    case oneOf([String])

    /// What the rule asks for, for an error.
    package var expectation: String {
        switch self {
        case .plain:
            "a name of up to \(Limits.nameLength) letters, digits, '-', '_' and '.', beginning with a letter or digit"
        case .domain: "a domain name such as example.com, .example.com for all below it, or default"
        case .oneOf(let names): "one of " + names.joined(separator: ", ")
        }
    }

    /// Whether the text keeps the rule.
    package func accepts(_ text: String) -> Bool {
        switch self {
        case .plain:
            return text.utf8.count <= Limits.nameLength && (text.utf8.first.map(isLetterOrDigit) ?? false)
                && text.utf8.allSatisfy { isLetterOrDigit($0) || "-_.".utf8.contains($0) }
        case .domain:
            // Digits and dots were meant as an address, and mail goes to domains.
            return HostName.accepts(text.hasPrefix(".") ? text.dropFirst() : text[...], underscores: true)
                && !text.utf8.allSatisfy { (0x30...0x39).contains($0) || $0 == UInt8(ascii: ".") }
        case .oneOf(let names):
            return names.contains(text)
        }
    }

    /// The one form of a name: names that differ in upper and lower case only are the same domain (RFC 4343).
    package func normal(_ text: String) -> String {
        switch self {
        case .plain, .oneOf: text
        case .domain: text.lowercased()
        }
    }

    /// More about a text that breaks the rule, to stand behind it: a letter that only looks right, or what was probably meant.
    package func remark(on text: String) -> String {
        if let letter = foreignLetter(in: text) { return " (\(letter))" }
        guard case .oneOf(let names) = self else { return "" }
        return Spelling.hint(for: text, among: names)
    }

    /// The name in its one form, or the refusal that says what it should have been.
    package func check(_ text: String, as what: String) throws(Refusal) -> String {
        guard accepts(text) else {
            throw Refusal(.invalid, "\(what) \"\(text.prefix(Limits.nameLength))\"\(remark(on: text)) is not \(expectation).")
        }
        return normal(text)
    }
}

/// The first letter that is not ASCII, by number: two letters that look alike are told apart by nothing else.
func foreignLetter(in text: String) -> String? {
    guard let scalar = text.unicodeScalars.first(where: { $0.value > 126 }) else { return nil }
    let digits = String(scalar.value, radix: 16, uppercase: true)
    return "it has the character U+\(String(repeating: "0", count: max(0, 4 - digits.count)))\(digits), which is not ASCII"
}

func isLetterOrDigit(_ byte: UInt8) -> Bool {
    (0x30...0x39).contains(byte) || (0x41...0x5A).contains(byte) || (0x61...0x7A).contains(byte)
}

/// Host names by RFC 1123, section 2.1: labels of letters, digits and inner hyphens.
package enum HostName {
    package static func accepts(_ text: some StringProtocol, underscores: Bool = false) -> Bool {
        guard !text.isEmpty, text.utf8.count <= Limits.domainLength else { return false }
        return text.split(separator: ".", omittingEmptySubsequences: false).allSatisfy { label in
            (1...63).contains(label.utf8.count) && label.utf8.first != UInt8(ascii: "-") && !label.hasSuffix("-")
                && label.utf8.allSatisfy {
                    isLetterOrDigit($0) || $0 == UInt8(ascii: "-") || (underscores && $0 == UInt8(ascii: "_"))
                }
        }
    }
}

/// The lasting identity of a group; its name may change.
package struct GroupID: RawRepresentable, Hashable, Comparable, Sendable, Codable, CustomStringConvertible {
    package var rawValue: String
    package init(rawValue: String) { self.rawValue = rawValue }
    package var description: String { rawValue }
    package static func < (left: GroupID, right: GroupID) -> Bool { left.rawValue < right.rawValue }
}

/// One stay of a machine in the cluster, from join to removal. A machine that returns gets another.
package struct MembershipID: RawRepresentable, Hashable, Comparable, Sendable, Codable, CustomStringConvertible {
    package var rawValue: String
    package init(rawValue: String) { self.rawValue = rawValue }
    package var description: String { rawValue }
    package static func < (left: MembershipID, right: MembershipID) -> Bool { left.rawValue < right.rawValue }
}

/// Makes identities that nobody can guess or meet twice: 128 random bits as 32 hexadecimal digits.
package func randomIdentifier(using generator: inout some RandomNumberGenerator) -> String {
    Hex.encode((0..<16).map { _ in UInt8.random(in: .min ... .max, using: &generator) })
}
