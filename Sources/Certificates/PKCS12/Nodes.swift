import SwiftASN1

/// Reading BER as PKCS#12 files have it: indefinite lengths and strings in pieces occur (NSS, older Java and Windows).
extension ASN1Node {
    /// The parts of a constructed node with this tag.
    func parts(_ identifier: ASN1Identifier = .sequence) throws -> [ASN1Node] {
        guard self.identifier == identifier, case .constructed(let nodes) = content else {
            throw ASN1Error.unexpectedFieldType(self.identifier)
        }
        return Array(nodes)
    }

    /// The only part of `[0] EXPLICIT`.
    func explicit() throws -> ASN1Node {
        let parts = try parts(.tagged0)
        guard let part = parts.first, parts.count == 1 else { throw ASN1Error.invalidASN1Object(reason: "not one value behind [0]") }
        return part
    }

    /// The bytes of an octet string in one piece or in several.
    func octets(_ identifier: ASN1Identifier = .octetString) throws -> [UInt8] {
        guard self.identifier == identifier else { throw ASN1Error.unexpectedFieldType(self.identifier) }
        switch content {
        case .primitive(let bytes): return Array(bytes)
        // The parser allows 50 levels, so this recursion ends.
        case .constructed(let pieces): return try pieces.flatMap { try $0.octets() }
        }
    }

    func objectIdentifier() throws -> ASN1ObjectIdentifier { try ASN1ObjectIdentifier(derEncoded: self) }

    /// A number of repetitions or bytes: positive, and `Int.max` if it is larger than any number that could be meant.
    func positiveCount() throws -> Int {
        guard identifier == .integer, case .primitive(let bytes) = content, let first = bytes.first, first & 0x80 == 0 else {
            throw ASN1Error.invalidASN1IntegerEncoding(reason: "not a positive number")
        }
        let digits = bytes.drop { $0 == 0 }
        guard !digits.isEmpty else { throw ASN1Error.invalidASN1IntegerEncoding(reason: "zero where a count belongs") }
        return digits.count > 7 ? .max : digits.reduce(0) { $0 << 8 | Int($1) }
    }
}

extension ASN1Identifier {
    /// `[0]`, context-specific.
    static let tagged0 = ASN1Identifier(tagWithNumber: 0, tagClass: .contextSpecific)
}

extension [ASN1Node] {
    /// The part at this index, or the error of a structure that ends too early.
    func part(_ index: Int) throws -> ASN1Node {
        guard indices.contains(index) else { throw ASN1Error.invalidASN1Object(reason: "a structure without its part \(index + 1)") }
        return self[index]
    }
}
