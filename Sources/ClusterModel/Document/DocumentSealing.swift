/// How the keys of a document are sealed: what turns the password into the key that opens them.
package struct DocumentSealing: Setting {
    /// The one way there is so far; a reader refuses others by name.
    package enum Method: String, CaseIterable, Sendable {
        case scryptAES256GCM = "scrypt-aes-256-gcm"
    }

    package var method = Method.scryptAES256GCM
    /// What makes the same password another key in another document, in Base64.
    package var salt = ""
    /// The parameters of scrypt (RFC 7914, section 2): N, r and p. The time it takes grows with all three, the memory with the first two.
    package var cost = 1 << 14
    package var blockSize = 8
    package var parallelization = 5
    /// Nothing, sealed under the derived key, in Base64: by it a wrong password is told from an altered file.
    package var check = ""

    package init() {}

    package static let shape = Shape<DocumentSealing>(
        "How the keys of this document are sealed under a password.",
        [
            .required("method", \.method, .choice(Method.self), "How the password becomes a key (RFC 7914), and what seals with it."),
            .required("salt", \.salt, .base64(limit: 64), "Random bytes in Base64, made for this document."),
            .required("cost", \.cost, .integer(2...Limits.scryptBytes), "The parameter N of scrypt, a power of two."),
            .required("blockSize", \.blockSize, .integer(1...Limits.scryptBytes), "The parameter r of scrypt."),
            .required("parallelization", \.parallelization, .integer(1...Limits.scryptBytes), "The parameter p of scrypt."),
            .required("check", \.check, .base64(limit: 64), "What only the right password opens, in Base64."),
        ],
        initial: DocumentSealing.init)
}

/// A certificate with its chain and its key, the key sealed: what a document needs so that another manager can take it over.
package struct SealedCertificate: Setting {
    package var certificate = CertificateSetting()
    /// Each certificate in DER, in Base64; the leaf first.
    package var chain: [String] = []
    /// The private key, sealed for this cluster, level, name and certificate, in Base64.
    package var key = ""

    package init() {}

    package init(certificate: CertificateSetting, chain: [String], key: String) {
        self.certificate = certificate
        self.chain = chain
        self.key = key
    }

    package static let shape = Shape<SealedCertificate>(
        "A certificate with its chain and its sealed key.",
        [
            .required("certificate", \.certificate, .setting(CertificateSetting.self), "The certificate as a masked document has it."),
            .required(
                "chain", \.chain, .list(of: .base64(limit: Limits.certificateFileBytes), limit: Limits.chainLength),
                "The certificates themselves, the leaf first, each in DER and Base64."),
            .required("key", \.key, .base64(limit: Limits.certificateFileBytes), "The private key, sealed under the document's password."),
        ],
        initial: SealedCertificate.init)
}

/// A certificate whose sealed key was opened: on its way to a manager, never in a file.
package struct RestoredCertificate: Hashable, Sendable {
    /// The ``CertificateSetting``.
    package var setting: JSONValue
    /// The chain and the key in PEM.
    package var chain: String
    package var key: String

    package init(setting: JSONValue, chain: String, key: String) {
        self.setting = setting
        self.chain = chain
        self.key = key
    }
}

extension RestoredCertificate: CustomStringConvertible, CustomReflectable {
    package var description: String { "restored(<redacted>)" }
    /// Shows no children, so that `dump` finds no key.
    package var customMirror: Mirror { Mirror(self, children: [:]) }
}

extension ValueType {
    /// Bytes in Base64 (RFC 4648, section 4) of at most so many characters.
    package static func base64(limit: Int) -> ValueType<String> {
        text("bytes in Base64", limit: limit) { text in
            let body = text.utf8.reversed().drop { $0 == UInt8(ascii: "=") }
            return !body.isEmpty && text.utf8.count % 4 == 0 && text.utf8.count - body.count <= 2
                && body.allSatisfy { byte in
                    (0x30...0x39).contains(byte) || (0x41...0x5A).contains(byte) || (0x61...0x7A).contains(byte)
                        || byte == UInt8(ascii: "+") || byte == UInt8(ascii: "/")
                }
        }
    }
}
