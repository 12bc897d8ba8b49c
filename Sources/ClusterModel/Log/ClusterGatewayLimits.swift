/// Something that a machine would get and its kind of gateway cannot express.
package struct MachineLimit: Hashable, Sendable {
    package var machine: String
    package var gateway: GatewayKind
    package var finding: ConfigurationFinding
}

extension ClusterState {
    /// What machines get by this state, did not get by an earlier one, and their gateways cannot express; at most so many, by machine.
    ///
    /// Only machines are looked at whose kind of gateway has limits, and only where sections changed that these go by.
    package func gatewayLimits(since before: ClusterState, limit: Int, gateway: (Membership) -> GatewayKind?) -> [MachineLimit] {
        var found: [MachineLimit] = []
        let limited = memberships.values.compactMap { membership in
            gateway(membership).flatMap { $0.limiting.isEmpty ? nil : (membership, $0) }
        }
        for (membership, kind) in limited.sorted(by: { $0.0.machine < $1.0.machine }) where found.count < limit {
            let former = before.memberships[membership.id]
            guard !isSame(for: membership, former, before, in: kind.limiting) else { continue }
            let known = Set(former.map { before.configuration(of: $0).limits(of: kind) } ?? [])
            found += configuration(of: membership).limits(of: kind).filter { $0.severity == .error && !known.contains($0) }.map {
                MachineLimit(machine: membership.machine, gateway: kind, finding: $0)
            }
        }
        return Array(found.prefix(limit))
    }

    private func isSame(
        for membership: Membership, _ former: Membership?, _ before: ClusterState, in sections: Set<SectionName>
    ) -> Bool {
        guard let former, former.group == membership.group else { return false }
        let levels = zip(self.levels(of: membership), before.levels(of: former))
        return levels.allSatisfy { now, then in
            sections.allSatisfy { layer(now)?.sections[$0] == before.layer(then)?.sections[$0] }
        }
    }
}
