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
        struct Place: Hashable, Sendable {
            var level: Level
            var section: SectionName
            var name: String
        }

        var settings: [Place: JSONValue] = [:]
    }

    /// Refuses a document that is meant for another cluster or names what this one does not have.
    func check(_ document: ClusterDocument, in view: ClusterState) throws(Refusal) {
        guard document.cluster == nil || document.cluster == view.cluster else {
            throw Refusal(.invalid, "The document is for the cluster \"\(document.cluster ?? "")\", and this is \"\(view.cluster)\".")
        }
        for level in document.settings.keys.sorted() {
            if case .group(let name) = level, document.groups.contains(name) { continue }
            _ = try view.layerID(of: level)
        }
    }

    /// Makes and takes in what the document asks for; a certificate that was made for the same request before stays as it is.
    ///
    /// `storing` is false for a dry run, which keeps no key.
    func fulfil(_ document: ClusterDocument, in view: ClusterState, storing: Bool) async throws(Refusal) -> Fulfilled {
        var fulfilled = Fulfilled()
        for (level, sections) in document.settings {
            // A group that the document creates holds nothing yet.
            let layer = (try? view.layerID(of: level)).flatMap { view.layer($0) } ?? Layer()
            for (name, entry) in sections[.certificates] ?? [:] {
                guard case .certificate(let source) = entry else { continue }
                let existing = layer[.certificates, name]?.state.value
                fulfilled.settings[Fulfilled.Place(level: level, section: .certificates, name: name)] = try await setting(
                    source, existing: existing, storing: storing)
            }
            for (name, entry) in sections[.authorities] ?? [:] {
                fulfilled.settings[Fulfilled.Place(level: level, section: .authorities, name: name)] = try await setting(
                    authorities: entry, storing: storing)
            }
        }
        return fulfilled
    }

    private func setting(_ source: CertificateSource, existing: JSONValue?, storing: Bool) async throws(Refusal) -> JSONValue {
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
            let setting: CertificateSetting
            do throws(SettingError) { setting = try CertificateSetting(value) } catch { throw Refusal(.invalid, error.description) }
            guard try await vault.holds(setting.key.fingerprint), try await vault.holds(chain: setting.chainBlob) else {
                throw Refusal(
                    .notFound,
                    "The document names the key \(setting.key.fingerprint.short) by fingerprint, and this cluster does not hold it. Give the certificate as pkcs12 or pem."
                )
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

    private func taken(_ identity: ImportedIdentity, storing: Bool) async throws(Refusal) -> JSONValue {
        if storing { return try await certificates.store(key: identity.key, chain: identity.chain).json }
        return identity.setting().json
    }

    /// The edits that bring a view to what the document says.
    func edits(_ document: ClusterDocument, _ fulfilled: Fulfilled, view: ClusterState, committed: ClusterState) throws(Refusal) -> [Edit] {
        var edits: [Edit] = []
        for (level, sections) in document.settings.sorted(by: { $0.key < $1.key }) {
            let id = try view.layerID(of: level)
            let layer = view.layer(id) ?? Layer()
            for (section, entries) in sections.sorted(by: { $0.key < $1.key }) {
                // The ready-made certificate is not the document's to speak of.
                let present = layer[section].entries.keys.filter { section != .certificates || $0 != CertificateSetting.demoName }
                for name in present.sorted() where entries[name] == nil {
                    edits.append(Edit(removing: section, name, at: id, in: committed))
                }
                for (name, entry) in entries.sorted(by: { $0.key < $1.key }) {
                    let state: EntryState
                    let taken = fulfilled.settings[Fulfilled.Place(level: level, section: section, name: name)]
                    switch entry {
                    case .value(let value): state = .set(taken ?? value)
                    case .hidden: state = .hidden
                    case .certificate, .authorities:
                        guard let taken else { continue }
                        state = .set(taken)
                    }
                    guard layer[section, name]?.state != state else { continue }
                    let change: EntryChange = state.value.map { .set($0) } ?? .hide
                    edits.append(Edit(layer: id, section: section, entry: name, change: change, in: committed))
                }
                let isIsolated = document.isolated[level]?.contains(section) ?? false
                if layer[section].isIsolated != isIsolated {
                    let change: EntryChange = isIsolated ? .isolate : .inherit
                    edits.append(Edit(layer: id, section: section, entry: nil, change: change, in: committed))
                }
            }
        }
        return edits
    }
}

/// Deriving a key from a password takes a while: not on a caller's executor.
@concurrent func readPKCS12(_ bytes: [UInt8], password: String) async throws(Refusal) -> ImportedIdentity {
    try PKCS12.read(bytes, password: password)
}
