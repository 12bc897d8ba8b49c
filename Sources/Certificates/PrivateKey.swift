package import ClusterModel
import Crypto
import SwiftASN1
package import X509
import _CryptoExtras

/// A private key that a machine serves with, or that signs.
///
/// Its bytes leave it only through ``pem`` and ``der``; neither its description nor its mirror shows them.
package struct PrivateKey: Sendable {
    /// What may be known of the key.
    package let facts: KeyFacts
    /// The key as PKCS#8 (RFC 5208) in DER.
    package let der: [UInt8]
    /// The key as something that signs.
    package let signer: Certificate.PrivateKey

    /// The key's public half.
    package var publicKey: Certificate.PublicKey { signer.publicKey }

    /// The key as PKCS#8 in PEM, not encrypted.
    package var pem: String { PEMBlock(label: "PRIVATE KEY", bytes: der).text }

    init(_ signer: Certificate.PrivateKey) throws {
        self.signer = signer
        facts = try KeyFacts(signer.publicKey)
        let document = try signer.serializeAsPEM()
        // X509 writes RSA keys as PKCS#1, everything else as PKCS#8.
        der = document.discriminator == "RSA PRIVATE KEY" ? try pkcs8(wrappingPKCS1: document.derBytes) : document.derBytes
    }

    /// Makes a new key from the system's randomness. An RSA key of 4096 bits takes seconds.
    package static func generate(_ algorithm: KeyAlgorithm) throws -> PrivateKey {
        switch algorithm {
        case .ecdsaP256: try PrivateKey(Certificate.PrivateKey(P256.Signing.PrivateKey()))
        case .ecdsaP384: try PrivateKey(Certificate.PrivateKey(P384.Signing.PrivateKey()))
        case .rsa2048: try PrivateKey(Certificate.PrivateKey(_RSA.Signing.PrivateKey(keySize: .bits2048)))
        case .rsa3072: try PrivateKey(Certificate.PrivateKey(_RSA.Signing.PrivateKey(keySize: .bits3072)))
        case .rsa4096: try PrivateKey(Certificate.PrivateKey(_RSA.Signing.PrivateKey(keySize: .bits4096)))
        case .ed25519: try PrivateKey(Certificate.PrivateKey(Curve25519.Signing.PrivateKey()))
        }
    }

    /// Reads the one private key of a PEM text: PKCS#8, encrypted or not, PKCS#1 (RSA) or SEC1 (EC). Other blocks, such as EC PARAMETERS,
    /// are passed over. The password is not looked at for a key that is not encrypted.
    package init(pem: String, password: String? = nil) throws(Refusal) {
        let blocks = try PEMReader.blocks(in: pem, of: "The key file").filter { $0.label.hasSuffix("PRIVATE KEY") }
        guard let block = blocks.first else { throw Refusal(.unreadable, "The key file has no private key in PEM.") }
        guard blocks.count == 1 else { throw Refusal(.unreadable, "The key file has \(blocks.count) private keys; give one.") }
        guard !block.isEncrypted else {
            throw Refusal(
                .unreadable,
                "The private key is encrypted in OpenSSL's old way, which protects it badly. Convert it first: openssl pkcs8 -topk8")
        }
        guard block.label != "ENCRYPTED PRIVATE KEY" else {
            guard let password else {
                throw Refusal(
                    .unreadable, "The private key is encrypted with a password. Give the password, or decrypt it first: openssl pkey")
            }
            try self.init(encryptedPKCS8: block.bytes, password: password)
            return
        }
        guard block.label != "PRIVATE KEY" else {
            try self.init(der: block.bytes)
            return
        }
        do {
            try self.init(Certificate.PrivateKey(pemDocument: PEMDocument(type: block.label, derBytes: block.bytes)))
        } catch {
            // The error itself might quote the key.
            throw Refusal(.unreadable, "The private key cannot be read. \(PrivateKey.supported)")
        }
    }

    /// Reads a key that is PKCS#8 in DER, with attributes or a public key behind it (RFC 5958) or without.
    package init(der: [UInt8]) throws(Refusal) {
        do {
            try self.init(Certificate.PrivateKey(derBytes: plainPKCS8(der)))
        } catch {
            // The error itself might quote the key.
            throw Refusal(.unreadable, "The private key cannot be read. \(PrivateKey.supported)")
        }
    }

    static let supported = "Muster reads RSA keys of 2048 bits and more, ECDSA keys on P-256, P-384 and P-521, and Ed25519 keys."
}

extension PrivateKey: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    package var description: String { "<redacted>" }
    package var debugDescription: String { "<redacted>" }
    package var customMirror: Mirror { Mirror(self, children: []) }
}

extension KeyFacts {
    /// What is known of a key from its public half.
    package init(_ key: Certificate.PublicKey) throws {
        var coder = DER.Serializer()
        try coder.serialize(key)
        self.init(fingerprint: Digest(hashing: coder.serializedBytes), algorithm: algorithmName(of: key))
    }
}

private func algorithmName(of key: Certificate.PublicKey) -> String {
    if P256.Signing.PublicKey(key) != nil { return KeyAlgorithm.ecdsaP256.rawValue }
    if P384.Signing.PublicKey(key) != nil { return KeyAlgorithm.ecdsaP384.rawValue }
    if P521.Signing.PublicKey(key) != nil { return "ecdsa-p521" }
    if let rsa = _RSA.Signing.PublicKey(key) { return "rsa-\(rsa.keySizeInBits)" }
    return KeyAlgorithm.ed25519.rawValue
}

/// PKCS#8 around a PKCS#1 key: RFC 5208, section 5.
private func pkcs8(wrappingPKCS1 key: [UInt8]) throws -> [UInt8] {
    let rsaEncryption: ASN1ObjectIdentifier = [1, 2, 840, 113549, 1, 1, 1]
    var coder = DER.Serializer()
    try coder.appendConstructedNode(identifier: .sequence) { coder in
        try coder.serialize(0)
        try coder.appendConstructedNode(identifier: .sequence) { coder in
            try coder.serialize(rsaEncryption)
            try coder.serialize(ASN1Null())
        }
        try coder.serialize(ASN1OctetString(contentBytes: key[...]))
    }
    return coder.serializedBytes
}

/// The key without what may follow it: X509 reads version 0 with at most one attribute.
private func plainPKCS8(_ der: [UInt8]) throws -> [UInt8] {
    let parts = try BER.parse(der).parts()
    guard parts.count >= 3, try (0...1).contains(Int(derEncoded: parts[0])) else {
        throw ASN1Error.invalidASN1Object(reason: "not a private key")
    }
    var coder = DER.Serializer()
    try coder.sequence { coder in
        try coder.serialize(0)
        coder.serialize(parts[1])
        try coder.serialize(ASN1OctetString(contentBytes: parts[2].octets()[...]))
    }
    return coder.serializedBytes
}
