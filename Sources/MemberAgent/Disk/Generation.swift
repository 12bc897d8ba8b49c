package import ClusterModel
package import Gateways

/// One effective configuration with its material, as it lies on a machine's disk.
package struct Generation: Sendable, CustomStringConvertible {
    /// Who gave the settings.
    package enum Kind: String, Hashable, Sendable, Codable {
        /// The machine's own, outside any cluster.
        case standalone
        /// A cluster's.
        case member
    }

    /// Its place in the order of generations of this disk.
    package var number: Int
    package var kind: Kind
    /// What it was laid out for; nil for a standalone one.
    package var target: Target?
    package var configuration: GatewayConfiguration
    /// What somebody at the machine changed in what the cluster gave it, while it was disconnected.
    package var edits: [LocalEdit] = []

    package var settings: EffectiveConfiguration { configuration.settings }
    package var description: String { "generation \(number) (\(settings.digest.short))" }

    /// The layer that a standalone machine's entries are from: its own.
    package static let ownOrigin = EffectiveEntry.Origin(layer: .machine(MembershipID(rawValue: "standalone")), revision: 0)
}

/// Why a generation on the disk cannot be trusted.
package struct DamagedGeneration: Error, Hashable, Sendable, CustomStringConvertible {
    package var number: Int
    /// The file at fault, below the generation.
    package var file: String
    package var reason: String

    package var description: String { "generation \(number) is damaged: \(file) \(reason)" }
}

/// The content of `settings.json`: all of a generation but the bytes of its keys and chains.
struct GenerationRecord: Codable {
    struct Entry: Codable {
        var value: JSONValue
        var layer: LayerID
        var revision: Int
    }

    static let currentFormat = 1

    var format = GenerationRecord.currentFormat
    var kind: Generation.Kind
    var target: Target?
    var digest: Digest
    /// Section, entry, value with its provenance.
    var settings: [String: [String: Entry]]
    var keys: [Digest]
    var chains: [Digest]
    /// Nil without such.
    var edits: [LocalEdit]?

    init(kind: Generation.Kind, target: Target?, configuration: GatewayConfiguration, edits: [LocalEdit]) {
        self.kind = kind
        self.target = target
        self.edits = edits.isEmpty ? nil : edits
        digest = configuration.settings.digest
        settings = [:]
        for section in configuration.settings.sections {
            for entry in section.entries {
                settings[section.name.rawValue, default: [:]][entry.name] = Entry(
                    value: entry.value, layer: entry.origin.layer, revision: entry.origin.revision)
            }
        }
        keys = configuration.keys.keys.sorted()
        chains = configuration.chains.keys.sorted()
    }

    /// The settings, digested again from their values.
    var configuration: EffectiveConfiguration {
        EffectiveConfiguration(
            sections: settings.map { name, entries in
                let section = SectionName(rawValue: name)
                return EffectiveSection(
                    name: section,
                    entries: entries.map { entry, content in
                        EffectiveEntry(
                            section: section, name: entry, value: content.value,
                            origin: EffectiveEntry.Origin(layer: content.layer, revision: content.revision))
                    })
            })
    }
}
