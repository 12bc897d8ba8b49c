package import ClusterModel

/// One effective configuration with the material to serve it, as laid out in a generation.
package struct GatewayConfiguration: Sendable, CustomStringConvertible {
    package var settings: EffectiveConfiguration
    /// PEM text of certificate chains and of lists of authorities, by digest.
    package var chains: [Digest: String]
    /// PEM text of private keys, by fingerprint of the public key. Never logged.
    package var keys: [Digest: String]

    package init(settings: EffectiveConfiguration, chains: [Digest: String], keys: [Digest: String]) {
        self.settings = settings
        self.chains = chains
        self.keys = keys
    }

    package var description: String { "configuration \(settings.digest.short)" }
}

/// A mail server that a member drives.
///
/// The promise every keeper makes: `apply` is all or nothing. It returns when the whole configuration is in force, or
/// throws and the one before is in force, its services undisturbed. Sessions that are open go on. Calls come one at a time.
package protocol Gateway: Sendable {
    /// Puts a configuration in force. Throws a refusal whose details are the reasons, one each.
    func apply(_ configuration: GatewayConfiguration) async throws(Refusal)
    /// Stops what serves in the agent itself. A mail server of its own goes on: it needs no agent to serve.
    func stop() async
}

/// Sees from outside what services serve.
package protocol Prober: Sendable {
    /// One proof for each service, in the same order; a service that should answer and does not has `served` nil and no reason.
    func prove(_ services: [IntendedService]) async -> [ServiceProof]
}
