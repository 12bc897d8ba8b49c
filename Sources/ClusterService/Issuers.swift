package import Certificates
package import ClusterModel

/// The cluster's CAs with their keys, opened from the vault when they are needed first.
package actor Issuers {
    private let vault: KeyVault
    private var opened: [Digest: ClusterAuthority] = [:]

    package init(vault: KeyVault) {
        self.vault = vault
    }

    /// A CA that can issue.
    package func authority(_ ca: ClusterCA) async throws(Refusal) -> ClusterAuthority {
        if let authority = opened[ca.fingerprint] { return authority }
        let key = try await vault.keyPEM(ca.key)
        let authority = try ClusterAuthority(certificatePEM: ca.certificate, keyPEM: String(decoding: key, as: UTF8.self))
        // Two at most are in use; those before are of no use any more.
        if opened.count > Limits.clusterAuthorities { opened = [:] }
        opened[ca.fingerprint] = authority
        return authority
    }
}

extension ClusterState {
    /// The cluster's CA, which every cluster has.
    package func rotationOrRefusal() throws(Refusal) -> Rotation {
        guard let rotation else { throw Refusal(.notFound, "The log holds no cluster. Make one: muster manager init") }
        return rotation
    }
}
