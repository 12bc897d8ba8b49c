package import Certificates
package import ClusterModel

/// Makes, imports and moves certificates; each ends as an edit in the administrator's uncommitted changes.
///
/// Keys are sealed and stored before the edit names them.
package struct CertificateDesk: Sendable {
    private let changes: ChangeDesk
    private let vault: KeyVault
    private let now: WallClock

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
            let bereft = view.uses(of: name, at: layer).filter { use in
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
        self.init(
            layer: layer, section: section, entry: entry, change: .set(value), basis: committed.layer(layer)?[section, entry]?.revision)
    }

    /// Takes a level's word on an entry back.
    package init(removing section: SectionName, _ entry: String, at layer: LayerID, in committed: ClusterState) {
        self.init(layer: layer, section: section, entry: entry, change: .remove, basis: committed.layer(layer)?[section, entry]?.revision)
    }
}
