package import Certificates
package import ClusterLog
package import ClusterModel
import Crypto

/// Creates a cluster in an empty log: its authority, its first group, its first administrator's token.
package struct ManagerFoundation: Sendable {
    package var cluster: String
    package var manager: String
    package var user: String
    /// The settings that it begins with; nil for none.
    package var settings: FoundingSettings?

    /// What the first administrator needs.
    package struct Result: Sendable {
        package var authorityPEM: String
        /// Secret.
        package var token: String
        package var clusterID: String
    }

    /// The group that every cluster begins with.
    package static let firstGroup = "main"
    /// Hours that the first token is good for.
    static let tokenHours = 24

    package init(cluster: String, manager: String, user: String, settings: FoundingSettings? = nil) {
        self.cluster = cluster
        self.manager = manager
        self.user = user
        self.settings = settings
    }

    package func lay(in log: any ClusterLog, master: MasterKey, now: @escaping WallClock) async throws -> Result {
        let name = try NameRule.plain.check(cluster, as: "The cluster's name")
        let user = try NameRule.plain.check(self.user, as: "The administrator's name")
        var generator = SystemRandomNumberGenerator()
        let clusterID = randomIdentifier(using: &generator)
        let authority = try ClusterAuthority.create(clusterID: clusterID, clusterName: name, now: now())
        let key = try PrivateKey(pem: authority.keyPEM)
        let demo = try makeDemoCertificate(now: now())
        let vault = KeyVault(log: log, master: master, clusterID: clusterID)
        try await vault.store(key)
        try await vault.store(demo.key)
        try await vault.store(demo.chain)
        for material in settings?.material ?? [] { try await vault.store(material) }
        let ledger = try await Ledger.open(log: log, key: ManagerFoundation.logKey(master), now: now)
        let created = ClusterCreated(
            clusterID: clusterID, cluster: name, group: GroupID(rawValue: randomIdentifier(using: &generator)),
            groupName: ManagerFoundation.firstGroup, manager: manager, authority: authority.certificatePEM,
            authorityKey: key.facts.fingerprint, masterKey: master.id, demo: demo.setting.json)
        try await ledger.append(by: user) { _, _ throws(Refusal) in .clusterCreated(created) }
        if let commit = settings?.commit(changeSet: randomIdentifier(using: &generator)), !commit.edits.isEmpty {
            try await ledger.append(by: user) { _, _ throws(Refusal) in .settingsCommitted(commit) }
        }
        let (token, event) = Tokens.make(for: user, expires: now().adding(seconds: Int64(ManagerFoundation.tokenHours) * 3600))
        try await ledger.append(by: user) { _, _ throws(Refusal) in .tokenCreated(event) }
        return Result(authorityPEM: authority.certificatePEM, token: token, clusterID: clusterID)
    }

    /// The key that seals the log's entries.
    package static func logKey(_ master: MasterKey) -> LogKey {
        sealingKey(master, for: "log/1")
    }

    /// A key that seals one kind of thing.
    static func sealingKey(_ master: MasterKey, for purpose: String) -> LogKey {
        LogKey(bytes: unsafe master.derived(for: purpose).withUnsafeBytes { bytes in unsafe Array(bytes) })
    }
}

extension ClusterAuthority {
    /// The authority that issues in a running cluster: its certificate from the log, its key from the vault.
    package static func load(_ state: ClusterState, vault: KeyVault) async throws(Refusal) -> ClusterAuthority {
        try await Issuers(vault: vault).authority(state.rotationOrRefusal().issuing)
    }
}
