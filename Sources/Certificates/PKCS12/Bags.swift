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
    /// What programs with a list of certificates show: the names of the keys, then those of the certificates.
    var friendlyNames: [String] { keyNames + certificateNames }
    private var keyNames: [String] = []
    private var certificateNames: [String] = []

    /// Whether a key is encrypted in a way that no program should use any more.
    var hasLegacyKey: Bool {
        keys.contains { key in
            if case .shrouded(let encryption, _) = key { encryption.isLegacy } else { false }
        }
    }

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
        keyNames += other.keyNames
        certificateNames += other.certificateNames
    }

    private mutating func add(_ safeContents: ASN1Node, depth: Int) throws {
        for bag in try safeContents.parts() {
            let parts = try bag.parts()
            let kind = try parts.part(0).objectIdentifier()
            switch kind {
            case .keyBag:
                keys.append(.plain(try bytes(of: parts.part(1).explicit())))
                keyNames += names(in: parts)
            case .shroudedKeyBag:
                let encrypted = try parts.part(1).explicit().parts()
                keys.append(.shrouded(try PasswordEncryption(encrypted.part(0)), try encrypted.part(1).octets()))
                keyNames += names(in: parts)
            case .certificateBag:
                let certificate = try parts.part(1).explicit().parts()
                guard try certificate.part(0).objectIdentifier() == .x509Certificate else { continue }
                certificates.append(try certificate.part(1).explicit().octets())
                certificateNames += names(in: parts)
            case .safeContentsBag:
                // Nobody nests safes, but the standard lets them.
                guard depth < 4 else { throw ASN1Error.invalidASN1Object(reason: "safes nested too deeply") }
                try add(parts.part(1).explicit(), depth: depth + 1)
            default: continue
            }
        }
    }

    /// The friendly names among a bag's attributes (RFC 2985, section 5.5.1). They decide nothing, so what does not read is no name.
    private func names(in bag: [ASN1Node]) -> [String] {
        guard bag.count > 2, let attributes = try? bag[2].parts(.set) else { return [] }  // see above
        return attributes.compactMap { attribute in
            // See above.
            guard let parts = try? attribute.parts(), let type = try? parts.part(0).objectIdentifier(), type == .friendlyName,
                let value = try? parts.part(1).parts(.set).part(0), value.identifier == .bmpString,
                case .primitive(let bytes) = value.content
            else { return nil }
            return text(ofBMP: bytes)
        }
    }

    /// The text in UTF-16, most significant byte first, without what nobody could see; nil for a damaged or an endless one.
    private func text(ofBMP bytes: ArraySlice<UInt8>) -> String? {
        guard bytes.count.isMultiple(of: 2), bytes.count <= 2 * Limits.textLength else { return nil }
        let units = stride(from: bytes.startIndex, to: bytes.endIndex, by: 2).map { UInt16(bytes[$0]) << 8 | UInt16(bytes[$0 + 1]) }
        guard let text = String(validating: units, as: UTF16.self) else { return nil }
        let visible = text.unicodeScalars.filter { scalar in
            switch scalar.properties.generalCategory {
            case .control, .format, .lineSeparator, .paragraphSeparator, .privateUse, .unassigned: false
            default: true
            }
        }
        return visible.isEmpty ? nil : String(String.UnicodeScalarView(visible))
    }

    /// The node's encoding, written anew in DER, since an indefinite length is not kept by the parser.
    private func bytes(of node: ASN1Node) -> [UInt8] {
        var coder = DER.Serializer()
        coder.serialize(node)
        return coder.serializedBytes
    }
}

extension ASN1ObjectIdentifier {
    static let friendlyName: ASN1ObjectIdentifier = [1, 2, 840, 113549, 1, 9, 20]
    static let keyBag: ASN1ObjectIdentifier = [1, 2, 840, 113549, 1, 12, 10, 1, 1]
    static let shroudedKeyBag: ASN1ObjectIdentifier = [1, 2, 840, 113549, 1, 12, 10, 1, 2]
    static let certificateBag: ASN1ObjectIdentifier = [1, 2, 840, 113549, 1, 12, 10, 1, 3]
    static let safeContentsBag: ASN1ObjectIdentifier = [1, 2, 840, 113549, 1, 12, 10, 1, 6]
    static let x509Certificate: ASN1ObjectIdentifier = [1, 2, 840, 113549, 1, 9, 22, 1]
}
