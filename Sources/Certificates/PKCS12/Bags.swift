import ClusterModel
import SwiftASN1

/// The keys and certificates in the safes of a PKCS#12 file (RFC 7292, section 4.2). Other bags are passed over.
struct Bags {
    enum Key {
        case plain([UInt8])
        case shrouded(PasswordEncryption, [UInt8])
    }

    private(set) var keys: [Key] = []
    /// The certificates in DER, in the file's order.
    private(set) var certificates: [[UInt8]] = []

    /// The iterations that decrypting the keys would take.
    var iterations: [Int] {
        keys.compactMap { key in
            if case .shrouded(let encryption, _) = key { encryption.iterations } else { nil }
        }
    }

    init() {}

    /// Reads the SafeContents of one safe.
    init(safe: [UInt8]) throws {
        try add(BER.parse(safe), depth: 0)
    }

    mutating func add(_ other: Bags) {
        keys += other.keys
        certificates += other.certificates
    }

    private mutating func add(_ safeContents: ASN1Node, depth: Int) throws {
        for bag in try safeContents.parts() {
            let parts = try bag.parts()
            let kind = try parts.part(0).objectIdentifier()
            switch kind {
            case .keyBag: keys.append(.plain(try bytes(of: parts.part(1).explicit())))
            case .shroudedKeyBag:
                let encrypted = try parts.part(1).explicit().parts()
                keys.append(.shrouded(try PasswordEncryption(encrypted.part(0)), try encrypted.part(1).octets()))
            case .certificateBag:
                let certificate = try parts.part(1).explicit().parts()
                guard try certificate.part(0).objectIdentifier() == .x509Certificate else { continue }
                certificates.append(try certificate.part(1).explicit().octets())
            case .safeContentsBag:
                // Nobody nests safes, but the standard lets them.
                guard depth < 4 else { throw ASN1Error.invalidASN1Object(reason: "safes nested too deeply") }
                try add(parts.part(1).explicit(), depth: depth + 1)
            default: continue
            }
        }
    }

    /// The node's encoding, written anew in DER, since an indefinite length is not kept by the parser.
    private func bytes(of node: ASN1Node) -> [UInt8] {
        var coder = DER.Serializer()
        coder.serialize(node)
        return coder.serializedBytes
    }
}

extension ASN1ObjectIdentifier {
    static let keyBag: ASN1ObjectIdentifier = [1, 2, 840, 113549, 1, 12, 10, 1, 1]
    static let shroudedKeyBag: ASN1ObjectIdentifier = [1, 2, 840, 113549, 1, 12, 10, 1, 2]
    static let certificateBag: ASN1ObjectIdentifier = [1, 2, 840, 113549, 1, 12, 10, 1, 3]
    static let safeContentsBag: ASN1ObjectIdentifier = [1, 2, 840, 113549, 1, 12, 10, 1, 6]
    static let x509Certificate: ASN1ObjectIdentifier = [1, 2, 840, 113549, 1, 9, 22, 1]
}
