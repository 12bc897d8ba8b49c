package import ClusterModel
import Gateways
package import Replication

/// What a standalone machine serves, with the keys and chains for it: what a cluster can be made from (mission C1).
package struct StandaloneMachine: Sendable {
    package var name: String
    package var settings: EffectiveConfiguration
    package var material: [Material]
}

extension StateDirectory {
    /// Reads a standalone machine, and changes nothing about it.
    ///
    /// - Throws: `conflict` for a member, whose settings are its cluster's; `unreadable` when what is in force is damaged.
    package func standalone() throws(Refusal) -> StandaloneMachine {
        let machine = try machine()
        return try exclusively { () throws(Refusal) in
            if disk.exists("identity") {
                // A damaged identity is one all the same.
                let cluster = (try? membershipFacts())?.cluster ?? "a cluster"
                throw Refusal(
                    .conflict,
                    "The machine \(machine.name) in \(path) is a member of \(cluster), not standalone: its settings are there. Have it removed there "
                        + "(muster machine remove \(machine.name)), or let it leave first: muster agent leave --state-dir \(path)")
            }
            let (current, damages) = try current()
            guard damages.isEmpty, let current else {
                throw Refusal(
                    .unreadable,
                    "What the machine \(machine.name) in \(path) serves cannot be read whole. Apply its settings again: muster agent apply",
                    details: damages.map(\.description))
            }
            let keys = current.configuration.keys.sorted { $0.key < $1.key }
            let chains = current.configuration.chains.sorted { $0.key < $1.key }
            return StandaloneMachine(
                name: machine.name, settings: current.settings,
                material: keys.map { Material(kind: .key, digest: $0.key, pem: Array($0.value.utf8)) }
                    + chains.map { Material(kind: .chain, digest: $0.key, pem: Array($0.value.utf8)) })
        }
    }
}
