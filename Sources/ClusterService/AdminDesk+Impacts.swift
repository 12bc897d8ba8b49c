import AdminContract
import ClusterModel

extension AdminDesk {
    /// The machines whose effective configuration differs between two states, and in what.
    static func impacts(from before: ClusterState, to after: ClusterState) -> [MachineImpact] {
        let differences = after.differences(from: before)
        // Whole configurations are brought together only where a service may be concerned.
        let isServed = differences.contains { $0.entries.contains { Section.decidingServices.contains($0.key.section) } }
        let (old, new) = isServed ? (before.configurations(), after.configurations()) : ([:], [:])
        return differences.map { machine, entries in
            let id = after.membership(named: machine)?.id
            let former = id.flatMap { old[$0] } ?? .empty
            return MachineImpact(
                machine: machine,
                changes: entries.map { EntryImpact(section: $0.key.section, name: $0.key.name, change: EntryImpact.Kind($0.kind)) },
                services: services(from: former, to: id.flatMap { new[$0] } ?? .empty))
        }
    }

    /// The services that will serve another certificate, by name.
    private static func services(from before: EffectiveConfiguration, to after: EffectiveConfiguration) -> [ServiceImpact] {
        guard Section.decidingServices.contains(where: { before[$0] != after[$0] }) else { return [] }
        let (old, new) = (served(by: before), served(by: after))
        return Set(old.keys).union(new.keys).sorted().compactMap { service in
            old[service] == new[service] ? nil : ServiceImpact(service: service, before: old[service], after: new[service])
        }
    }

    private static func served(by configuration: EffectiveConfiguration) -> [String: ServiceImpact.Served] {
        // What does not read is refused at the commit, with its reason.
        let services = (try? configuration.intendedServices()) ?? []
        return Dictionary(services.map { ($0.service, .init(certificate: $0.certificate, fingerprint: $0.fingerprint)) }) { first, _ in
            first
        }
    }
}

extension EntryImpact.Kind {
    fileprivate init(_ kind: EntryDifference.Kind) {
        switch kind {
        case .added: self = .added
        case .changed: self = .changed
        case .removed: self = .removed
        }
    }
}
