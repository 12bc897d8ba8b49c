import ClusterModel
import SwiftASN1
import X509
import _CryptoExtras
import Crypto

extension PKCS12 {
    /// Iterations for the password-based derivations of a written file: a tenth of a second each on a small machine.
    fileprivate static let iterations = 100_000

    /// How a written file is protected.
    package enum Protection: String, CaseIterable, Sendable {
        /// AES-256 in CBC mode under PBKDF2 with HMAC-SHA256, and a MAC with SHA-256.
        case modern
        /// 3DES and a MAC with SHA-1, for programs that know nothing else. They are weak: give the file a long random password.
        case legacy
    }

    /// Writes a key and its chain as other programs read them.
    ///
    /// The friendly name is what programs with a list of certificates show.
    package static func write(
        key: PrivateKey, chain: CertificateChain, password: String, friendlyName: String? = nil, protection: Protection = .modern
    ) throws -> [UInt8] {
        guard password.utf8.count <= Limits.passwordBytes else {
            throw Refusal(.limit, "The password has over \(Limits.passwordBytes) bytes.")
        }
        let password = PKCS12Password(password)
        let attributes = try attributes(localKeyID: Insecure.SHA1.hash(data: chain.der.first ?? []), friendlyName: friendlyName)
        let safe = try certificateBags(chain, attributes)
        let certificates = PasswordEncryption.fresh(protection)
        let shroud = PasswordEncryption.fresh(protection)
        guard let encryptedCertificates = LibCrypto.crypt(safe, algorithm: try certificates.der, password: password, encrypting: true),
            let encryptedKey = LibCrypto.crypt(key.der, algorithm: try shroud.der, password: password, encrypting: true)
        else {
            throw Refusal(.unavailable, "OpenSSL could not encrypt the PKCS#12 file.")
        }
        var coder = DER.Serializer()
        try coder.sequence { coder in
            try coder.contentInfo(.pkcs7EncryptedData) { coder in
                try coder.sequence { coder in
                    try coder.serialize(0)
                    try coder.sequence { coder in
                        try coder.serialize(ASN1ObjectIdentifier.pkcs7Data)
                        try certificates.write(to: &coder)
                        coder.appendPrimitiveNode(identifier: .tagged0) { $0 += encryptedCertificates }
                    }
                }
            }
            try coder.contentInfo(.pkcs7Data) { coder in
                try coder.octets { coder in
                    try coder.sequence { coder in
                        try coder.bag(.shroudedKeyBag, attributes) { coder in
                            try coder.sequence { coder in
                                try shroud.write(to: &coder)
                                try coder.serialize(ASN1OctetString(contentBytes: encryptedKey[...]))
                            }
                        }
                    }
                }
            }
        }
        return try file(content: coder.serializedBytes, password, protection)
    }

    /// The PFX around the safes.
    private static func file(content: [UInt8], _ password: PKCS12Password, _ protection: Protection) throws -> [UInt8] {
        let salt = randomBytes(16)
        let digest = protection == .modern ? "SHA256" : "SHA1"
        let mac = LibCrypto.mac(over: content, digest: digest, salt: salt, iterations: Int32(iterations), password: password)
        guard let mac else { throw Refusal(.unavailable, "OpenSSL could not authenticate the PKCS#12 file.") }
        var coder = DER.Serializer()
        try coder.sequence { coder in
            try coder.serialize(3)
            try coder.contentInfo(.pkcs7Data) { coder in try coder.serialize(ASN1OctetString(contentBytes: content[...])) }
            try coder.sequence { coder in
                try coder.sequence { coder in
                    try coder.algorithm(protection == .modern ? .sha256 : .sha1)
                    try coder.serialize(ASN1OctetString(contentBytes: mac[...]))
                }
                try coder.serialize(ASN1OctetString(contentBytes: salt[...]))
                try coder.serialize(iterations)
            }
        }
        return coder.serializedBytes
    }

    private static func certificateBags(_ chain: CertificateChain, _ attributes: [UInt8]) throws -> [UInt8] {
        var coder = DER.Serializer()
        try coder.sequence { coder in
            for (index, der) in chain.der.enumerated() {
                try coder.bag(.certificateBag, index == 0 ? attributes : []) { coder in
                    try coder.sequence { coder in
                        try coder.serialize(ASN1ObjectIdentifier.x509Certificate)
                        try coder.explicit { coder in try coder.serialize(ASN1OctetString(contentBytes: der[...])) }
                    }
                }
            }
        }
        return coder.serializedBytes
    }

    /// The attributes that tie a key to its certificate (RFC 2985, section 5.5), as a SET.
    private static func attributes(localKeyID: Insecure.SHA1.Digest, friendlyName: String?) throws -> [UInt8] {
        let localKeyIDType: ASN1ObjectIdentifier = [1, 2, 840, 113549, 1, 9, 21]
        var coder = DER.Serializer()
        try coder.appendConstructedNode(identifier: .set) { coder in
            // A SET in DER is sorted by encoding.
            var values: [[UInt8]] = []
            var one = DER.Serializer()
            try one.attribute(localKeyIDType) { try $0.serialize(ASN1OctetString(contentBytes: Array(localKeyID)[...])) }
            values.append(one.serializedBytes)
            if let friendlyName {
                var one = DER.Serializer()
                try one.attribute(.friendlyName) { coder in
                    coder.appendPrimitiveNode(identifier: .bmpString) { bytes in
                        for unit in friendlyName.utf16 { bytes += [UInt8(unit >> 8), UInt8(unit & 0xFF)] }
                    }
                }
                values.append(one.serializedBytes)
            }
            for value in values.sorted(by: { $0.lexicographicallyPrecedes($1) }) { coder.serializeRawBytes(value) }
        }
        return coder.serializedBytes
    }
}

extension PasswordEncryption {
    fileprivate static func fresh(_ protection: PKCS12.Protection) -> PasswordEncryption {
        switch protection {
        case .modern: PasswordEncryption(modernWithSalt: randomBytes(16), vector: randomBytes(16), iterations: PKCS12.iterations)
        case .legacy: PasswordEncryption(legacyWithSalt: randomBytes(16), iterations: PKCS12.iterations)
        }
    }
}

private func randomBytes(_ count: Int) -> [UInt8] { (0..<count).map { _ in UInt8.random(in: .min ... .max) } }

extension DER.Serializer {
    fileprivate mutating func explicit(_ body: (inout DER.Serializer) throws -> Void) throws {
        try appendConstructedNode(identifier: .tagged0, body)
    }

    fileprivate mutating func contentInfo(_ kind: ASN1ObjectIdentifier, _ body: (inout DER.Serializer) throws -> Void) throws {
        try sequence { coder in
            try coder.serialize(kind)
            try coder.explicit(body)
        }
    }

    fileprivate mutating func octets(_ body: (inout DER.Serializer) throws -> Void) throws {
        var inner = DER.Serializer()
        try body(&inner)
        try serialize(ASN1OctetString(contentBytes: inner.serializedBytes[...]))
    }

    fileprivate mutating func bag(
        _ kind: ASN1ObjectIdentifier, _ attributes: [UInt8], _ body: (inout DER.Serializer) throws -> Void
    ) throws {
        try sequence { coder in
            try coder.serialize(kind)
            try coder.explicit(body)
            coder.serializeRawBytes(attributes)
        }
    }

    fileprivate mutating func attribute(_ type: ASN1ObjectIdentifier, _ body: (inout DER.Serializer) throws -> Void) throws {
        try sequence { coder in
            try coder.serialize(type)
            try coder.appendConstructedNode(identifier: .set, body)
        }
    }
}
