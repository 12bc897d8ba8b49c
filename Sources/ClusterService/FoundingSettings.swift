package import ClusterModel
package import Replication

/// What a standalone machine gives to the cluster that is made from it (mission C1): the cluster's first settings are the machine's.
///
/// All but its network settings go to cluster level, as the first revision, keys included. The machine itself stays as it is.
package struct FoundingSettings: Sendable {
    package let machine: String
    /// At cluster level.
    package private(set) var edits: [Edit] = []
    /// The keys, chains and lists of authorities that they need.
    package private(set) var material: [Material] = []
    /// `section/entry` of what stays with the machine.
    package private(set) var kept: [String] = []
    /// What goes nowhere, each with the reason.
    package private(set) var leftOut: [String] = []

    /// - Throws: `would-break` with every reason when a machine would not hold together with these settings; `limit` when they are too
    ///   much for one commit.
    package init(machine: String, settings: EffectiveConfiguration, material: [Material]) throws(Refusal) {
        self.machine = machine
        for section in settings.sections.sorted(by: { $0.name < $1.name }) {
            for entry in section.entries {
                try take(entry, of: try Section.known(section.name), from: material)
            }
        }
        try checkSize()
        try check(network: settings)
    }

    private mutating func take(_ entry: EffectiveEntry, of section: Section, from material: [Material]) throws(Refusal) {
        let path = "\(section.name)/\(entry.name)"
        if section.isNetwork { return kept.append(path) }
        if section.name == .certificates, entry.name == CertificateSetting.demoName {
            return leftOut.append("\(path): the cluster has a ready-made certificate of its own, and what names \"demo\" gets that")
        }
        try section.check(entry: entry.name, at: .cluster)
        let value: JSONValue
        let needed: [(kind: Material.Kind, digest: Digest)]
        do throws(SettingError) {
            value = try section.normalize(entry.value, SettingPath(section.name.rawValue, entry.name))
            switch section.name {
            case .certificates:
                let setting = try CertificateSetting(value)
                needed = [(.key, setting.key.fingerprint), (.chain, setting.chainBlob)]
            case .authorities: needed = try AuthoritySetting(value).blob.map { [(.chain, $0)] } ?? []
            default: needed = []
            }
        } catch {
            throw Refusal(.invalid, error.description)
        }
        var found: [Material] = []
        for (kind, digest) in needed {
            guard let one = material.first(where: { $0.kind == kind && $0.digest == digest }) else {
                return leftOut.append("\(path): its \(kind.rawValue) is not on the machine")
            }
            found.append(one)
        }
        self.material += found
        edits.append(Edit(layer: .cluster, section: section.name, entry: entry.name, change: .set(value), basis: nil))
    }

    /// How many private keys come with them.
    package var keys: Int { Set(material.filter { $0.kind == .key }.map(\.digest)).count }

    /// The revision that brings them.
    func commit(changeSet: String) -> SettingsCommitted {
        SettingsCommitted(changeSet: changeSet, revision: 1, comment: "The settings of the standalone machine \(machine)", edits: edits)
    }

    /// Known before anything is made: whether one commit holds them.
    private func checkSize() throws(Refusal) {
        let bytes: Int
        do { bytes = try ClusterEvent.settingsCommitted(commit(changeSet: "")).json().canonicalBytes.count } catch {
            throw Refusal(.invalid, "The settings of \(machine) cannot be written down: \(error)")
        }
        guard bytes <= Limits.eventBytes - FoundingSettings.envelope else {
            throw Refusal(
                .limit,
                "The settings of \(machine) have \(bytes) bytes, and one commit takes \(Limits.eventBytes). Make an empty cluster, and apply them in parts."
            )
        }
    }

    /// Bytes of an entry of the log beside its event: position, hash, time, author, and a change set.
    private static let envelope = 4096

    /// Whether the machine holds together with them, as it will be joined.
    private func check(network settings: EffectiveConfiguration) throws(Refusal) {
        var (cluster, own) = (Layer(), Layer())
        for edit in edits {
            guard let entry = edit.entry, case .set(let value) = edit.change else { continue }
            cluster[edit.section, entry] = LayerEntry(.set(value), revision: 1)
        }
        for section in settings.sections {
            for entry in section.entries {
                if Section.named(section.name)?.isNetwork == true {
                    own[section.name, entry.name] = LayerEntry(.set(entry.value), revision: 0)
                } else if section.name == .certificates, entry.name == CertificateSetting.demoName {
                    // In the place of the cluster's, which is not made yet.
                    cluster[section.name, entry.name] = LayerEntry(.set(entry.value), revision: 0)
                }
            }
        }
        let joined = InheritedSettings(cluster: cluster, group: Layer(), groupID: GroupID(rawValue: "")).configuration(
            machine: own, membership: MembershipID(rawValue: ""))
        let errors = joined.findings().filter { $0.severity == .error }
        guard errors.isEmpty else {
            throw Refusal(
                .wouldBreak, "No cluster can be made from \(machine): with what can be taken, the machine itself would not hold together.",
                details: errors.map { "\($0.entry): \($0.text)" })
        }
    }
}
