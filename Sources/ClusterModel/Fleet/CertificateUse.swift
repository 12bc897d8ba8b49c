/// A service that a certificate is assigned to (mission D8).
package struct CertificateUse: Hashable, Sendable, Codable, Comparable {
    /// `listener/public`, `https/data1`, `delivery`, `ldap`, `web-security`, `service/malware-analysis`.
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
        default: client?.name(entry) ?? (entry == EntryNaming.onlyEntry ? name.rawValue : "\(name)/\(entry)")
        }
    }
}

/// Every certificate of a state with what uses it, found in one pass over all machines.
package struct CertificateIndex: Sendable {
    /// A certificate: the layer that holds it, and its name.
    private struct Place: Hashable {
        var layer: LayerID
        var name: String
    }

    /// A setting that names a certificate.
    private struct Assignment: Hashable {
        var layer: LayerID
        var section: SectionName
        var entry: String
        var certificate: String
    }

    private var usesOf: [Place: Set<CertificateUse>] = [:]
    private var hostsOf: [Place: Set<String>] = [:]
    private var deliveriesOf: [Place: Set<DeliveryPlace>] = [:]

    package init(_ state: ClusterState) {
        var present: Set<Assignment> = []
        for (id, configuration) in state.configurations() {
            for section in configuration.sections {
                guard let kind = Section.named(section.name) else { continue }
                for entry in section.entries {
                    for name in kind.certificates(in: entry.value) {
                        let origin = entry.origin.layer
                        present.insert(Assignment(layer: origin, section: section.name, entry: entry.name, certificate: name))
                        guard let holder = configuration[.certificates, name]?.origin.layer, let level = state.level(of: origin) else {
                            continue
                        }
                        let place = Place(layer: holder, name: name)
                        usesOf[place, default: []].insert(
                            CertificateUse(service: kind.serviceName(of: entry.name), machine: state.memberships[id]?.machine, level: level)
                        )
                        hostsOf[place, default: []].formUnion(configuration.hostNames(of: entry, in: section.name, under: name))
                        // Values that do not read have been refused before they were stored.
                        if section.name == .delivery, let machine = state.memberships[id]?.machine,
                            let delivery = try? configuration.deliveryPlace(of: machine)
                        {
                            deliveriesOf[place, default: []].insert(delivery)
                        }
                    }
                }
            }
        }
        for (assignment, kind) in CertificateIndex.assignments(in: state) where !present.contains(assignment) {
            guard let holder = state.holder(of: assignment.certificate, seenFrom: assignment.layer),
                let level = state.level(of: assignment.layer)
            else { continue }
            usesOf[Place(layer: holder, name: assignment.certificate), default: []].insert(
                CertificateUse(service: kind.serviceName(of: assignment.entry), machine: nil, level: level))
        }
    }

    /// What uses the certificate that a layer holds under a name, in a fixed order.
    ///
    /// A name resolves in each machine's effective configuration, so a cluster's certificate is not used by a machine that has one of
    /// its own. A setting that no machine has counts when it could only mean this one.
    package func uses(of certificate: String, at layer: LayerID) -> [CertificateUse] {
        (usesOf[Place(layer: layer, name: certificate)] ?? []).sorted()
    }

    /// The host names by which clients reach the services that use it: what the certificate has to cover (mission D9).
    package func hosts(of certificate: String, at layer: LayerID) -> [String] {
        (hostsOf[Place(layer: layer, name: certificate)] ?? []).sorted()
    }

    /// Where mail leaves under it, by machine: what the outbound certificate should speak for (mission D9).
    package func deliveries(of certificate: String, at layer: LayerID) -> [DeliveryPlace] {
        (deliveriesOf[Place(layer: layer, name: certificate)] ?? []).sorted()
    }

    /// Every setting of every layer that names a certificate.
    private static func assignments(in state: ClusterState) -> [(Assignment, Section)] {
        let layers =
            [(LayerID.cluster, state.layer)] + state.groups.map { (.group($0), $1.layer) }
            + state.memberships.map { (.machine($0), $1.layer) }
        return layers.flatMap { id, layer in
            layer.allEntries.flatMap { name, entry, content -> [(Assignment, Section)] in
                guard let section = Section.named(name), let value = content.state.value else { return [] }
                return section.certificates(in: value).map {
                    (Assignment(layer: id, section: name, entry: entry, certificate: $0), section)
                }
            }
        }
    }
}

extension Section {
    /// The certificates that an entry names.
    fileprivate func certificates(in value: JSONValue) -> [String] {
        references(value).compactMap { $0.section == .certificates ? $0.name : nil }
    }
}

extension EffectiveConfiguration {
    /// By which names clients reach the service of an entry and get a certificate; none where no client comes.
    fileprivate func hostNames(of entry: EffectiveEntry, in section: SectionName, under certificate: String) -> [String] {
        // Values that do not read have been refused before they were stored.
        switch section {
        case .listeners:
            guard let listener = try? ListenerSetting(entry.value) else { return [] }  // as above
            let asked = listener.serverNames.filter { $0.certificate == certificate }.map(\.name)
            guard listener.certificate == certificate else { return asked }
            return asked + [(try? value(InterfaceSetting.self, .interfaces, listener.interface))?.hostname].compactMap(\.self)  // as above
        case .interfaces: return [(try? InterfaceSetting(entry.value))?.hostname].compactMap(\.self)  // as above
        default: return []
        }
    }
}

extension ClusterState {
    /// What uses a layer's certificate; for several certificates, make a ``CertificateIndex``.
    package func uses(of certificate: String, at layer: LayerID) -> [CertificateUse] {
        CertificateIndex(self).uses(of: certificate, at: layer)
    }

    /// The level whose certificate a setting of a layer means, as far as that can be told without a machine.
    func holder(of certificate: String, seenFrom layer: LayerID) -> LayerID? {
        let path: [LayerID] =
            switch layer {
            case .cluster: [.cluster]
            case .group: [layer, .cluster]
            case .machine(let id): memberships[id].map(levels) ?? []
            }
        return path.first { self.layer($0)?[.certificates, certificate]?.state.value != nil }
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
