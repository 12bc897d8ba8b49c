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
    /// Says what is in force where the gateway keeps it, held against what this configuration makes of it: one observation for each
    /// file, service or part of its memory that can be told apart, the same ones at every call.
    ///
    /// The agent asks about the configuration that it put in force last: every half a minute while nothing else is done, and when a
    /// manager asks. So it is to be cheap (what a file's status says to be unchanged need not be read again), and changes nothing. It is
    /// the one call that may come while `apply` is at work; what it then answers is not taken for drift.
    ///
    /// No observation says that the gateway cannot be observed.
    func observe(_ configuration: GatewayConfiguration) async -> [GatewayObservation]
}

extension Gateway {
    /// Not every gateway can be observed.
    package func observe(_ configuration: GatewayConfiguration) async -> [GatewayObservation] { [] }
}

/// Sees from outside what services serve.
package protocol Prober: Sendable {
    /// One proof for each service, in the same order; a service that should answer and does not has `served` nil and no reason.
    func prove(_ services: [IntendedService]) async -> [ServiceProof]
}
