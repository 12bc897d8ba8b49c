import COpenSSL
import ClusterModel

/// The password of a PKCS#12 file as libcrypto tells it apart: an empty text is not the same as none (RFC 7292, appendix B.1: two
/// zero bytes, or nothing at all). Programs write either when a person gives no password.
struct PKCS12Password {
    /// UTF-8 and a zero byte, so that an empty text has an address too; nil for none.
    private let bytes: [CChar]?

    private init(bytes: [CChar]?) { self.bytes = bytes }

    init(_ text: String) { self.init(bytes: Array(text.utf8CString)) }

    /// All that a person may mean by this text.
    static func candidates(_ text: String) -> [PKCS12Password] {
        text.isEmpty ? [PKCS12Password(""), PKCS12Password(bytes: nil)] : [PKCS12Password(text)]
    }

    /// The pointer and count in the form that every libcrypto call here takes.
    fileprivate func withPointer<Result>(_ body: (UnsafePointer<CChar>?, Int32) -> Result) -> Result {
        guard let bytes else { return body(nil, 0) }
        return unsafe bytes.withUnsafeBufferPointer { unsafe body($0.baseAddress, Int32($0.count - 1)) }
    }
}

/// The calls into libcrypto, each with who owns what. Nothing of OpenSSL leaves this file.
enum LibCrypto {
    /// A library context of our own with the default and the legacy provider, so that RC2 and RC4 exist for PKCS#12 and nowhere else.
    @safe private final class Context: @unchecked Sendable {
        // Unchecked, and true: both members are set once and never change, and OpenSSL's library contexts may be used from any thread
        // (openssl-threads(7)).
        let pointer: OpaquePointer?
        let hasLegacy: Bool

        init() {
            // Ours, with its providers, until the process ends: there is one, and freeing it at exit would race with exit handlers.
            unsafe pointer = OSSL_LIB_CTX_new()
            let hasDefault = unsafe OSSL_PROVIDER_load(pointer, "default") != nil
            hasLegacy = unsafe hasDefault && OSSL_PROVIDER_load(pointer, "legacy") != nil
            ERR_clear_error()
        }
    }

    private static let context = Context()

    /// Whether RC2 and RC4 can be decrypted: some distributions ship the legacy provider in a package of its own.
    static var hasLegacyAlgorithms: Bool { context.hasLegacy }

    /// Decrypts or encrypts with a password by an AlgorithmIdentifier; nil when the password is wrong or the bytes are damaged.
    static func crypt(_ input: [UInt8], algorithm: [UInt8], password: PKCS12Password, encrypting: Bool = false) -> [UInt8]? {
        guard let count = Int32(exactly: input.count) else { return nil }
        defer { ERR_clear_error() }
        let parsed = unsafe algorithm.withUnsafeBufferPointer { der in
            var cursor = der.baseAddress
            // A new object, copied from the bytes; ours, freed below.
            return unsafe d2i_X509_ALGOR(nil, &cursor, der.count)
        }
        guard let parsed = unsafe parsed else { return nil }
        defer { unsafe X509_ALGOR_free(parsed) }
        var output: UnsafeMutablePointer<UInt8>?
        var outputCount: Int32 = 0
        let done = unsafe password.withPointer { text, length in
            // Allocates the output, which is ours then; on failure it frees what it had and leaves the pointer alone.
            unsafe PKCS12_pbe_crypt_ex(
                parsed, text, length, input, count, &output, &outputCount, encrypting ? 1 : 0, context.pointer, nil) != nil
        }
        guard done, let output = unsafe output else { return nil }
        // Cleansed, since it may be a private key.
        defer { unsafe muster_clear_free(output, Int(outputCount)) }
        return unsafe Array(UnsafeBufferPointer(start: output, count: Int(outputCount)))
    }

    /// HMAC under a key derived from the password by RFC 7292, appendix B; nil when libcrypto does not know the digest.
    static func mac(
        over content: [UInt8], digest name: String, salt: [UInt8], iterations: Int32, password: PKCS12Password
    ) -> [UInt8]? {
        defer { ERR_clear_error() }
        // A reference of ours, freed below.
        guard let digest = unsafe EVP_MD_fetch(context.pointer, name, nil) else { return nil }
        defer { unsafe EVP_MD_free(digest) }
        var salt = salt
        var key = [UInt8](repeating: 0, count: Int(unsafe EVP_MD_get_size(digest)))
        // Borrows everything and fills the key.
        let derived = unsafe password.withPointer { text, length in
            unsafe PKCS12_key_gen_utf8_ex(
                text, length, &salt, Int32(salt.count), PKCS12_MAC_ID, iterations, Int32(key.count), &key, digest, context.pointer, nil)
        }
        guard derived == 1 else { return nil }
        var result = [UInt8](repeating: 0, count: key.count)
        var count = 0
        // Borrows everything and fills the result.
        let made = unsafe EVP_Q_mac(
            context.pointer, "HMAC", nil, name, nil, key, key.count, content, content.count, &result, result.count, &count)
        guard unsafe made != nil, count == result.count else { return nil }
        return result
    }
}
