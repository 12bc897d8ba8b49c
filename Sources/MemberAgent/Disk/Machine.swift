package import ClusterModel

/// What a machine is by itself: its name, its gateway, the network settings it began with. Never changed over the wire.
package struct Machine: Hashable, Sendable, Codable {
    package var name: String
    package var gateway: GatewayKind
    /// What the gateway is started with: paths, hooks. Set on the machine only.
    package var options: [String: String]
    /// The `system` and `interfaces` entries, as they were given: what a join brings along.
    package var network: [NetworkEntry]

    package init(name: String, gateway: GatewayKind, options: [String: String] = [:], network: [NetworkEntry]) {
        self.name = name
        self.gateway = gateway
        self.options = options
        self.network = network
    }
}
