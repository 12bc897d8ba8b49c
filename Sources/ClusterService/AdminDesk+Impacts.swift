import AdminContract
import ClusterModel

extension AdminDesk {
    /// The machines whose effective configuration differs between two states, and in what.
    static func impacts(from before: ClusterState, to after: ClusterState) -> [MachineImpact] {
        let old = before.configurations()
        return after.configurations().compactMap { id, configuration in
            guard let machine = after.memberships[id]?.machine, old[id] != configuration else { return nil }
            let former = old[id] ?? .empty
            return MachineImpact(
                machine: machine, changes: entries(from: former, to: configuration), services: services(from: former, to: configuration))
        }
        .sorted { $0.machine < $1.machine }
    }

    private static func entries(from before: EffectiveConfiguration, to after: EffectiveConfiguration) -> [EntryImpact] {
        let names = Set(before.sections.map(\.name)).union(after.sections.map(\.name))
        return names.sorted().flatMap { section -> [EntryImpact] in
            guard before[section] != after[section] else { return [] }
            let old = Dictionary(uniqueKeysWithValues: (before[section]?.entries ?? []).map { ($0.name, $0.digest) })
            let new = Dictionary(uniqueKeysWithValues: (after[section]?.entries ?? []).map { ($0.name, $0.digest) })
            return Set(old.keys).union(new.keys).sorted().compactMap { name in
                switch (old[name], new[name]) {
                case (nil, _?): EntryImpact(section: section, name: name, change: .added)
                case (_?, nil): EntryImpact(section: section, name: name, change: .removed)
                case (let one, let two): one == two ? nil : EntryImpact(section: section, name: name, change: .changed)
                }
            }
        }
    }

    /// The services that will serve another certificate, by name.
    private static func services(from before: EffectiveConfiguration, to after: EffectiveConfiguration) -> [ServiceImpact] {
        let deciding: [SectionName] = [.certificates, .listeners, .interfaces, .delivery]
        guard deciding.contains(where: { before[$0] != after[$0] }) else { return [] }
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
