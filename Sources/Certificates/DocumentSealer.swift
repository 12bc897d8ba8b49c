package import ClusterModel
import Crypto
import FoundationEssentials
import _CryptoExtras

/// Seals the keys of one cluster document under one password, and opens them.
///
/// A key is bound to the cluster's name, to its level and name, and to the certificate: moved or with another certificate it does not open.
package struct DocumentSealer: Sendable {
    /// What the document has to say so that the password opens it again.
    package let sealing: DocumentSealing
    private let key: SymmetricKey
    private let cluster: String

    private static let tag = "muster/document/1"
    private static let what = "The document's sealing"
    private static let keyBytes = 32
    private static let saltBytes = 16

    /// Derives a key for a new document, which takes a good part of a second.
    package static func new(password: String, cluster: String) async throws(Refusal) -> DocumentSealer {
        guard !password.isEmpty else { throw Refusal(.invalid, "Sealed keys need a password: it is all that keeps them.") }
        var sealing = DocumentSealing()
        var generator = SystemRandomNumberGenerator()
        let salt = (0..<saltBytes).map { _ in UInt8.random(in: .min ... .max, using: &generator) }
        sealing.salt = Data(salt).base64EncodedString()
        let key = try await derive(password, sealing)
        sealing.check = try seal([], under: key, bound: [Array(tag.utf8)])
        return DocumentSealer(sealing: sealing, key: key, cluster: cluster)
    }

    /// Derives the key of a document that was sealed; refuses a password that is not its own.
    package static func opening(_ sealing: DocumentSealing, password: String, cluster: String) async throws(Refusal) -> DocumentSealer {
        let key = try await derive(password, sealing)
        guard open(sealing.check, under: key, bound: [Array(tag.utf8)]) != nil else {
            throw Refusal(
                .unreadable, "The password does not open the document: it is another one, or the document's \"sealing\" was altered.")
        }
        return DocumentSealer(sealing: sealing, key: key, cluster: cluster)
    }

    /// Seals a private key with its certificate and chain.
    package func seal(
        key pem: [UInt8], chain: CertificateChain, certificate: CertificateSetting, at place: CertificatePlace
    ) throws(Refusal) -> SealedCertificate {
        let sealed = try DocumentSealer.seal(pem, under: key, bound: bound(certificate, place))
        return SealedCertificate(certificate: certificate, chain: chain.der.map { Data($0).base64EncodedString() }, key: sealed)
    }

    /// Opens a certificate's key.
    package func open(_ sealed: SealedCertificate, at place: CertificatePlace) throws(Refusal) -> RestoredCertificate {
        guard let pem = DocumentSealer.open(sealed.key, under: key, bound: bound(sealed.certificate, place)) else {
            throw Refusal(
                .unreadable,
                "\(place.path): the password is right, and the sealed key does not open: it or its certificate was altered, or it was "
                    + "sealed for another cluster, level or name.")
        }
        // Blobs are PEM in one form, by whose digest the certificate names its chain.
        let certificates = sealed.chain.compactMap { Data(base64Encoded: $0).map(Array.init) }
        let chain = certificates.map { PEMBlock(label: "CERTIFICATE", bytes: $0).text }.joined()
        return RestoredCertificate(setting: sealed.certificate.json, chain: chain, key: String(decoding: pem, as: UTF8.self))
    }

    private func bound(_ certificate: CertificateSetting, _ place: CertificatePlace) -> [[UInt8]] {
        [DocumentSealer.tag, cluster, place.level.description, SectionName.certificates.rawValue, place.name].map { Array($0.utf8) }
            + [certificate.json.canonicalBytes]
    }
}

// MARK: - Primitives

extension DocumentSealer {
    /// Scrypt takes its time: not on a caller's executor. Its cost is refused beyond the limits before anything is derived.
    @concurrent private static func derive(_ password: String, _ sealing: DocumentSealing) async throws(Refusal) -> SymmetricKey {
        guard password.utf8.count <= Limits.passwordBytes else {
            throw Refusal(.limit, "The password has over \(Limits.passwordBytes) bytes.")
        }
        let cost = try Scrypt(
            cost: sealing.cost, blockSize: sealing.blockSize, parallelization: sealing.parallelization, what)
        var budget = IterationBudget(of: what)
        try budget.spend(cost.iterations)
        guard let salt = Data(base64Encoded: sealing.salt) else { throw Refusal(.unreadable, "\(what) has a salt that is not Base64.") }
        do {
            return try KDF.Scrypt.deriveKey(
                from: Data(password.utf8), salt: salt, outputByteCount: keyBytes, rounds: cost.cost, blockSize: cost.blockSize,
                parallelism: cost.parallelization)
        } catch {
            throw Refusal(.unreadable, "\(what) has parameters that scrypt does not take.")
        }
    }

    /// AES-256-GCM with a random nonce: nonce (12), ciphertext, tag (16), in Base64.
    private static func seal(_ secret: [UInt8], under key: SymmetricKey, bound: [[UInt8]]) throws(Refusal) -> String {
        do {
            let box = try AES.GCM.seal(secret, using: key, authenticating: lengthPrefixed(bound))
            return Data(Array(box.nonce) + Array(box.ciphertext) + Array(box.tag)).base64EncodedString()
        } catch {
            throw Refusal(.unavailable, "The key cannot be sealed.")
        }
    }

    /// Nil for whatever does not open.
    private static func open(_ text: String, under key: SymmetricKey, bound: [[UInt8]]) -> [UInt8]? {
        guard let bytes = Data(base64Encoded: text) else { return nil }
        // Why it does not open cannot be known.
        return try? Array(AES.GCM.open(AES.GCM.SealedBox(combined: bytes), using: key, authenticating: lengthPrefixed(bound)))
    }
}

// MARK: - Documents and settings

extension ClusterDocument {
    /// Whether it has keys that a password opens.
    package var isSealed: Bool {
        settings.values.contains { sections in
            sections[.certificates]?.values.contains { if case .certificate(.sealed) = $0 { true } else { false } } ?? false
        }
    }

    /// The document with every sealed key opened.
    package func opened(password: String) async throws(Refusal) -> ClusterDocument {
        guard isSealed else { return self }
        guard let sealing, let cluster else {
            let missing = sealing == nil ? "sealing" : "cluster"
            throw Refusal(.invalid, "The document has sealed keys, and lacks \"\(missing)\", without which none opens.")
        }
        let sealer = try await DocumentSealer.opening(sealing, password: password, cluster: cluster)
        var document = self
        document.sealing = nil
        for (level, sections) in settings {
            for (name, entry) in sections[.certificates] ?? [:] {
                guard case .certificate(.sealed(let sealed)) = entry else { continue }
                let restored = try sealer.open(sealed, at: CertificatePlace(level, name))
                document.settings[level]?[.certificates]?[name] = .certificate(.restored(restored))
            }
        }
        return document
    }
}

extension RestoredCertificate {
    /// The setting, its key and its chain; refused when they do not belong together.
    package func identity() throws(Refusal) -> (setting: CertificateSetting, key: PrivateKey, chain: CertificateChain) {
        let setting: CertificateSetting
        do throws(SettingError) { setting = try CertificateSetting(self.setting) } catch { throw Refusal(.invalid, error.description) }
        let chain = try CertificateChain(pem: self.chain)
        let key = try PrivateKey(pem: self.key)
        guard key.facts == setting.key else {
            let named = setting.key.fingerprint.short
            throw Refusal(.unreadable, "The key \(key.facts.fingerprint.short) is not the one that the document names, \(named).")
        }
        try setting.check(against: chain)
        return (setting, key, chain)
    }
}

extension CertificateSetting {
    /// Refuses a setting that says of its chain what is not so: nobody edits a certificate's facts in a document.
    package func check(against chain: CertificateChain) throws(Refusal) {
        guard chain.blob == chainBlob, chain.leafKey.fingerprint == key.fingerprint, chain.facts.count == self.chain.count,
            zip(self.chain, chain.facts).allSatisfy({ $0.agrees(with: $1) })
        else {
            throw Refusal(
                .invalid,
                "What the document says of the certificate \(leaf?.fingerprint.short ?? "?") is not what stands in it. Save it again, or give it as pkcs12 or pem."
            )
        }
    }
}

extension CertificateFacts {
    /// Whether these are the facts that were read, or those of them that an older version kept.
    fileprivate func agrees(with read: CertificateFacts) -> Bool {
        if self == read { return true }
        return !isDetailed && fingerprint == read.fingerprint && subject == read.subject && issuer == read.issuer
            && notBefore == read.notBefore && notAfter == read.notAfter && names == read.names
    }
}
