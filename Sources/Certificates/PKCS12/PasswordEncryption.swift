import ClusterModel
import SwiftASN1

/// How something in a PKCS#12 file, or a private key of its own, is encrypted with the password.
///
/// Read from the file's AlgorithmIdentifier and written anew for libcrypto, so that libcrypto sees the iteration count that was
/// checked, whatever else the file's bytes might be taken to say.
struct PasswordEncryption {
    enum Scheme {
        /// RFC 7292, appendix C: the algorithm says everything.
        case pkcs12(ASN1ObjectIdentifier)
        /// PBES2 with PBKDF2 (RFC 8018); the pseudo-random function is nil for its default, HMAC with SHA-1.
        case pbes2(pseudoRandom: ASN1ObjectIdentifier?, keyBytes: Int?, cipher: ASN1ObjectIdentifier, vector: [UInt8])
        /// PBES2 with scrypt (RFC 7914), which takes its cost as iterations.
        case scrypt(Scrypt, keyBytes: Int?, cipher: ASN1ObjectIdentifier, vector: [UInt8])
    }

    let scheme: Scheme
    let salt: [UInt8]
    /// What the derivation of the key costs, in iterations of PBKDF2 or as much work of another kind.
    let iterations: Int

    /// Whether the encryption is one that no program should write any more: RC2, RC4, DES, and whatever PKCS#12 defined itself.
    var isLegacy: Bool {
        switch scheme {
        case .pkcs12: true
        case .pbes2(_, _, let cipher, _), .scrypt(_, _, let cipher, _): cipher == .tripleDES
        }
    }

    /// 3DES with three keys under SHA-1, by PKCS#12's own derivation: what every program of the last 25 years reads.
    init(legacyWithSalt salt: [UInt8], iterations: Int) {
        scheme = .pkcs12(.pkcs12TripleDES)
        self.salt = salt
        self.iterations = iterations
    }

    /// AES-256-CBC under PBKDF2 with HMAC-SHA256.
    init(modernWithSalt salt: [UInt8], vector: [UInt8], iterations: Int) {
        scheme = .pbes2(pseudoRandom: .hmacWithSHA256, keyBytes: nil, cipher: .aes256CBC, vector: vector)
        self.salt = salt
        self.iterations = iterations
    }

    /// Reads an AlgorithmIdentifier; refuses by name what is not known. For the refusal, `what` says what is encrypted.
    init(_ node: ASN1Node, of what: String = "The PKCS#12 file") throws {
        let parts = try node.parts()
        let algorithm = try parts.part(0).objectIdentifier()
        let parameters = try parts.part(1).parts()
        guard algorithm == .pbes2 else {
            guard ASN1ObjectIdentifier.pkcs12Encryptions.contains(algorithm) else { throw unsupported(algorithm, what) }
            scheme = .pkcs12(algorithm)
            salt = try parameters.part(0).octets()
            iterations = try parameters.part(1).positiveCount()
            guard LibCrypto.hasLegacyAlgorithms || !algorithm.needsLegacyProvider else {
                throw Refusal(
                    .unreadable,
                    "\(what) is encrypted with RC2 or RC4, which need OpenSSL's legacy provider. Install it, or export it again with AES.")
            }
            return
        }
        let encryption = try parameters.part(1).parts()
        let cipher = try encryption.part(0).objectIdentifier()
        let derivation = try parameters.part(0).parts()
        switch try derivation.part(0).objectIdentifier() {
        case .pbkdf2:
            let details = try PBKDF2(derivation.part(1), what)
            (salt, iterations) = (details.salt, details.iterations)
            scheme = .pbes2(
                pseudoRandom: details.pseudoRandom, keyBytes: details.keyBytes, cipher: cipher, vector: try encryption.part(1).octets())
        case .scrypt:
            let details = try derivation.part(1).parts()
            let cost = try Scrypt(details, what)
            salt = try details.part(0).octets()
            iterations = cost.iterations
            scheme = .scrypt(
                cost, keyBytes: details.count > 4 ? try details[4].positiveCount() : nil, cipher: cipher,
                vector: try encryption.part(1).octets())
        case let other: throw unsupported(other, what)
        }
        guard ASN1ObjectIdentifier.ciphers.contains(cipher) else { throw unsupported(cipher, what) }
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
                try coder.pbes2(.pbkdf2, cipher, vector) { coder in
                    try coder.serialize(ASN1OctetString(contentBytes: salt[...]))
                    try coder.serialize(iterations)
                    if let keyBytes { try coder.serialize(keyBytes) }
                    if let pseudoRandom { try coder.algorithm(pseudoRandom) }
                }
            case .scrypt(let cost, let keyBytes, let cipher, let vector):
                try coder.pbes2(.scrypt, cipher, vector) { coder in
                    try coder.serialize(ASN1OctetString(contentBytes: salt[...]))
                    for parameter in [cost.cost, cost.blockSize, cost.parallelization] { try coder.serialize(parameter) }
                    if let keyBytes { try coder.serialize(keyBytes) }
                }
            }
        }
    }

    func decrypt(_ bytes: [UInt8], _ password: PKCS12Password) throws -> [UInt8]? {
        LibCrypto.crypt(bytes, algorithm: try der, password: password)
    }
}

/// The parameters of PBKDF2 (RFC 8018, appendix A.2).
private struct PBKDF2 {
    let salt: [UInt8]
    let iterations: Int
    var keyBytes: Int?
    var pseudoRandom: ASN1ObjectIdentifier?

    init(_ node: ASN1Node, _ what: String) throws {
        let parts = try node.parts()
        salt = try parts.part(0).octets()
        iterations = try parts.part(1).positiveCount()
        var rest = parts[2...]
        if let length = rest.first, length.identifier == .integer {
            keyBytes = try length.positiveCount()
            rest = rest.dropFirst()
        }
        if let function = rest.first {
            let name = try function.parts().part(0).objectIdentifier()
            guard ASN1ObjectIdentifier.pseudoRandomFunctions.contains(name) else { throw unsupported(name, what) }
            pseudoRandom = name
        }
    }
}

/// What scrypt is asked to cost (RFC 7914, section 2).
struct Scrypt {
    /// N, a power of two.
    let cost: Int
    let blockSize: Int
    let parallelization: Int

    init(_ parts: [ASN1Node], _ what: String) throws {
        try self.init(
            cost: parts.part(1).positiveCount(), blockSize: parts.part(2).positiveCount(), parallelization: parts.part(3).positiveCount(),
            what)
    }

    /// Refuses more memory than ``Limits/scryptBytes`` before any is taken.
    init(cost: Int, blockSize: Int, parallelization: Int, _ what: String) throws(Refusal) {
        self.cost = cost
        self.blockSize = blockSize
        self.parallelization = parallelization
        guard cost.nonzeroBitCount == 1, cost > 1 else {
            throw Refusal(.unreadable, "\(what) has a cost of scrypt that is no power of two.")
        }
        guard max(cost, blockSize, parallelization) <= Limits.scryptBytes,
            128 * blockSize * (cost + parallelization + 2) <= Limits.scryptBytes
        else {
            throw Refusal(
                .limit,
                "\(what) asks for more than \(Limits.scryptBytes >> 20) MiB of memory to derive its key. Make it again with less.")
        }
    }

    /// As much work in iterations of PBKDF2: each block of 128 bytes is mixed twice, by some four compressions of a hash.
    var iterations: Int { 4 * cost * blockSize * parallelization }
}

/// What password-based key derivation in one file may still cost. All counts together are limited, not each.
struct IterationBudget {
    private var left = Limits.derivationIterations
    private let what: String

    init(of what: String = "The PKCS#12 file") { self.what = what }

    mutating func spend(_ iterations: Int) throws(Refusal) {
        guard iterations <= left else {
            throw Refusal(
                .limit,
                "\(what) asks for more than \(Limits.derivationIterations) iterations of key derivation. Export it again with fewer.")
        }
        left -= iterations
    }
}

private func unsupported(_ algorithm: ASN1ObjectIdentifier, _ what: String) -> Refusal {
    Refusal(
        .unreadable, "\(what) is encrypted by the algorithm \(algorithm), which Muster does not read. Export it again with AES-256.")
}

extension DER.Serializer {
    mutating func sequence(_ body: (inout DER.Serializer) throws -> Void) throws {
        try appendConstructedNode(identifier: .sequence, body)
    }

    /// PBES2 (RFC 8018, appendix A.4) with a key derivation and a cipher in CBC mode.
    fileprivate mutating func pbes2(
        _ derivation: ASN1ObjectIdentifier, _ cipher: ASN1ObjectIdentifier, _ vector: [UInt8],
        _ parameters: (inout DER.Serializer) throws -> Void
    ) throws {
        try serialize(ASN1ObjectIdentifier.pbes2)
        try sequence { coder in
            try coder.sequence { coder in
                try coder.serialize(derivation)
                try coder.sequence(parameters)
            }
            try coder.sequence { coder in
                try coder.serialize(cipher)
                try coder.serialize(ASN1OctetString(contentBytes: vector[...]))
            }
        }
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
    static let scrypt: ASN1ObjectIdentifier = [1, 3, 6, 1, 4, 1, 11591, 4, 11]
    static let tripleDES: ASN1ObjectIdentifier = [1, 2, 840, 113549, 3, 7]
    static let pkcs12TripleDES: ASN1ObjectIdentifier = [1, 2, 840, 113549, 1, 12, 1, 3]
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
        tripleDES, [2, 16, 840, 1, 101, 3, 4, 1, 2], [2, 16, 840, 1, 101, 3, 4, 1, 22], aes256CBC,
    ]
}
