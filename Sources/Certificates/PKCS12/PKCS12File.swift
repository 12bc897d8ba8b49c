import ClusterModel
import SwiftASN1

/// The outermost layer of a PKCS#12 file, the PFX of RFC 7292, section 4: safes, and a MAC over them.
struct PKCS12File {
    /// One part of the file, which holds bags.
    enum Safe {
        case plain([UInt8])
        case encrypted(PasswordEncryption, [UInt8])
    }

    struct MAC {
        let digest: String
        let value: [UInt8]
        let salt: [UInt8]
        let iterations: Int
    }

    let safes: [Safe]
    /// Nil when the file has none: then only decryption tells a wrong password.
    let mac: MAC?
    /// What the MAC is computed over.
    let content: [UInt8]

    init(_ bytes: [UInt8]) throws {
        let parts = try BER.parse(bytes).parts()
        guard try parts.part(0).positiveCount() == 3 else { throw Refusal(.unreadable, "The PKCS#12 file is not of version 3.") }
        let outer = try parts.part(1).parts()
        guard try outer.part(0).objectIdentifier() == .pkcs7Data else {
            throw Refusal(.unreadable, "The PKCS#12 file is protected by a signature instead of a password; Muster reads only the latter.")
        }
        content = try outer.part(1).explicit().octets()
        safes = try BER.parse(content).parts().map(Safe.init)
        mac = parts.count > 2 ? try MAC(parts[2]) : nil
    }

    /// Whether a part of the file is encrypted in a way that no program should use any more.
    var hasLegacySafe: Bool {
        safes.contains { safe in
            if case .encrypted(let encryption, _) = safe { encryption.isLegacy } else { false }
        }
    }

    /// Whether the file was made with this password, by its MAC.
    func isAuthentic(_ mac: MAC, _ password: PKCS12Password) -> Bool {
        guard let iterations = Int32(exactly: mac.iterations) else { return false }
        return LibCrypto.mac(over: content, digest: mac.digest, salt: mac.salt, iterations: iterations, password: password) == mac.value
    }
}

extension PKCS12File.Safe {
    /// A ContentInfo (RFC 2315, section 7).
    fileprivate init(_ node: ASN1Node) throws {
        let parts = try node.parts()
        let kind = try parts.part(0).objectIdentifier()
        let value = try parts.part(1).explicit()
        switch kind {
        case .pkcs7Data: self = .plain(try value.octets())
        case .pkcs7EncryptedData:
            let content = try value.parts().part(1).parts()
            self = .encrypted(try PasswordEncryption(content.part(1)), try content.part(2).octets(.tagged0))
        default:
            throw Refusal(.unreadable, "The PKCS#12 file is encrypted to a public key instead of a password; Muster reads only the latter.")
        }
    }
}

extension PKCS12File.MAC {
    /// A MacData (RFC 7292, section 4). No iteration count means one.
    fileprivate init(_ node: ASN1Node) throws {
        let parts = try node.parts()
        let info = try parts.part(0).parts()
        let algorithm = try info.part(0).parts().part(0).objectIdentifier()
        guard let digest = digestNames[algorithm.description] else {
            throw Refusal(
                .unreadable,
                "The PKCS#12 file is authenticated by the algorithm \(algorithm), which Muster does not read. Export it again with SHA-256."
            )
        }
        self.digest = digest
        value = try info.part(1).octets()
        salt = try parts.part(1).octets()
        iterations = parts.count > 2 ? try parts[2].positiveCount() : 1
    }
}

private let digestNames = [
    "1.2.840.113549.2.5": "MD5", "1.3.14.3.2.26": "SHA1", "2.16.840.1.101.3.4.2.4": "SHA224", "2.16.840.1.101.3.4.2.1": "SHA256",
    "2.16.840.1.101.3.4.2.2": "SHA384", "2.16.840.1.101.3.4.2.3": "SHA512",
]

extension ASN1ObjectIdentifier {
    static let pkcs7Data: ASN1ObjectIdentifier = [1, 2, 840, 113549, 1, 7, 1]
    static let pkcs7EncryptedData: ASN1ObjectIdentifier = [1, 2, 840, 113549, 1, 7, 6]
    static let sha1: ASN1ObjectIdentifier = [1, 3, 14, 3, 2, 26]
    static let sha256: ASN1ObjectIdentifier = [2, 16, 840, 1, 101, 3, 4, 2, 1]
}
