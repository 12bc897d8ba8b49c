import ClusterModel
import SwiftASN1

/// How something in a PKCS#12 file is encrypted with the password.
///
/// Read from the file's AlgorithmIdentifier and written anew for libcrypto, so that libcrypto sees the iteration count that was
/// checked, whatever else the file's bytes might be taken to say.
struct PasswordEncryption {
    enum Scheme {
        /// RFC 7292, appendix C: the algorithm says everything.
        case pkcs12(ASN1ObjectIdentifier)
        /// PBES2 with PBKDF2 (RFC 8018); the pseudo-random function is nil for its default, HMAC with SHA-1.
        case pbes2(pseudoRandom: ASN1ObjectIdentifier?, keyBytes: Int?, cipher: ASN1ObjectIdentifier, vector: [UInt8])
    }

    let scheme: Scheme
    let salt: [UInt8]
    let iterations: Int

    /// AES-256-CBC under PBKDF2 with HMAC-SHA256.
    init(modernWithSalt salt: [UInt8], vector: [UInt8], iterations: Int) {
        scheme = .pbes2(pseudoRandom: .hmacWithSHA256, keyBytes: nil, cipher: .aes256CBC, vector: vector)
        self.salt = salt
        self.iterations = iterations
    }

    /// Reads an AlgorithmIdentifier; refuses by name what is not known.
    init(_ node: ASN1Node) throws {
        let parts = try node.parts()
        let algorithm = try parts.part(0).objectIdentifier()
        let parameters = try parts.part(1).parts()
        guard algorithm == .pbes2 else {
            guard ASN1ObjectIdentifier.pkcs12Encryptions.contains(algorithm) else { throw unsupported(algorithm) }
            scheme = .pkcs12(algorithm)
            salt = try parameters.part(0).octets()
            iterations = try parameters.part(1).positiveCount()
            guard LibCrypto.hasLegacyAlgorithms || !algorithm.needsLegacyProvider else {
                throw Refusal(
                    .unreadable,
                    "The PKCS#12 file is encrypted with RC2 or RC4, which need OpenSSL's legacy provider. Install it, or export the file again "
                        + "with AES.")
            }
            return
        }
        let derivation = try parameters.part(0).parts()
        let kind = try derivation.part(0).objectIdentifier()
        guard kind == .pbkdf2 else { throw unsupported(kind) }
        var details = try derivation.part(1).parts()[...]
        salt = try Array(details.prefix(1)).part(0).octets()
        iterations = try Array(details.dropFirst().prefix(1)).part(0).positiveCount()
        details = details.dropFirst(2)
        var keyBytes: Int?
        if let length = details.first, length.identifier == .integer {
            keyBytes = try length.positiveCount()
            details = details.dropFirst()
        }
        var pseudoRandom: ASN1ObjectIdentifier?
        if let function = details.first {
            let name = try function.parts().part(0).objectIdentifier()
            guard ASN1ObjectIdentifier.pseudoRandomFunctions.contains(name) else { throw unsupported(name) }
            pseudoRandom = name
        }
        let encryption = try parameters.part(1).parts()
        let cipher = try encryption.part(0).objectIdentifier()
        guard ASN1ObjectIdentifier.ciphers.contains(cipher) else { throw unsupported(cipher) }
        scheme = .pbes2(pseudoRandom: pseudoRandom, keyBytes: keyBytes, cipher: cipher, vector: try encryption.part(1).octets())
    }

    /// The AlgorithmIdentifier in DER.
    var der: [UInt8] {
        get throws {
            var coder = DER.Serializer()
            try write(to: &coder)
            return coder.serializedBytes
        }
    }

    func write(to coder: inout DER.Serializer) throws {
        try coder.sequence { coder in
            switch scheme {
            case .pkcs12(let algorithm):
                try coder.serialize(algorithm)
                try coder.sequence { coder in
                    try coder.serialize(ASN1OctetString(contentBytes: salt[...]))
                    try coder.serialize(iterations)
                }
            case .pbes2(let pseudoRandom, let keyBytes, let cipher, let vector):
                try coder.serialize(ASN1ObjectIdentifier.pbes2)
                try coder.sequence { coder in
                    try coder.sequence { coder in
                        try coder.serialize(ASN1ObjectIdentifier.pbkdf2)
                        try coder.sequence { coder in
                            try coder.serialize(ASN1OctetString(contentBytes: salt[...]))
                            try coder.serialize(iterations)
                            if let keyBytes { try coder.serialize(keyBytes) }
                            if let pseudoRandom { try coder.algorithm(pseudoRandom) }
                        }
                    }
                    try coder.sequence { coder in
                        try coder.serialize(cipher)
                        try coder.serialize(ASN1OctetString(contentBytes: vector[...]))
                    }
                }
            }
        }
    }

    func decrypt(_ bytes: [UInt8], _ password: PKCS12Password) throws -> [UInt8]? {
        LibCrypto.crypt(bytes, algorithm: try der, password: password)
    }
}

/// What password-based key derivation in one file may still cost. All counts together are limited, not each.
struct IterationBudget {
    private var left = Limits.derivationIterations

    mutating func spend(_ iterations: Int) throws(Refusal) {
        guard iterations <= left else {
            throw Refusal(
                .limit,
                "The PKCS#12 file asks for more than \(Limits.derivationIterations) iterations of key derivation. Export it again with fewer."
            )
        }
        left -= iterations
    }
}

private func unsupported(_ algorithm: ASN1ObjectIdentifier) -> Refusal {
    Refusal(
        .unreadable,
        "The PKCS#12 file is encrypted by the algorithm \(algorithm), which Muster does not read. Export it again with AES-256.")
}

extension DER.Serializer {
    mutating func sequence(_ body: (inout DER.Serializer) throws -> Void) throws {
        try appendConstructedNode(identifier: .sequence, body)
    }

    /// An AlgorithmIdentifier with NULL parameters.
    mutating func algorithm(_ identifier: ASN1ObjectIdentifier) throws {
        try sequence { coder in
            try coder.serialize(identifier)
            try coder.serialize(ASN1Null())
        }
    }
}

extension ASN1ObjectIdentifier {
    static let pbes2: ASN1ObjectIdentifier = [1, 2, 840, 113549, 1, 5, 13]
    static let pbkdf2: ASN1ObjectIdentifier = [1, 2, 840, 113549, 1, 5, 12]
    static let hmacWithSHA256: ASN1ObjectIdentifier = [1, 2, 840, 113549, 2, 9]
    static let aes256CBC: ASN1ObjectIdentifier = [2, 16, 840, 1, 101, 3, 4, 1, 42]

    /// SHA-1 and 128-bit RC4, 40-bit RC4, 3DES with three keys, with two, 128-bit RC2, 40-bit RC2.
    fileprivate static let pkcs12Encryptions: [ASN1ObjectIdentifier] = (1...6).map { [1, 2, 840, 113549, 1, 12, 1, $0] }
    /// All of these but 3DES.
    fileprivate var needsLegacyProvider: Bool { [1, 2, 5, 6].contains { self == [1, 2, 840, 113549, 1, 12, 1, $0] } }
    /// HMAC with SHA-1, 224, 256, 384, 512.
    fileprivate static let pseudoRandomFunctions: [ASN1ObjectIdentifier] = (7...11).map { [1, 2, 840, 113549, 2, $0] }
    /// 3DES, AES with 128, 192 and 256 bits, each in CBC mode.
    fileprivate static let ciphers: [ASN1ObjectIdentifier] = [
        [1, 2, 840, 113549, 3, 7], [2, 16, 840, 1, 101, 3, 4, 1, 2], [2, 16, 840, 1, 101, 3, 4, 1, 22], aes256CBC,
    ]
}
