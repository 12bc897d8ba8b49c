package import ClusterModel
import SwiftASN1

/// PKCS#12 files (RFC 7292): a private key and its certificates behind a password.
///
/// The structure is read in Swift; libcrypto does the key derivation, MACs and ciphers, and only after every count in reach is known to be
/// within ``Limits/derivationIterations`` in sum. No input ends the process.
package enum PKCS12 {
    /// What a file holds, and how well it kept it.
    package struct Content: Sendable {
        /// The key and the chain, in order.
        package let identity: ImportedIdentity
        /// What programs with a list of certificates show for it, the key's name first.
        package let friendlyNames: [String]
        /// Whether a part was encrypted in a way that no program should use any more: RC2, RC4, 3DES.
        package let hasLegacyEncryption: Bool
        /// Whether a MAC under the password covers the file.
        package let isAuthenticated: Bool

        /// What people should know of the file, besides what there is to say of its certificates.
        package var findings: [CertificateFinding] {
            (hasLegacyEncryption ? [.legacyEncryption] : []) + (isAuthenticated ? [] : [.unauthenticatedFile])
        }
    }

    /// Reads the private key and the certificates of a file: ``open(_:password:)`` without what there is to say of it.
    package static func read(_ bytes: [UInt8], password: String) throws(Refusal) -> ImportedIdentity {
        try open(bytes, password: password).identity
    }

    /// Reads the one private key and the certificates of a file, modern (AES) or legacy (RC2, 3DES).
    ///
    /// An empty password also opens a file that was made without one. A file without a MAC is accepted, encrypted or not: an altered key
    /// would not fit its certificate, and intermediates, which could be altered then, say themselves who signed them. Takes as long as the
    /// file's iteration counts say, up to seconds: call it off the event loop.
    ///
    /// - Throws: `unreadable` with the reason (wrong password, no key, no certificate, several keys, no certificate for the key, damage);
    ///   `limit` for a file that is too large, asks for too many iterations, or has too many certificates.
    package static func open(_ bytes: [UInt8], password: String) throws(Refusal) -> Content {
        guard bytes.count <= Limits.certificateFileBytes else {
            throw Refusal(.limit, "The PKCS#12 file has \(bytes.count) bytes; at most \(Limits.certificateFileBytes) are read.")
        }
        guard password.utf8.count <= Limits.passwordBytes else {
            throw Refusal(.limit, "The password has over \(Limits.passwordBytes) bytes.")
        }
        do {
            var opening = try Opening(PKCS12File(bytes), password: password)
            let bags = try opening.bags()
            let key = try opening.key(of: bags)
            let certificates = try bags.certificates.enumerated().map { index, der in
                try CertificateChain.certificate(inDER: der, number: index + 1)
            }
            return Content(
                identity: try ImportedIdentity(key: key, chain: CertificateChain(certificates, for: key)),
                friendlyNames: bags.friendlyNames, hasLegacyEncryption: bags.hasLegacyKey || opening.file.hasLegacySafe,
                isAuthenticated: opening.file.mac != nil)
        } catch let refusal as Refusal {
            throw refusal
        } catch {
            throw Refusal(.unreadable, "The file is not in PKCS#12 format, cut off or damaged: \(cause(error)).")
        }
    }
}

/// One reading of a file: what it may still cost, and the passwords that may open it.
private struct Opening {
    let file: PKCS12File
    private let passwords: [PKCS12Password]
    private var budget = IterationBudget()
    /// The bags that can be read without the password.
    private let plain: Bags

    /// Looks at everything in reach, pays for it, and only then tries the password on the MAC.
    init(_ file: PKCS12File, password: String) throws {
        self.file = file
        passwords = PKCS12Password.candidates(password)
        var plain = Bags()
        for safe in file.safes {
            switch safe {
            case .plain(let content): plain.add(try Bags(safe: content))
            case .encrypted(let encryption, _): try budget.spend(encryption.iterations)
            }
        }
        for iterations in plain.iterations { try budget.spend(iterations) }
        self.plain = plain
        if let mac = file.mac {
            try budget.spend(mac.iterations)
            guard passwords.contains(where: { file.isAuthentic(mac, $0) }) else {
                throw Refusal(.unreadable, "The password is wrong, or the PKCS#12 file was altered.")
            }
        }
    }

    /// All bags; the iterations of the keys that were hidden in encrypted safes are paid for too.
    mutating func bags() throws -> Bags {
        var bags = plain
        for case .encrypted(let encryption, let content) in file.safes {
            let hidden = try decrypt(content, encryption) { try Bags(safe: $0) }
            for iterations in hidden.iterations { try budget.spend(iterations) }
            bags.add(hidden)
        }
        return bags
    }

    /// The one key. Everything that can be said of the file without decrypting it is said first.
    func key(of bags: Bags) throws -> PrivateKey {
        guard let key = bags.keys.first else {
            throw Refusal(.unreadable, "The PKCS#12 file has no private key. Export it again with the key.")
        }
        guard bags.keys.count == 1 else {
            throw Refusal(
                .unreadable, "The PKCS#12 file has \(bags.keys.count) private keys. Export the one that is meant, with its certificates.")
        }
        guard !bags.certificates.isEmpty else {
            throw Refusal(.unreadable, "The PKCS#12 file has no certificate. Export it again with the certificate.")
        }
        switch key {
        case .plain(let der): return try PrivateKey(der: der)
        case .shrouded(let encryption, let content):
            return try PrivateKey(
                der: decrypt(content, encryption) {
                    _ = try BER.parse($0); return $0
                })
        }
    }

    /// What one of the passwords makes of encrypted content. A wrong one can decrypt to bytes by chance, so the content must parse too.
    private func decrypt<Content>(
        _ content: [UInt8], _ encryption: PasswordEncryption, parse: ([UInt8]) throws -> Content
    ) throws -> Content {
        var failure: Refusal?
        for password in passwords {
            guard let decrypted = try encryption.decrypt(content, password) else { continue }
            do {
                return try parse(decrypted)
            } catch let refusal as Refusal {
                failure = refusal
            } catch {
                // The bytes are no structure: not this password.
            }
        }
        throw failure
            ?? Refusal(
                .unreadable,
                file.mac == nil
                    ? "The password is wrong, or the PKCS#12 file is damaged." : "The PKCS#12 file does not decrypt: it is damaged.")
    }
}
