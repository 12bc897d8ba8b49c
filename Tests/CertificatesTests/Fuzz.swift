import Certificates
import ClusterModel
import FoundationEssentials
import SeededRandomness

/// The readers that take bytes from strangers. Each either reads or refuses; whatever the bytes, it neither traps nor hangs.
enum FuzzTarget: String, CaseIterable, Sendable {
    case pkcs12, certificate, request, pem, key, upload, authorities

    /// The fuzz entry.
    func run(_ bytes: [UInt8]) {
        do {
            switch self {
            case .pkcs12: for password in ["secret", ""] { discard { try PKCS12.open(bytes, password: password) } }
            case .certificate: _ = try CertificateChain(upload: bytes, forKey: Self.someKey)
            case .request: _ = try CertificateRequest(der: bytes)
            case .pem:
                let text = String(decoding: bytes, as: UTF8.self)
                discard { try CertificateChain(pem: text) }
                discard { try CertificateRequest(pem: text) }
                discard { try TrustedAuthority(pem: text) }
                discard { try ImportedIdentity(keyPEM: text, chainPEM: text, keyPassword: "secret") }
            case .key:
                discard { try PrivateKey(der: bytes) }
                discard { try PrivateKey(pem: Self.armored("ENCRYPTED PRIVATE KEY", bytes), password: "secret") }
                discard { try PrivateKey(pem: Self.armored("EC PRIVATE KEY", bytes)) }
                discard { try PrivateKey(pem: Self.armored("RSA PRIVATE KEY", bytes)) }
            case .upload:
                let chain = try CertificateChain(pem: Self.armored("CERTIFICATE", bytes))
                _ = chain.setting.findings(at: .test, covering: ["mx1.example.com"])
                discard { try chain.adding(intermediates: bytes) }
                discard { try chain.tidied() }
            case .authorities: _ = try AuthorityList(bundle: bytes).findings(at: .test)
            }
        } catch {
            // A refusal is an answer.
        }
    }

    private func discard<Value>(_ body: () throws -> Value) {
        _ = try? body()  // a refusal is an answer
    }

    private static let someKey = Digest(hashing: [])

    private static func armored(_ label: String, _ bytes: [UInt8]) -> String {
        "-----BEGIN \(label)-----\n\(Data(bytes).base64EncodedString())\n-----END \(label)-----\n"
    }
}

/// Makes hostile bytes out of good ones; the same of the same seed.
struct Mutator {
    var generator: SplitMix64
    /// Good files: what splices take their pieces from.
    let corpus: [[UInt8]]

    mutating func mutated(_ original: [UInt8]) -> [UInt8] {
        // Half of them keep every length right, so that they get past the first look.
        if Bool.random(using: &generator), let file = TLV.read(original).first, file.tag == 0x30 {
            let changed = (0..<Int.random(in: 1...3, using: &generator)).reduce(file) { node, _ in altered(node) }
            return changed.bytes
        }
        var bytes = original
        for _ in 0..<Int.random(in: 1...4, using: &generator) { bytes = once(bytes) }
        return Array(bytes.prefix(Limits.certificateFileBytes + 2))
    }

    /// The structure with one of its nodes altered, somewhere inside.
    private mutating func altered(_ node: TLV) -> TLV {
        let holdsOthers = node.tag & 0x20 != 0 || (node.tag == 0x04 && node.content.first == 0x30)
        var parts = holdsOthers ? node.parts : []
        // Only what is read as it was written: a string that happens to begin like a structure stays whole.
        if TLV(node.tag, parts).content != node.content { parts = [] }
        guard let place = parts.indices.randomElement(using: &generator) else { return TLV(node.tag, replaced(node.content)) }
        switch Int.random(in: 0..<16, using: &generator) {
        case 0: parts.remove(at: place)
        case 1:
            // No file grows without end.
            let copies = min(Int.random(in: 1...30, using: &generator), 100_000 / (parts[place].content.count + 1))
            parts.insert(contentsOf: [TLV](repeating: parts[place], count: copies), at: place)
        case 2: parts.swapAt(place, parts.indices.randomElement(using: &generator) ?? place)
        case 3: parts[place] = TLV(.random(in: 0...255, using: &generator), parts[place].content)
        case 4:
            parts[place] = TLV(
                0x30, (0..<Int.random(in: 1...100, using: &generator)).reduce(parts[place].bytes) { bytes, _ in TLV(0x30, bytes).bytes })
        default: parts[place] = altered(parts[place])
        }
        return TLV(node.tag, parts)
    }

    /// Other content for a string, a number or a name.
    private mutating func replaced(_ content: [UInt8]) -> [UInt8] {
        // Zero, negative, a million, more than any limit, more than any integer.
        let numbers: [[UInt8]] = [
            [], [0], [1], [0xFF], [0x0F, 0x42, 0x40], [0x7F, 0xFF, 0xFF], [0x7F, 0xFF, 0xFF, 0xFF],
            [0x7F] + [UInt8](repeating: 0xFF, count: 7),
            [0x7F] + [UInt8](repeating: 0xFF, count: 40), [UInt8](repeating: 0x41, count: 70_000),
        ]
        guard Bool.random(using: &generator), !content.isEmpty else { return numbers.randomElement(using: &generator) ?? [] }
        var content = content
        content[Int.random(in: content.indices, using: &generator)] = .random(in: 0...255, using: &generator)
        return content
    }

    private mutating func once(_ original: [UInt8]) -> [UInt8] {
        var bytes = original
        guard !bytes.isEmpty else { return [UInt8.random(in: 0...255, using: &generator)] }
        let place = Int.random(in: bytes.indices, using: &generator)
        switch Int.random(in: 0..<9, using: &generator) {
        case 0: bytes[place] ^= 1 << UInt8.random(in: 0..<8, using: &generator)
        case 1: bytes[place] = .random(in: 0...255, using: &generator)
        case 2: bytes = Array(bytes[..<place])
        case 3: bytes = splice(bytes, at: place)
        case 4: lie(about: place, in: &bytes)
        case 5: bytes.replaceSubrange(place..<place, with: nest(Int.random(in: 1...2000, using: &generator)))
        case 6: bytes.replaceSubrange(place..<min(place + Int.random(in: 1...64, using: &generator), bytes.count), with: [])
        case 7:
            let piece = bytes[place..<min(place + Int.random(in: 1...200, using: &generator), bytes.count)]
            for _ in 0..<Int.random(in: 1...40, using: &generator) { bytes.insert(contentsOf: piece, at: place) }
        default:
            bytes.insert(
                contentsOf: (0..<Int.random(in: 1...16, using: &generator)).map { _ in UInt8.random(in: 0...255, using: &generator) },
                at: place)
        }
        return bytes
    }

    /// The beginning of this with the end of another.
    private mutating func splice(_ bytes: [UInt8], at place: Int) -> [UInt8] {
        guard let other = corpus.randomElement(using: &generator), !other.isEmpty else { return bytes }
        return Array(bytes[..<place]) + Array(other[Int.random(in: other.indices, using: &generator)...])
    }

    /// Another length where one may stand: too long by one, huge, indefinite, negative to whom it overflows.
    private mutating func lie(about place: Int, in bytes: inout [UInt8]) {
        // A length follows a tag of a structure, a string or a number.
        let tags: [UInt8] = [0x30, 0x31, 0x04, 0x02, 0x03, 0x06, 0xA0, 0x80]
        let start = bytes[place...].firstIndex { tags.contains($0) } ?? place
        guard start + 1 < bytes.count else { return }
        let lies: [[UInt8]] = [
            [bytes[start + 1] &+ 1], [bytes[start + 1] &- 1], [0], [0x7F], [0x80], [0x81, 0xFF], [0x82, 0xFF, 0xFF],
            [0x84, 0x7F, 0xFF, 0xFF, 0xFF],
            [0x84, 0xFF, 0xFF, 0xFF, 0xFF], [0x88, 0x7F, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF],
            [0x88, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF], [0x89] + [UInt8](repeating: 0xFF, count: 9), [0xFE], [0xFF],
        ]
        bytes.replaceSubrange(start + 1...start + 1, with: lies.randomElement(using: &generator) ?? [0])
    }

    /// Structures in structures, with lengths that do not end.
    private mutating func nest(_ depth: Int) -> [UInt8] {
        let tag: UInt8 = [0x30, 0x24, 0xA0].randomElement(using: &generator) ?? 0x30
        return (0..<depth).flatMap { _ in [tag, 0x80] }
    }
}
