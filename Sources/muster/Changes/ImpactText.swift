import AdminContract
import ClusterModel

/// What changes for which machines: entries, and the services that will serve another certificate.
func impactText(_ machines: [MachineImpact], _ style: Style) -> String {
    let table = impactTable(machines, style)
    let same = Dictionary(grouping: machines.filter { !$0.services.isEmpty }, by: \.services).map { services, machines in
        (names: shortList(machines.map(\.machine).sorted()), services: services)
    }.sorted { $0.names < $1.names }
    let lines = same.flatMap { names, services in services.map { "\(names): \($0.text)" } }
    return ([table] + lines).joined(separator: "\n")
}

/// The machines with the same changes on one line.
private func impactTable(_ machines: [MachineImpact], _ style: Style) -> String {
    let same = Dictionary(grouping: machines, by: \.changes).map { changes, machines in
        (machines: machines.map(\.machine).sorted(), changes: changes)
    }.sorted { ($0.machines.first ?? "") < ($1.machines.first ?? "") }
    return Table(
        ["MACHINES", "CHANGES"],
        same.map { machines, changes in
            let shown = changes.prefix(6).map { "\($0.section)/\($0.name) \($0.change.rawValue)" }.joined(separator: ", ")
            return [shortList(machines), changes.count > 6 ? "\(shown) and \(changes.count - 6) more" : shown]
        }
    ).text(style)
}

/// Names on a line, the first few of many.
func shortList(_ names: [String]) -> String {
    names.count > 4 ? "\(names.prefix(3).joined(separator: ", ")) and \(names.count - 3) more" : names.joined(separator: ", ")
}

extension ServiceImpact {
    /// `listener/public will serve mail (3fa2...) instead of 91bc...`
    var text: String {
        switch (before, after) {
        case (let old?, let new?):
            let former = old.certificate == new.certificate ? old.fingerprint.short : "\(old.certificate) (\(old.fingerprint.short))"
            return "\(service) will serve \(new.certificate) (\(new.fingerprint.short)) instead of \(former)"
        case (nil, let new?): return "\(service) will serve \(new.certificate) (\(new.fingerprint.short))"
        case (let old?, nil):
            return "\(service) will serve no certificate any more; now it is \(old.certificate) (\(old.fingerprint.short))"
        case (nil, nil): return service
        }
    }
}
