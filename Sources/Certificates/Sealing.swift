package import ClusterModel
package import struct ClusterModel.Digest
package import Crypto
import FoundationEssentials

/// The key under which every secret of the manager is sealed. A file outside the data directory, or a systemd credential.
package struct MasterKey: Sendable {
    private let key: SymmetricKey

    private static let prefix = "muster-master-key-1:"
    private static let byteCount = 32
    /// The first byte of everything sealed: what follows is nonce (12), ciphertext, tag (16).
    private static let sealVersion: UInt8 = 1

    private init(key: SymmetricKey) {
        self.key = key
    }

    /// Makes a key from the system's randomness.
    package static func generate() -> MasterKey { MasterKey(key: SymmetricKey(size: .bits256)) }

    /// Reads the text of a key file: one line, a prefix with the format's version, and 32 bytes in Base64.
    package init(file contents: String) throws(Refusal) {
        let line = contents.trimmingWhitespace()
        guard line.hasPrefix(MasterKey.prefix), let bytes = Data(base64Encoded: String(line.dropFirst(MasterKey.prefix.utf8.count))),
            bytes.count == MasterKey.byteCount
        else {
            throw Refusal(.unreadable, "The master key file is not one line of \"\(MasterKey.prefix)\" and 32 bytes in Base64.")
        }
        self.init(key: SymmetricKey(data: bytes))
    }

    /// The text of the key's file: the secret itself.
    package var fileContents: String {
        unsafe key.withUnsafeBytes { bytes in unsafe "\(MasterKey.prefix)\(Data(bytes).base64EncodedString())\n" }
    }

    /// Which key this is, for the log and for errors. It tells nothing of the key.
    package var id: String {
        var builder = DigestBuilder(tag: "muster/master-key-id/1")
        builder.add(unsafe derived(for: "id").withUnsafeBytes { bytes in unsafe Array(bytes) })
        return builder.finish().short
    }

    /// A key for one purpose, from which neither the master key nor another purpose's key can be found (HKDF-SHA256, RFC 5869).
    package func derived(for purpose: String) -> SymmetricKey {
        HKDF<SHA256>.deriveKey(inputKeyMaterial: key, info: Array("muster/\(purpose)".utf8), outputByteCount: MasterKey.byteCount)
    }

    /// Encrypts a secret (AES-256-GCM, random nonce), bound to its cluster and to the fingerprint under which it is kept.
    package func seal(_ secret: [UInt8], clusterID: String, fingerprint: Digest) throws -> [UInt8] {
        let bound = lengthPrefixed([Array(clusterID.utf8), fingerprint.bytes])
        let box = try AES.GCM.seal(secret, using: derived(for: "seal/1"), authenticating: bound)
        return [MasterKey.sealVersion] + Array(box.nonce) + Array(box.ciphertext) + Array(box.tag)
    }

    /// Decrypts what ``seal(_:clusterID:fingerprint:)`` made for the same cluster and fingerprint.
    package func open(_ sealed: [UInt8], clusterID: String, fingerprint: Digest) throws(Refusal) -> [UInt8] {
        guard let version = sealed.first else {
            throw Refusal(.unreadable, "The sealed secret \(fingerprint.short) is empty.")
        }
        guard version == MasterKey.sealVersion else {
            throw Refusal(.version, "The sealed secret \(fingerprint.short) has format \(version); this Muster reads format 1.")
        }
        let bound = lengthPrefixed([Array(clusterID.utf8), fingerprint.bytes])
        do {
            return Array(try AES.GCM.open(.init(combined: sealed.dropFirst()), using: derived(for: "seal/1"), authenticating: bound))
        } catch {
            throw Refusal(
                .unreadable,
                "The sealed secret \(fingerprint.short) does not open with the master key \(id): it was sealed under another key, for another "
                    + "cluster or name, or altered.")
        }
    }
}

/// Parts that cannot be mistaken for others, for AES-GCM to authenticate: each behind its length in eight bytes, most significant first.
func lengthPrefixed(_ parts: [[UInt8]]) -> [UInt8] {
    var bytes: [UInt8] = []
    for part in parts {
        let count = UInt64(part.count)
        for shift in stride(from: 56, through: 0, by: -8) { bytes.append(UInt8(truncatingIfNeeded: count >> shift)) }
        bytes += part
    }
    return bytes
}

extension MasterKey: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    package var description: String { "<redacted>" }
    package var debugDescription: String { "<redacted>" }
    package var customMirror: Mirror { Mirror(self, children: []) }
}

extension String {
    fileprivate func trimmingWhitespace() -> Substring {
        let isInner = { (character: Character) in !character.isWhitespace }
        guard let first = firstIndex(where: isInner), let last = lastIndex(where: isInner) else { return "" }
        return self[first...last]
    }
}
