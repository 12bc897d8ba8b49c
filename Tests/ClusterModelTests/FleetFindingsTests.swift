import ClusterModel
import RandomClusters
import SeededRandomness
import Testing

/// What stands against a state, decided from every entry of every machine: the definition.
private func everything(_ state: ClusterState) -> [String] {
    state.configurations().flatMap { id, configuration in
        configuration.findings().map { line(state.memberships[id]?.machine ?? "", $0) }
    }.sorted()
}

private func line(_ machine: String, _ finding: ConfigurationFinding) -> String {
    "\(machine) \(finding.entry) \(finding.severity) \(finding.text)"
}

private func kept(_ state: ClusterState) -> [String] { state.findings().map { line($0.machine, $0.finding) }.sorted() }

/// What machines get otherwise, decided from whole configurations: the definition.
private func everyDifference(_ before: ClusterState, _ after: ClusterState) -> [String] {
    let old = before.configurations()
    return after.configurations().flatMap { id, new -> [String] in
        let (was, now) = (entries(old[id] ?? .empty), entries(new))
        return Set(was.keys).union(now.keys).filter { was[$0] != now[$0] }.map { key in
            let kind = was[key] == nil ? "added" : now[key] == nil ? "removed" : "changed"
            return "\(after.memberships[id]?.machine ?? "") \(key.section)/\(key.name) \(kind)"
        }
    }.sorted()
}

private func entries(_ configuration: EffectiveConfiguration) -> [EntryKey: Digest] {
    Dictionary(
        uniqueKeysWithValues: configuration.sections.flatMap { section in
            section.entries.map { (EntryKey(section.name, $0.name), $0.digest) }
        })
}

private func differences(_ before: ClusterState, _ after: ClusterState) -> [String] {
    after.differences(from: before).flatMap { machine, entries in
        entries.map { "\(machine) \($0.key.section)/\($0.key.name) \($0.kind)" }
    }.sorted()
}

@Suite("What changed decides what is looked at again", .timeLimit(.minutes(3)))
struct FleetFindingsTests {
    /// One more thing happens to the cluster.
    private func step(_ cluster: inout RandomCluster, _ number: Int) throws {
        let machines = cluster.state.memberships.values.map(\.machine).sorted()
        switch cluster.values.random.between(0, 19) {
        case 0: try cluster.join("new\(number)")
        case 1 where machines.count > 2: try cluster.remove(cluster.values.random.pick(machines))
        case 2: try cluster.add(group: "new\(number)")
        default:
            let count = cluster.values.random.between(1, 3)
            try cluster.commit(cluster.edits(count))
        }
    }

    @Test(arguments: UInt64(1)...4)
    func `after anything that can happen, the findings are those of looking at everything`(_ seed: UInt64) throws {
        var cluster = try RandomCluster(seed: seed, groups: 3, machines: 5, edits: 40)
        // So that what uses the ready-made certificate is among what is found.
        let made = cluster.values.entry(of: .certificates)
        let demo = try #require(made)
        try cluster.commit([
            Edit(layer: .cluster, section: .certificates, entry: CertificateSetting.demoName, change: .set(demo), basis: nil)
        ])
        var found = 0
        for number in 0..<25 {
            let before = cluster.state
            // What is only tried must not stick to what is.
            let tried = try before.applying(cluster.edits(2))
            #expect(kept(tried) == everything(tried))
            #expect(differences(before, tried) == everyDifference(before, tried))
            try step(&cluster, number)
            let expected = everything(cluster.state)
            #expect(kept(cluster.state) == expected, "step \(number)")
            #expect(differences(before, cluster.state) == everyDifference(before, cluster.state), "step \(number)")
            found += expected.count
        }
        #expect(found > 25)
    }

    @Test func `every kind of finding is among those that happen at random`() throws {
        var missing: Set = ["at no level", "it is disabled here", "on this machine", "has no certificate", "ready-made"]
        for seed in UInt64(1)...60 where !missing.isEmpty {
            var cluster = try RandomCluster(seed: seed, groups: 2, machines: 4, edits: 100)
            let made = cluster.values.entry(of: .certificates)
            let demo = try #require(made)
            try cluster.commit([
                Edit(layer: .cluster, section: .certificates, entry: CertificateSetting.demoName, change: .set(demo), basis: nil)
            ])
            let found = everything(cluster.state).joined(separator: "\n")
            missing = missing.filter { !found.contains($0) }
        }
        #expect(missing.isEmpty)
    }

    @Test func `a finding comes and goes with what another level says`() throws {
        var cluster = try RandomCluster(seed: 1, groups: 1, machines: 2, edits: 0)
        let policy: JSONValue = ["interface": "data1", "defaultPolicy": "accepted"]
        try cluster.commit([Edit(layer: .cluster, section: .listeners, entry: "public", change: .set(policy), basis: nil)])
        #expect(cluster.state.findings().map(\.machine) == ["mx1", "mx2"])
        let own = LayerID.machine(try cluster.state.machine("mx1").id)
        try cluster.commit([Edit(layer: own, section: .mailFlowPolicies, entry: "accepted", change: .set([:]), basis: nil)])
        #expect(cluster.state.findings().map(\.machine) == ["mx2"])
        try cluster.commit([Edit(layer: .cluster, section: .mailFlowPolicies, entry: "accepted", change: .set([:]), basis: nil)])
        #expect(cluster.state.findings().isEmpty)
        try cluster.commit([Edit(layer: own, section: .mailFlowPolicies, entry: "accepted", change: .hide, basis: nil)])
        #expect(cluster.state.findings().map(\.machine) == ["mx1"])
    }
}
