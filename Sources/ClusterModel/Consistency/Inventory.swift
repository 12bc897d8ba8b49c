/// What a machine says that it holds: its own store, entry by entry and read again from its disk; what its gateway has in force; and
/// what its services serve.
package struct Inventory: Hashable, Sendable {
    /// The digest of what its agent has put in force; nil before the first configuration.
    package var running: Digest?
    /// An update was being applied meanwhile, so nothing is said of gateway and services.
    package var isBusy = false
    /// The entries of the store, each with the digest of the value that is there; nil when they cannot be read.
    package var store: [EntryName: Digest]? = [:]
    /// Values of entries that were asked for.
    package var values: [EntryName: JSONValue] = [:]
    package var damages: [StoreDamage] = []
    package var observations: [GatewayObservation] = []
    package var proofs: [ServiceProof] = []

    package init() {}
}

/// A file of a machine's store that cannot be trusted.
package struct StoreDamage: Hashable, Sendable, CustomStringConvertible {
    /// Below the generation: `settings.json`, `keys/….pem`.
    package var file: String
    package var reason: String
    /// The entries that need the file; none for all of them.
    package var entries: [EntryName]

    package init(file: String, reason: String, entries: [EntryName] = []) {
        self.file = file
        self.reason = reason
        self.entries = entries
    }

    package var description: String { "\(file) in the machine's store \(reason)" }
}

/// One thing in which a machine is not as the cluster means it.
package struct ConsistencyDifference: Hashable, Sendable {
    /// Which of the things that are compared with the cluster's word differs.
    package enum Place: String, Hashable, Sendable, Codable, CaseIterable {
        /// What the machine has on its disk.
        case store
        /// What its gateway has in force.
        case gateway
        /// What a service was seen to serve.
        case service
    }

    package enum Kind: String, Hashable, Sendable, Codable, CaseIterable {
        case changed
        /// The cluster means it, and it is not there.
        case missing
        /// It is there, and the cluster does not mean it.
        case extra
        case unreadable
    }

    package var place: Place
    package var kind: Kind
    /// What was looked at: an entry, a file, a service.
    package var subject: String
    /// The entries that it concerns, the one that people look at first before the others; none when they cannot be told.
    package var entries: [EntryName]
    /// One sentence for people.
    package var text: String

    package init(_ place: Place, _ kind: Kind, _ subject: String, _ entries: [EntryName], _ text: String) {
        self.place = place
        self.kind = kind
        self.subject = subject
        self.entries = entries
        self.text = text
    }
}

extension EffectiveConfiguration {
    /// Every difference between this configuration, which a machine should run, and what the machine says that it holds.
    ///
    /// Contents are compared by digest. Differences of the store come first, then those of the gateway, then those of services.
    package func differences(from inventory: Inventory) -> [ConsistencyDifference] {
        storeDifferences(inventory)
            + (inventory.isBusy ? [] : gatewayDifferences(inventory) + serviceDifferences(inventory))
    }

    private func storeDifferences(_ inventory: Inventory) -> [ConsistencyDifference] {
        var found: [ConsistencyDifference] = []
        if let store = inventory.store {
            var left = store
            for section in sections {
                for entry in section.entries {
                    let name = EntryName(section.name, entry.name)
                    let held = left.removeValue(forKey: name)
                    guard held != entry.digest else { continue }
                    found.append(
                        held == nil
                            ? .init(.store, .missing, "\(name)", [name], "\(name) is not in the machine's store")
                            : .init(.store, .changed, "\(name)", [name], "\(name) has another value in the machine's store"))
                }
            }
            found += left.keys.map {
                .init(.store, .extra, "\($0)", [$0], "\($0) is in the machine's store, and the cluster gives the machine no such entry")
            }
            found.sort { ($0.entries.first ?? .none) < ($1.entries.first ?? .none) }
        }
        // That the settings as a whole have another digest says nothing more than the entries that differ.
        let damages = inventory.damages.filter { found.isEmpty || !$0.entries.isEmpty || inventory.store == nil }
        return found + damages.map { .init(.store, .unreadable, $0.file, $0.entries, "\($0)") }
    }

    private func gatewayDifferences(_ inventory: Inventory) -> [ConsistencyDifference] {
        inventory.observations.compactMap { observation in
            observation.objection.map {
                .init(.gateway, observation.found == nil ? .missing : .changed, observation.subject, observation.entries, $0)
            }
        }
    }

    private func serviceDifferences(_ inventory: Inventory) -> [ConsistencyDifference] {
        let comparison = ServiceComparison(of: self, proofs: inventory.proofs)
        // What cannot be read here is an objection of its own, and no service.
        let entries = Dictionary(((try? intendedServices()) ?? []).map { ($0.service, $0.entries) }) { first, _ in first }
        return comparison.services.compactMap { service in
            service.objection.map {
                .init(.service, service.served == nil ? .missing : .changed, service.service, entries[service.service] ?? [], $0)
            }
        }
    }
}

extension EntryName {
    /// Before every other.
    fileprivate static let none = EntryName(SectionName(rawValue: ""), "")

    /// Whether both names can be said to a manager: what is no name of anything is not, and may stand in a file that was edited by hand.
    package var isWellFormed: Bool {
        [section.rawValue, entry].allSatisfy { name in
            !name.isEmpty && name.utf8.count <= Limits.textLength && name != "." && name != ".."
                && name.utf8.allSatisfy { (0x21...0x7E).contains($0) && $0 != UInt8(ascii: "/") }
        }
    }
}
