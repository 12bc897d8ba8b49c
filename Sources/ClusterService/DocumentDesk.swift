import Certificates
import ClusterModel

/// Turns a cluster document into edits: the (level, section) pairs that it names are replaced exactly, the rest stays.
package struct DocumentDesk: Sendable {
    private let certificates: CertificateDesk
    private let authorities: AuthorityDesk
    private let vault: KeyVault

    package init(certificates: CertificateDesk, authorities: AuthorityDesk, vault: KeyVault) {
        self.certificates = certificates
        self.authorities = authorities
        self.vault = vault
    }

    /// The certificates and lists of authorities of a document, made or taken in, by where they belong.
    struct Fulfilled: Sendable {
        var certificates: [CertificatePlace: JSONValue] = [:]
        var authorities: [CertificatePlace: JSONValue] = [:]
    }

    /// Refuses a document that is meant for another cluster or names what this one does not have, all of it by name.
    func check(_ document: ClusterDocument, in view: ClusterState) throws(Refusal) {
        guard document.cluster == nil || document.cluster == view.cluster else {
            throw Refusal(
                .invalid,
                "The document is for the cluster \"\(document.cluster ?? "")\", and this is \"\(view.cluster)\". A document is loaded where the name is the "
                    + "same: make the manager under that name, or change \"cluster\" in the document if you mean it.")
        }
        var missing: [Refusal] = []
        for level in document.settings.keys.sorted() {
            if case .group(let name) = level, document.groups.contains(name) { continue }
            do throws(Refusal) { _ = try view.layerID(of: level) } catch { missing.append(error) }
        }
        guard let first = missing.first else { return }
        guard missing.count > 1 else { throw first }
        throw Refusal(
            first.code, "The document speaks of \(missing.count) levels that this cluster does not have. Nothing was changed.",
            details: missing.prefix(Limits.receiptReasons).map(\.reason))
    }

    /// Makes and takes in what the document asks for; a certificate that was made for the same request before stays as it is.
    ///
    /// `storing` is false for a dry run, which keeps no key.
    func fulfil(
        _ document: ClusterDocument, in view: ClusterState, storing: Bool
    ) async throws(Refusal) -> Fulfilled {
        var fulfilled = Fulfilled()
        for (level, sections) in document.settings {
            // A group that the document creates holds nothing yet.
            let layer = (try? view.layerID(of: level)).flatMap { view.layer($0) } ?? Layer()
            for (name, entry) in sections[.certificates] ?? [:] {
                guard case .certificate(let source) = entry else { continue }
                let existing = layer[.certificates, name]?.state.value
                let place = CertificatePlace(level, name)
                fulfilled.certificates[place] = try await setting(source, at: place, existing: existing, storing: storing)
            }
            for (name, entry) in sections[.authorities] ?? [:] {
                fulfilled.authorities[CertificatePlace(level, name)] = try await setting(authorities: entry, storing: storing)
            }
        }
        return fulfilled
    }

    private func setting(
        _ source: CertificateSource, at place: CertificatePlace, existing: JSONValue?, storing: Bool
    ) async throws(Refusal) -> JSONValue {
        switch source {
        case .selfSigned(let request):
            // A value that does not read was made for no request.
            if let existing, let setting = try? CertificateSetting(existing), setting.request == request { return existing }
            return try await certificates.make(request, storing: storing).setting.json
        case .pkcs12(let bytes, let password):
            let identity = try await readPKCS12(bytes, password: password)
            return try await taken(identity, storing: storing)
        case .pem(let chain, let key):
            return try await taken(try ImportedIdentity(keyPEM: key, chainPEM: chain), storing: storing)
        case .masked(let value):
            return value == existing ? value : try await held(value, at: place)
        case .sealed:
            throw Refusal(.invalid, "\(place.path): the key is sealed. Give the document's password.")
        case .restored(let restored):
            let (setting, key, chain) = try restored.identity()
            if storing {
                try await vault.store(key)
                try await vault.store(chain)
            }
            return setting.json
        }
    }

    /// Nil for an entry that is as the document has it: the word on the operating system's list.
    private func setting(authorities entry: DocumentEntry, storing: Bool) async throws(Refusal) -> JSONValue? {
        switch entry {
        case .authorities(let file): return try await authorities.take(file, storing: storing).setting.json
        case .value(let value):
            let setting: AuthoritySetting
            do throws(SettingError) { setting = try AuthoritySetting(value) } catch { throw Refusal(.invalid, error.description) }
            guard let blob = setting.blob else { return nil }
            return try await authorities.held(blob).json
        case .hidden, .certificate: return nil
        }
    }

    /// The document with the text of every list of authorities in it: it has no secrets, and another cluster does not hold it.
    func withTexts(_ document: ClusterDocument) async throws(Refusal) -> ClusterDocument {
        var result = document
        for (level, sections) in document.settings {
            for (name, entry) in sections[.authorities] ?? [:] {
                guard case .value(let value) = entry, let blob = value["blob"]?.text.flatMap(Digest.init(hex:)) else { continue }
                result.settings[level]?[.authorities]?[name] = .authorities(file: try await vault.chainPEM(blob))
            }
        }
        return result
    }

    /// A masked certificate, of which the cluster holds key and chain, and of which the document says what is so.
    private func held(_ value: JSONValue, at place: CertificatePlace) async throws(Refusal) -> JSONValue {
        // The ready-made certificate comes with its key, or it is the one that is there.
        try CertificateSetting.check(ownName: place.name)
        let setting: CertificateSetting
        do throws(SettingError) { setting = try CertificateSetting(value) } catch { throw Refusal(.invalid, error.description) }
        guard try await vault.holds(setting.key.fingerprint), try await vault.holds(chain: setting.chainBlob) else {
            throw Refusal(
                .notFound,
                "\(place.path): the document names the key \(setting.key.fingerprint.short) by fingerprint, and this cluster does not hold it. Give the "
                    + "certificate as pkcs12 or pem, or load a document that was saved with --include-secrets."
            )
        }
        try setting.check(against: CertificateChain(pem: String(decoding: try await vault.chainPEM(setting.chainBlob), as: UTF8.self)))
        return setting.json
    }

    /// The document with the keys of all its masked certificates sealed under a password, and how many those are.
    func sealed(_ document: ClusterDocument, password: String) async throws(Refusal) -> (document: ClusterDocument, keys: Int) {
        let sealer = try await DocumentSealer.new(password: password, cluster: document.cluster ?? "")
        var result = document
        var keys = 0
        for (level, sections) in document.settings {
            for (name, entry) in sections[.certificates] ?? [:] {
                guard case .certificate(.masked(let value)) = entry else { continue }
                let setting: CertificateSetting
                do throws(SettingError) { setting = try CertificateSetting(value) } catch { throw Refusal(.version, error.description) }
                let chain = try CertificateChain(pem: String(decoding: try await vault.chainPEM(setting.chainBlob), as: UTF8.self))
                let sealed = try sealer.seal(
                    key: try await vault.keyPEM(setting.key.fingerprint), chain: chain, certificate: setting,
                    at: CertificatePlace(level, name))
                result.settings[level]?[.certificates]?[name] = .certificate(.sealed(sealed))
                keys += 1
            }
        }
        result.sealing = sealer.sealing
        return (result, keys)
    }

    private func taken(_ identity: ImportedIdentity, storing: Bool) async throws(Refusal) -> JSONValue {
        if storing { return try await certificates.store(key: identity.key, chain: identity.chain).json }
        return identity.setting().json
    }
}

/// Deriving a key from a password takes a while: not on a caller's executor.
@concurrent func readPKCS12(_ bytes: [UInt8], password: String) async throws(Refusal) -> ImportedIdentity {
    try PKCS12.read(bytes, password: password)
}
