import AdminContract
import Certificates
package import ClusterModel

/// Takes in lists of authorities and takes them away (mission D11); each ends as an edit in the administrator's uncommitted changes.
///
/// A list's text is stored before the edit names it.
package struct AuthorityDesk: Sendable {
    private let changes: ChangeDesk
    private let vault: KeyVault
    let now: WallClock

    package init(changes: ChangeDesk, vault: KeyVault, now: @escaping WallClock) {
        self.changes = changes
        self.vault = vault
        self.now = now
    }

    /// Takes a list in under a name; answers what there is to say of its file. A name in use there needs `replace`.
    package func add(
        by user: String, at level: Level, name: String, file: [UInt8], replace: Bool
    ) async throws(Refusal) -> [CertificateFinding] {
        guard name != AuthoritySetting.systemName else {
            throw Refusal(
                .invalid,
                "\"\(name)\" stands for the operating system's list, which has no file. Choose another name; or trust that list again: muster authority add system"
            )
        }
        try Section.authorities.check(entry: name, at: level.kind)
        let view = try await changes.view(of: user)
        let layer = try view.layerID(of: level)
        guard replace || view.layer(layer)?[.authorities, name] == nil else {
            throw Refusal(
                .exists,
                "There is a list of authorities \"\(name)\" at \(level) already. Add --replace to replace it, or choose another name.")
        }
        let (setting, findings) = try await take(file)
        try await submit(setting, by: user, at: level, name: name)
        return findings
    }

    /// Trusts or distrusts the operating system's list at a level.
    package func trustSystem(_ isTrusted: Bool, by user: String, at level: Level) async throws(Refusal) {
        try await submit(AuthoritySetting(trusted: isTrusted), by: user, at: level, name: AuthoritySetting.systemName)
    }

    /// What a removal did, and the level whose word shows through after it.
    struct Removed: Sendable {
        var edits: [Edit]
        var inherited: Level?
    }

    /// Takes a level's word on an entry back.
    func remove(_ name: String, by user: String, at level: Level) async throws(Refusal) -> Removed {
        let view = try await changes.view(of: user)
        let inherited = try AuthorityDesk.inherited(name, at: view.layerID(of: level), in: view)
        let edits = try await changes.submit(by: user) { view, committed throws(Refusal) in
            let layer = try view.layerID(of: level)
            guard view.layer(layer)?[.authorities, name] != nil else { throw AuthorityDesk.nothing(name, at: level, inherited) }
            return [Edit(removing: .authorities, name, at: layer, in: committed)]
        }
        return Removed(edits: edits, inherited: inherited)
    }

    /// Reads a list for an administrator's own use, and stores its text unless told not to; nothing names it yet.
    package func take(
        _ file: [UInt8], storing: Bool = true
    ) async throws(Refusal) -> (setting: AuthoritySetting, findings: [CertificateFinding]) {
        let list = try await read(file)
        try list.check(at: now())
        if storing { try await vault.store(list) }
        return (list.setting, list.findings(at: now()))
    }

    /// The setting of a list that the cluster holds, by the digest of its text. What is known of the certificates comes from the text.
    package func held(_ blob: Digest) async throws(Refusal) -> AuthoritySetting {
        guard try await vault.holds(chain: blob) else {
            throw Refusal(
                .notFound,
                "The document names the list of authorities \(blob.short) by digest, and this cluster does not hold it. Give the list as pem."
            )
        }
        return try await take(try await vault.chainPEM(blob), storing: false).setting
    }

    private func submit(_ setting: AuthoritySetting, by user: String, at level: Level, name: String) async throws(Refusal) {
        try await changes.submit(by: user) { view, committed throws(Refusal) in
            [Edit(setting: setting.json, .authorities, name, at: try view.layerID(of: level), in: committed)]
        }
    }

    // MARK: - Decisions

    /// The wider level from which a layer has an entry when it does not speak of it itself.
    static func inherited(_ name: String, at layer: LayerID, in view: ClusterState) -> Level? {
        guard view.layer(layer)?[.authorities].isIsolated != true else { return nil }
        switch layer {
        case .cluster: return nil
        case .group: return view.layer[.authorities, name]?.state.value == nil ? nil : .cluster
        case .machine(let id):
            guard let membership = view.memberships[id] else { return nil }
            let wider = view.inheritedSettings(of: membership.group).configuration(machine: Layer(), membership: id)
            return wider[.authorities, name].flatMap { view.level(of: $0.origin.layer) }
        }
    }

    private static func nothing(_ name: String, at level: Level, _ inherited: Level?) -> Refusal {
        guard let inherited else {
            return Refusal(
                .notFound, "\(level) says nothing about the authorities \"\(name)\". List them with: muster authority list --all")
        }
        let cure = AuthorityRemoval.instead(of: name, at: level)
        return Refusal(.notFound, "\(level) has the authorities \"\(name)\" from \(inherited). To do without them there: \(cure)")
    }
}

/// Many certificates take a while, for each is held against those that may have signed it: not on a caller's executor.
@concurrent private func read(_ file: [UInt8]) async throws(Refusal) -> AuthorityList {
    try AuthorityList(bundle: file)
}
