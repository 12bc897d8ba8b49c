/// A service that a certificate is assigned to (mission D8).
package struct CertificateUse: Hashable, Sendable, Codable, Comparable {
    /// `listener/public`, `https/data1`, `delivery`.
    package var service: String
    /// The machine that has the service; nil when no machine has the setting that assigns the certificate.
    package var machine: String?
    /// Where that setting is.
    package var level: Level

    package init(service: String, machine: String?, level: Level) {
        self.service = service
        self.machine = machine
        self.level = level
    }

    package static func < (left: CertificateUse, right: CertificateUse) -> Bool {
        (left.service, left.machine ?? "", left.level) < (right.service, right.machine ?? "", right.level)
    }

    private enum Key: String, CodingKey { case service, machine, level }

    /// A program finds every key there, the machine as null.
    package func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: Key.self)
        try container.encode(service, forKey: .service)
        try container.encode(machine, forKey: .machine)
        try container.encode(level, forKey: .level)
    }
}

extension CertificateUse: CustomStringConvertible {
    package var description: String { "\(service)\(machine.map { " on \($0)" } ?? ""), set at \(level)" }
}

extension Section {
    /// What the service of an entry is called, to whom a certificate is assigned in it.
    func serviceName(of entry: String) -> String {
        switch name {
        case .listeners: "listener/\(entry)"
        case .interfaces: "https/\(entry)"
        default: entry == EntryNaming.onlyEntry ? name.rawValue : "\(name)/\(entry)"
        }
    }
}

extension ClusterState {
    /// What uses the certificate that a level holds under a name, in a fixed order.
    ///
    /// A name resolves in each machine's effective configuration, so a cluster's certificate is not used by a machine that has one of
    /// its own. A setting that no machine has counts when it could only mean this one.
    package func uses(of certificate: String, at layer: LayerID) -> [CertificateUse] {
        var uses: Set<CertificateUse> = []
        var present: Set<Assignment> = []
        for (id, configuration) in configurations() {
            let isMeant = configuration[.certificates, certificate]?.origin.layer == layer
            for (section, entry) in configuration.assignments(of: certificate) {
                present.insert(Assignment(layer: entry.origin.layer, section: section.name, entry: entry.name))
                guard isMeant, let level = level(of: entry.origin.layer) else { continue }
                uses.insert(CertificateUse(service: section.serviceName(of: entry.name), machine: memberships[id]?.machine, level: level))
            }
        }
        for (assignment, section) in assignments(of: certificate) where !present.contains(assignment) {
            guard holder(of: certificate, seenFrom: assignment.layer) == layer, let level = level(of: assignment.layer) else { continue }
            uses.insert(CertificateUse(service: section.serviceName(of: assignment.entry), machine: nil, level: level))
        }
        return uses.sorted()
    }

    /// The level whose certificate a setting of a layer means, as far as that can be told without a machine.
    private func holder(of certificate: String, seenFrom layer: LayerID) -> LayerID? {
        let path: [LayerID] =
            switch layer {
            case .cluster: [.cluster]
            case .group: [layer, .cluster]
            case .machine(let id): memberships[id].map(levels) ?? []
            }
        return path.first { self.layer($0)?[.certificates, certificate]?.state.value != nil }
    }

    private struct Assignment: Hashable {
        var layer: LayerID
        var section: SectionName
        var entry: String
    }

    /// Every setting of every layer that names the certificate.
    private func assignments(of certificate: String) -> [(Assignment, Section)] {
        let layers = [(LayerID.cluster, layer)] + groups.map { (.group($0), $1.layer) } + memberships.map { (.machine($0), $1.layer) }
        return layers.flatMap { id, layer in
            layer.allEntries.compactMap { name, entry, content in
                guard let section = Section.named(name), let value = content.state.value,
                    section.references(value).contains(where: { $0.section == .certificates && $0.name == certificate })
                else { return nil }
                return (Assignment(layer: id, section: name, entry: entry), section)
            }
        }
    }
}

extension EffectiveConfiguration {
    /// The entries that name a certificate.
    fileprivate func assignments(of certificate: String) -> [(Section, EffectiveEntry)] {
        sections.flatMap { section -> [(Section, EffectiveEntry)] in
            guard let kind = Section.named(section.name) else { return [] }
            return section.entries.filter { entry in
                kind.references(entry.value).contains { $0.section == .certificates && $0.name == certificate }
            }.map { (kind, $0) }
        }
    }
}

extension ClusterState {
    /// Overrides that say what they override says already, one line each: they change nothing today, and keep a renewal from the machine.
    package func idleOverrides() -> [String] {
        let groupLines = groups.values.flatMap { group in
            group.layer.allEntries.compactMap { section, name, entry -> String? in
                guard let value = entry.state.value, layer[section, name]?.state.value == value else { return nil }
                return idleOverride(.group(group.name), section, name, of: .cluster)
            }
        }
        let machineLines = memberships.values.flatMap { membership in
            membership.layer.allEntries.compactMap { section, name, entry -> String? in
                guard let value = entry.state.value, !(Section.named(section)?.isNetwork ?? true),
                    let holder = [LayerID.group(membership.group), .cluster].first(where: { self.layer($0)?[section, name] != nil }),
                    self.layer(holder)?[section, name]?.state.value == value, let wider = level(of: holder)
                else { return nil }
                return idleOverride(.machine(membership.machine), section, name, of: wider)
            }
        }
        return (groupLines + machineLines).sorted()
    }

    private func idleOverride(_ level: Level, _ section: SectionName, _ name: String, of wider: Level) -> String {
        "\(level): \(section)/\(name) says the same as \(wider), so it changes nothing today, and what changes there will not reach \(level)"
    }
}
