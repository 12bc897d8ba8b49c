package import AdminContract
package import Certificates
package import ClusterModel

/// Makes, imports and moves certificates; each ends as an edit in the administrator's uncommitted changes.
///
/// Keys are sealed and stored before the edit names them.
package struct CertificateDesk: Sendable {
    private let changes: ChangeDesk
    private let vault: KeyVault
    let now: WallClock

    package init(changes: ChangeDesk, vault: KeyVault, now: @escaping WallClock) {
        self.changes = changes
        self.vault = vault
        self.now = now
    }

    /// Makes a self-signed certificate at a level (mission D1). A name in use there needs `replace`.
    package func create(
        by user: String, at level: Level, name: String, request: SelfSignedRequest, replace: Bool
    ) async throws(Refusal) -> CertificateSetting {
        try await check(name, at: level, user: user, replace: replace)
        let made = try await make(request)
        try await submit(made.setting, by: user, at: level, name: name)
        return made.setting
    }

    /// Makes the certificate and stores its key; nothing names it yet.
    package func make(_ request: SelfSignedRequest, storing: Bool = true) async throws(Refusal) -> MadeCertificate {
        let made: MadeCertificate
        do { made = try await CertificateDesk.generate(request, now: now()) } catch {
            throw Refusal(.invalid, "The certificate for \(request.commonName) cannot be made: \(error)")
        }
        if storing {
            try await vault.store(made.key)
            try await vault.store(made.chain)
        }
        return made
    }

    /// Takes in a key and a chain that were made elsewhere (mission D5). It replaces what has the name.
    package func importCertificate(
        by user: String, at level: Level, name: String, key: PrivateKey, chain: CertificateChain
    ) async throws(Refusal) -> CertificateSetting {
        try await check(name, at: level, user: user, replace: true)
        let setting = try await store(key: key, chain: chain)
        try await submit(setting, by: user, at: level, name: name)
        return setting
    }

    /// Stores key and chain; answers the setting that names them.
    package func store(key: PrivateKey, chain: CertificateChain) async throws(Refusal) -> CertificateSetting {
        guard chain.isServed(by: key) else {
            throw Refusal(
                .unreadable,
                "The key does not belong to the certificate: the key's fingerprint is \(key.facts.fingerprint), the certificate's \(chain.leafKey.fingerprint)."
            )
        }
        try await vault.store(key)
        try await vault.store(chain)
        return CertificateSetting(origin: .imported, key: key.facts, chain: chain.facts, chainBlob: chain.blob)
    }

    /// Lifts a certificate to a wider level, so that it outlives the machine's membership (mission C6).
    package func promote(by user: String, name: String, from: Level, to: Level) async throws(Refusal) {
        guard to.kind < from.kind else {
            throw Refusal(.wrongLevel, "A certificate is promoted to a wider level, and \(to) is not wider than \(from).")
        }
        try await changes.submit(by: user) { view, committed throws(Refusal) in
            let source = try view.layerID(of: from)
            let target = try view.layerID(of: to)
            guard let value = view.layer(source)?[.certificates, name]?.state.value else {
                throw Refusal(.notFound, "There is no certificate \"\(name)\" at \(from). List them with: muster cert list")
            }
            return [
                Edit(setting: value, .certificates, name, at: target, in: committed),
                Edit(removing: .certificates, name, at: source, in: committed),
            ]
        }
    }

    /// A request for the key of a certificate; only for one that is committed, so that what comes back has an entry to be uploaded into.
    package func request(for name: String, at level: Level, user: String) async throws(Refusal) -> CertificateRequestView {
        let (setting, key) = try await committed(name, at: level, user: user, for: "A certificate request is made")
        let chain = try CertificateChain(pem: String(decoding: try await vault.chainPEM(setting.chainBlob), as: UTF8.self))
        do {
            let request =
                if let asked = setting.request { try CertificateRequest.make(key: key, asking: asked) } else {
                    try CertificateRequest.make(key: key, renewing: chain)
                }
            return CertificateRequestView(
                name: name, level: level, subject: request.subject, names: request.names, key: request.key.fingerprint, pem: request.pem)
        } catch let refusal as Refusal {
            throw refusal
        } catch {
            throw Refusal(.invalid, "No request can be made for the certificate \"\(name)\": \(error)")
        }
    }

    /// Takes in the signed certificate, intermediates, or both, for the key that the entry has (mission D3).
    package func upload(
        by user: String, at level: Level, name: String, certificate: [UInt8]?, intermediates: [[UInt8]]
    ) async throws(Refusal) {
        guard certificate != nil || !intermediates.isEmpty else {
            throw Refusal(.invalid, "Give the signed certificate, or intermediates that go with the one that is there.")
        }
        try CertificateSetting.check(ownName: name)
        let view = try await changes.view(of: user)
        let layer = try view.layerID(of: level)
        try CertificateDesk.present(name, at: level, layer, in: view)
        var setting = try CertificateDesk.setting(name, layer, in: view)
        let former = try CertificateChain(pem: String(decoding: try await vault.chainPEM(setting.chainBlob), as: UTF8.self))
        var chain = former
        if let certificate {
            chain = try CertificateChain(upload: certificate, forKey: setting.key.fingerprint)
            setting.origin = .uploaded
        }
        for file in intermediates { chain = try chain.adding(intermediates: file) }
        try await vault.store(chain)
        (setting.chain, setting.chainBlob) = (chain.facts, chain.blob)
        try await submit(setting, by: user, at: level, name: name)
    }

    /// A committed certificate with its key as a PKCS#12 file, and the key's fingerprint.
    package func export(
        _ name: String, at level: Level, password: String, legacy: Bool, user: String
    ) async throws(Refusal) -> (setting: CertificateSetting, file: [UInt8]) {
        guard !password.isEmpty else { throw Refusal(.invalid, "An exported key needs a password: the file is all that keeps it.") }
        let (setting, key) = try await committed(name, at: level, user: user, for: "A certificate is exported")
        let chain = try CertificateChain(pem: String(decoding: try await vault.chainPEM(setting.chainBlob), as: UTF8.self))
        return (setting, try await writePKCS12(key, chain, password: password, name: name, legacy: legacy))
    }

    /// The certificate as it is committed, with its key; refused while the caller's own edits say something else.
    private func committed(
        _ name: String, at level: Level, user: String, for what: String
    ) async throws(Refusal) -> (CertificateSetting, PrivateKey) {
        let (before, view) = (await changes.committed, try await changes.view(of: user))
        let layer = try view.layerID(of: level)
        try CertificateDesk.present(name, at: level, layer, in: view)
        guard view.layer(layer)?[.certificates, name]?.state == before.layer(layer)?[.certificates, name]?.state else {
            throw Refusal(
                .conflict,
                "\(what) only after the commit, and \"\(name)\" at \(level) is still among your uncommitted changes. Run: muster commit")
        }
        let setting = try CertificateDesk.setting(name, layer, in: view)
        let pem = try await vault.keyPEM(setting.key.fingerprint)
        return (setting, try PrivateKey(pem: String(decoding: pem, as: UTF8.self)))
    }

    private static func setting(_ name: String, _ layer: LayerID, in view: ClusterState) throws(Refusal) -> CertificateSetting {
        do throws(SettingError) {
            return try CertificateSetting(view.layer(layer)?[.certificates, name]?.state.value ?? .null)
        } catch {
            throw Refusal(.version, error.description)
        }
    }

    /// What uses a level's certificate.
    package func uses(of name: String, at level: Level, user: String) async throws(Refusal) -> [CertificateUse] {
        let view = try await changes.view(of: user)
        let layer = try view.layerID(of: level)
        try CertificateDesk.present(name, at: level, layer, in: view)
        return view.uses(of: name, at: layer)
    }

    /// Takes a certificate away, unless a service would be left without one of that name.
    package func delete(by user: String, name: String, at level: Level) async throws(Refusal) -> [Edit] {
        try CertificateSetting.check(ownName: name)
        return try await changes.submit(by: user) { view, committed throws(Refusal) in
            let layer = try view.layerID(of: level)
            try CertificateDesk.present(name, at: level, layer, in: view)
            let edit = Edit(removing: .certificates, name, at: layer, in: committed)
            let after = try view.applying([edit])
            // Where a wider level has one of that name, the service goes on with that.
            let bereft = CertificateIndex(view).uses(of: name, at: layer).filter { use in
                guard let membership = use.machine.flatMap({ after.membership(named: $0) }) else {
                    return after.layer(.cluster)?[.certificates, name]?.state.value == nil
                }
                return after.configuration(of: membership)[.certificates, name] == nil
            }
            guard bereft.isEmpty else {
                throw Refusal(
                    .inUse,
                    "The certificate \"\(name)\" at \(level) is in use. Assign another one to these services first, or unset them.",
                    details: bereft.prefix(Limits.listItems).map(\.description))
            }
            return [edit]
        }
    }

    private static func present(_ name: String, at level: Level, _ layer: LayerID, in view: ClusterState) throws(Refusal) {
        guard view.layer(layer)?[.certificates, name]?.state.value != nil else {
            throw Refusal(.notFound, "There is no certificate \"\(name)\" at \(level). List them with: muster cert list --all")
        }
    }

    private func check(_ name: String, at level: Level, user: String, replace: Bool) async throws(Refusal) {
        try CertificateSetting.check(ownName: name)
        try Section.certificates.check(entry: name, at: level.kind)
        let view = try await changes.view(of: user)
        let layer = try view.layerID(of: level)
        guard replace || view.layer(layer)?[.certificates, name]?.state.value == nil else {
            throw Refusal(
                .exists, "There is a certificate \"\(name)\" at \(level) already. Add --replace to replace it, or choose another name.")
        }
    }

    private func submit(_ setting: CertificateSetting, by user: String, at level: Level, name: String) async throws(Refusal) {
        try await changes.submit(by: user) { view, committed throws(Refusal) in
            [Edit(setting: setting.json, .certificates, name, at: try view.layerID(of: level), in: committed)]
        }
    }

    /// RSA keys take seconds: not on an actor's executor.
    @concurrent private static func generate(_ request: SelfSignedRequest, now: Timestamp) async throws -> MadeCertificate {
        try makeSelfSigned(request, now: now)
    }
}

extension Edit {
    /// Sets an entry, building on what is committed.
    package init(setting value: JSONValue, _ section: SectionName, _ entry: String, at layer: LayerID, in committed: ClusterState) {
        self.init(layer: layer, section: section, entry: entry, change: .set(value), in: committed)
    }

    /// Takes a level's word on an entry back.
    package init(removing section: SectionName, _ entry: String, at layer: LayerID, in committed: ClusterState) {
        self.init(layer: layer, section: section, entry: entry, change: .remove, in: committed)
    }
}

/// Deriving keys from a password takes a while: not on a caller's executor.
@concurrent private func writePKCS12(
    _ key: PrivateKey, _ chain: CertificateChain, password: String, name: String, legacy: Bool
) async throws(Refusal) -> [UInt8] {
    do {
        return try PKCS12.write(key: key, chain: chain, password: password, friendlyName: name, protection: legacy ? .legacy : .modern)
    } catch let refusal as Refusal {
        throw refusal
    } catch {
        throw Refusal(.unavailable, "The PKCS#12 file cannot be written.")
    }
}
