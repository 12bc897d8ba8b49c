package import Crypto

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// A SHA-256 digest: of settings, of a certificate, of a public key, of a log entry.
///
/// Written as 64 lower-case hexadecimal digits everywhere a person or a program meets it.
package struct Digest: Hashable, Sendable, Comparable {
    fileprivate let a: UInt64
    fileprivate let b: UInt64
    fileprivate let c: UInt64
    fileprivate let d: UInt64

    /// How many bytes a digest has.
    package static let byteCount = 32

    /// The digest of some bytes as they are.
    package init(hashing bytes: some Collection<UInt8>) {
        var hash = SHA256()
        if bytes.withContiguousStorageIfAvailable({ unsafe hash.update(bufferPointer: UnsafeRawBufferPointer($0)) }) == nil {
            hash.update(data: Array(bytes))
        }
        self.init(hash.finalize())
    }

    /// A finished SHA-256 computation.
    package init(_ finished: SHA256.Digest) {
        unsafe (a, b, c, d) = finished.withUnsafeBytes { bytes in
            func word(_ offset: Int) -> UInt64 { unsafe UInt64(bigEndian: bytes.loadUnaligned(fromByteOffset: offset, as: UInt64.self)) }
            return (word(0), word(8), word(16), word(24))
        }
    }

    /// Thirty-two bytes that already are a digest; nil for any other count.
    package init?(bytes: some Collection<UInt8>) {
        guard bytes.count == Digest.byteCount else { return nil }
        self.init(words: Array(bytes))
    }

    /// The written form; nil unless it is 64 hexadecimal digits.
    package init?(hex: some StringProtocol) {
        var text = String(hex)
        let words = text.withUTF8 { digits -> [UInt64]? in
            guard digits.count == 2 * Digest.byteCount else { return nil }
            var words: [UInt64] = [0, 0, 0, 0]
            for index in 0..<digits.count {
                guard let nibble = unsafe Hex.nibble(digits[index]) else { return nil }
                words[index / 16] = words[index / 16] << 4 | UInt64(nibble)
            }
            return words
        }
        guard let words else { return nil }
        (a, b, c, d) = (words[0], words[1], words[2], words[3])
    }

    private init(words bytes: [UInt8]) {
        func word(_ start: Int) -> UInt64 {
            bytes[start..<start + 8].reduce(0) { $0 << 8 | UInt64($1) }
        }
        a = word(0)
        b = word(8)
        c = word(16)
        d = word(24)
    }

    /// The digest's 32 bytes, most significant first.
    package var bytes: [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(Digest.byteCount)
        for word in [a, b, c, d] {
            for shift in stride(from: 56, through: 0, by: -8) {
                bytes.append(UInt8(truncatingIfNeeded: word >> UInt64(shift)))
            }
        }
        return bytes
    }

    /// All 64 digits.
    package var hex: String { Hex.encode(bytes) }

    /// The first twelve digits, for tables that people read.
    package var short: String { String(hex.prefix(12)) }

    package static func < (left: Digest, right: Digest) -> Bool {
        (left.a, left.b, left.c, left.d) < (right.a, right.b, right.c, right.d)
    }
}

extension Digest: CustomStringConvertible {
    package var description: String { hex }
}

extension Digest: Codable {
    package init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        let text = try container.decode(String.self)
        guard let digest = Digest(hex: text) else {
            throw DecodingError.dataCorruptedError(in: container, debugDescription: "not 64 hexadecimal digits")
        }
        self = digest
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(hex)
    }
}

/// Hexadecimal digits, lower case.
package enum Hex {
    /// Two digits a byte.
    package static func encode(_ bytes: some Collection<UInt8>) -> String {
        var text: [UInt8] = []
        text.reserveCapacity(bytes.count * 2)
        for byte in Array(bytes) {
            text.append(digit(byte >> 4))
            text.append(digit(byte & 15))
        }
        return String(decoding: text, as: UTF8.self)
    }

    private static func digit(_ nibble: UInt8) -> UInt8 { nibble < 10 ? 0x30 + nibble : 0x61 + nibble - 10 }

    /// The value of one digit, in either case.
    package static func nibble(_ character: UInt8) -> UInt8? {
        switch character {
        case 0x30...0x39: character - 0x30
        case 0x61...0x66: character - 0x61 + 10
        case 0x41...0x46: character - 0x41 + 10
        default: nil
        }
    }
}

/// Digests a list of parts so that no two different lists give the same input.
///
/// The input to SHA-256 is a version tag and the parts, each preceded by its length in bytes as eight
/// bytes, most significant first. `Docs/architecture.md` gives the layout that every digest uses.
package struct DigestBuilder {
    private var hash = SHA256()

    package init(tag: String) {
        add(tag)
    }

    package mutating func add(_ bytes: [UInt8]) {
        add(count: bytes.count)
        unsafe bytes.withUnsafeBytes { unsafe hash.update(bufferPointer: $0) }
    }

    package mutating func add(_ text: String) {
        var text = text
        text.withUTF8 { bytes in
            add(count: bytes.count)
            unsafe hash.update(bufferPointer: UnsafeRawBufferPointer(bytes))
        }
    }

    package mutating func add(_ digest: Digest) {
        add(count: Digest.byteCount)
        let words = (digest.a.bigEndian, digest.b.bigEndian, digest.c.bigEndian, digest.d.bigEndian)
        unsafe withUnsafeBytes(of: words) { unsafe hash.update(bufferPointer: $0) }
    }

    private mutating func add(count: Int) {
        unsafe withUnsafeBytes(of: UInt64(count).bigEndian) { unsafe hash.update(bufferPointer: $0) }
    }

    package consuming func finish() -> Digest {
        Digest(hash.finalize())
    }
}
