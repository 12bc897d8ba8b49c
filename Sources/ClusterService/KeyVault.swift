package import Certificates
package import ClusterLog
package import ClusterModel
package import Replication
import Synchronization

/// Private keys, sealed, certificate chains and lists of authorities, as blobs beside the log.
///
/// Blobs are put before the append that names them. Unsealed keys are held in memory only while some machine's
/// configuration uses them.
package final class KeyVault: Sendable {
    private let log: any ClusterLog
    private let master: MasterKey
    private let clusterID: String
    /// Material that current configurations need, ready to be sent.
    private let ready = Mutex<[Digest: Material]>([:])

    package init(log: any ClusterLog, master: MasterKey, clusterID: String) {
        self.log = log
        self.master = master
        self.clusterID = clusterID
    }

    /// Seals and stores a key under its fingerprint.
    package func store(_ key: PrivateKey) async throws(Refusal) {
        let name = KeyVault.name(of: key.facts.fingerprint)
        let pem = Array(key.pem.utf8)
        do {
            // Sealing the same key twice gives other bytes: the first stays.
            guard try await log.blob(name) == nil else { return }
            let sealed = try master.seal(pem, clusterID: clusterID, fingerprint: key.facts.fingerprint)
            try await log.putBlob(name, sealed)
        } catch let error as LogError {
            guard error.code != .blobDiffers else { return }
            throw Refusal(error)
        } catch {
            throw Refusal(.unavailable, "The key \(key.facts.fingerprint.short) cannot be sealed.")
        }
    }

    /// Stores a chain's PEM text under its digest.
    package func store(_ chain: CertificateChain) async throws(Refusal) {
        do throws(LogError) {
            try await log.putBlob("chain/\(chain.blob.hex)", Array(chain.pem.utf8))
        } catch {
            throw Refusal(error)
        }
    }

    /// Stores a list of authorities under the digest of its PEM text, as a chain: both are public, and machines lay them out alike.
    package func store(_ list: AuthorityList) async throws(Refusal) {
        do throws(LogError) {
            try await log.putBlob("chain/\(list.blob.hex)", Array(list.pem.utf8))
        } catch {
            throw Refusal(error)
        }
    }

    /// Stores what a machine has: a key sealed, and what is public as it is. It must be what its digest says.
    package func store(_ material: Material) async throws(Refusal) {
        let pem = String(decoding: material.pem, as: UTF8.self)
        switch material.kind {
        case .key:
            let key = try PrivateKey(pem: pem)
            guard key.facts.fingerprint == material.digest else {
                throw Refusal(.unreadable, "The private key \(material.digest.short) is another than its name says.")
            }
            try await store(key)
        case .chain:
            guard Digest(hashing: material.pem) == material.digest else {
                throw Refusal(.unreadable, "The certificate chain \(material.digest.short) is another than its name says.")
            }
            do throws(LogError) { try await log.putBlob("chain/\(material.digest.hex)", material.pem) } catch { throw Refusal(error) }
        }
    }

    /// Seals and stores an archive's content under its digest, which it answers.
    package func store(archive content: [UInt8]) async throws(Refusal) -> Digest {
        let digest = Digest(hashing: content)
        do {
            // As with keys; an attempt before this one may have come as far.
            guard try await log.blob(KeyVault.name(ofArchive: digest)) == nil else { return digest }
            try await log.putBlob(
                KeyVault.name(ofArchive: digest), try master.seal(content, clusterID: clusterID, fingerprint: digest))
        } catch let error as LogError {
            guard error.code != .blobDiffers else { return digest }
            throw Refusal(error)
        } catch {
            throw Refusal(.unavailable, "The archive \(digest.short) cannot be sealed.")
        }
        return digest
    }

    /// An archive's content, opened; it is what its digest says, or refused.
    package func archive(_ digest: Digest) async throws(Refusal) -> [UInt8] {
        guard let sealed = try await bytes(KeyVault.name(ofArchive: digest)) else {
            throw Refusal(.notFound, "The archive \(digest.short) is not in the store. Restore a backup that has it.")
        }
        let content: [UInt8]
        do { content = try master.open(sealed, clusterID: clusterID, fingerprint: digest) } catch {
            throw Refusal(.unreadable, "The archive \(digest.short) does not open with this master key.")
        }
        guard Digest(hashing: content) == digest else {
            throw Refusal(.unreadable, "The archive \(digest.short) is not what was archived.")
        }
        return content
    }

    /// Takes an archive's content away, for good.
    package func deleteArchive(_ digest: Digest) async throws(Refusal) {
        do throws(LogError) { try await log.deleteBlob(KeyVault.name(ofArchive: digest)) } catch { throw Refusal(error) }
    }

    /// Stores a chain or a list of authorities as it is, under the digest of its text.
    package func store(chainText pem: String) async throws(Refusal) {
        let bytes = Array(pem.utf8)
        do throws(LogError) {
            try await log.putBlob("chain/\(Digest(hashing: bytes).hex)", bytes)
        } catch {
            throw Refusal(error)
        }
    }

    /// A key, sealed to be kept elsewhere than in the vault.
    package func seal(_ key: PrivateKey) throws(Refusal) -> [UInt8] {
        let fingerprint = key.facts.fingerprint
        do { return try master.seal(Array(key.pem.utf8), clusterID: clusterID, fingerprint: fingerprint) } catch {
            throw Refusal(.unavailable, "The key \(fingerprint.short) cannot be sealed.")
        }
    }

    /// The PEM text of a key that was sealed by ``seal(_:)``.
    package func unseal(_ sealed: [UInt8], fingerprint: Digest) throws(Refusal) -> [UInt8] {
        try master.open(sealed, clusterID: clusterID, fingerprint: fingerprint)
    }

    /// Whether the vault has a key.
    package func holds(_ key: Digest) async throws(Refusal) -> Bool {
        try await bytes(KeyVault.name(of: key)) != nil
    }

    /// Whether the vault has a chain.
    package func holds(chain: Digest) async throws(Refusal) -> Bool {
        try await bytes("chain/\(chain.hex)") != nil
    }

    /// A key's PEM text, opened.
    package func keyPEM(_ fingerprint: Digest) async throws(Refusal) -> [UInt8] {
        guard let sealed = try await bytes(KeyVault.name(of: fingerprint)) else {
            throw Refusal(
                .notFound, "The private key \(fingerprint.short) is not in the store. Restore a backup that has it, or import it again.")
        }
        do {
            return try master.open(sealed, clusterID: clusterID, fingerprint: fingerprint)
        } catch {
            throw Refusal(.unreadable, "The private key \(fingerprint.short) does not open with this master key.")
        }
    }

    package func chainPEM(_ digest: Digest) async throws(Refusal) -> [UInt8] {
        guard let pem = try await bytes("chain/\(digest.hex)") else {
            throw Refusal(
                .notFound, "The certificate chain \(digest.short) is not in the store. Restore a backup that has it, or import it again.")
        }
        return pem
    }

    /// Loads what configurations need and forgets the rest; afterwards ``material(for:)`` answers at once.
    package func prepare(_ needed: MaterialNeeded) async throws(Refusal) {
        var loaded = ready.withLock { $0 }.filter { needed.keys.contains($0.key) || needed.chains.contains($0.key) }
        for digest in needed.keys where loaded[digest] == nil {
            loaded[digest] = Material(kind: .key, digest: digest, pem: try await keyPEM(digest))
        }
        for digest in needed.chains where loaded[digest] == nil {
            loaded[digest] = Material(kind: .chain, digest: digest, pem: try await chainPEM(digest))
        }
        let prepared = loaded
        ready.withLock { $0 = prepared }
    }

    /// Prepared material, in a fixed order.
    package func material(for needed: MaterialNeeded) -> [Material] {
        ready.withLock { ready in
            (needed.keys.sorted() + needed.chains.sorted()).compactMap { ready[$0] }
        }
    }

    private static func name(of key: Digest) -> String { "key/\(key.hex)" }
    private static func name(ofArchive digest: Digest) -> String { "archive/\(digest.hex)" }

    private func bytes(_ name: String) async throws(Refusal) -> [UInt8]? {
        do throws(LogError) {
            return try await log.blob(name)
        } catch {
            throw Refusal(error)
        }
    }
}
