/// Just enough DER to take PKCS#12 files apart and put them together otherwise than `openssl` would.
struct TLV: Equatable {
    var tag: UInt8
    var content: [UInt8]

    init(_ tag: UInt8, _ content: [UInt8]) {
        self.tag = tag
        self.content = content
    }

    init(_ tag: UInt8, _ parts: [TLV]) {
        self.init(tag, parts.flatMap(\.bytes))
    }

    static func sequence(_ parts: TLV...) -> TLV { TLV(0x30, parts) }
    static func explicit(_ part: TLV) -> TLV { TLV(0xA0, [part]) }
    static func octets(_ content: [UInt8]) -> TLV { TLV(0x04, content) }
    static func integer(_ bytes: UInt8...) -> TLV { TLV(0x02, bytes) }
    /// An object identifier by its encoded content.
    static func object(_ bytes: [UInt8]) -> TLV { TLV(0x06, bytes) }

    static let data = object([0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 0x01, 0x07, 0x01])
    static let encryptedData = object([0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 0x01, 0x07, 0x06])
    static let sha256 = object([0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x01])

    var bytes: [UInt8] {
        switch content.count {
        case ..<128: [tag, UInt8(content.count)] + content
        case ..<65536: [tag, 0x82, UInt8(content.count >> 8), UInt8(content.count & 0xFF)] + content
        default: [tag, 0x83, UInt8(content.count >> 16), UInt8(content.count >> 8 & 0xFF), UInt8(content.count & 0xFF)] + content
        }
    }

    /// What stands in these bytes, one after the other.
    static func read(_ bytes: [UInt8]) -> [TLV] {
        var result: [TLV] = []
        var rest = bytes[...]
        while rest.count >= 2 {
            let tag = rest.removeFirst()
            var count = Int(rest.removeFirst())
            if count > 128 {
                let digits = count - 128
                count = rest.prefix(digits).reduce(0) { $0 << 8 | Int($1) }
                rest = rest.dropFirst(digits)
            }
            count = max(0, count)
            result.append(TLV(tag, Array(rest.prefix(count))))
            rest = rest.dropFirst(count)
        }
        return result
    }

    var parts: [TLV] { TLV.read(content) }

    /// The same value with indefinite lengths, and octet strings in pieces of 100 bytes.
    var indefinite: [UInt8] {
        if tag & 0x20 != 0 { return [tag, 0x80] + parts.flatMap(\.indefinite) + [0, 0] }
        guard tag == 0x04, content.count > 100 else { return bytes }
        var result: [UInt8] = [0x24, 0x80]
        for start in stride(from: 0, to: content.count, by: 100) {
            result += TLV.octets(Array(content[start..<min(start + 100, content.count)])).bytes
        }
        return result + [0, 0]
    }

    /// A PKCS#12 file without a MAC around safes.
    static func file(safes: [TLV]) -> TLV {
        .sequence(.integer(3), .sequence(.data, .explicit(.octets(TLV(0x30, safes).bytes))))
    }

    /// The safes of a PKCS#12 file.
    static func safes(inFile bytes: [UInt8]) -> [TLV] {
        TLV.read(TLV.read(bytes)[0].parts[1].parts[1].parts[0].content)[0].parts
    }
}

extension [UInt8] {
    /// The bytes with every occurrence of some replaced by as many others, and how many there were.
    func replacing(_ old: [UInt8], with new: [UInt8]) -> (bytes: [UInt8], count: Int) {
        var (bytes, count) = (self, 0)
        for start in indices where self[start...].starts(with: old) {
            bytes.replaceSubrange(start..<start + old.count, with: new)
            count += 1
        }
        return (bytes, count)
    }
}
