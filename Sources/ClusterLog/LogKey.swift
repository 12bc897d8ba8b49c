package import ClusterModel
import struct Crypto.HMAC
import struct Crypto.SHA256
import struct Crypto.SymmetricKey

/// The key that seals log entries, so that whoever can write the database cannot forge history.
package struct LogKey: Sendable {
    private let key: SymmetricKey

    /// A key of these bytes: 32 of them, derived from the master key and used for nothing else.
    package init(bytes: [UInt8]) {
        key = SymmetricKey(data: bytes)
    }

    /// HMAC-SHA256 (RFC 2104) over the bytes.
    package func seal(_ bytes: [UInt8]) -> Digest {
        var code = HMAC<SHA256>(key: key)
        code.update(data: bytes)
        // The empty digest is never reached: a SHA-256 code has 32 bytes.
        return Digest(bytes: Array(code.finalize())) ?? Digest(hashing: [])
    }

    /// Whether a seal is this key's over these bytes; takes as long for a seal that is nearly right.
    package func accepts(_ seal: Digest, over bytes: [UInt8]) -> Bool {
        HMAC<SHA256>.isValidAuthenticationCode(seal.bytes, authenticating: bytes, using: key)
    }
}

extension LogKey: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    package var description: String { "<redacted>" }
    package var debugDescription: String { description }
    package var customMirror: Mirror { Mirror(self, children: []) }
}
