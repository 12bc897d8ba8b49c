import ClusterModel

/// What every machine gets, and whether it holds together: in one process, without disk, network or members.
///
/// The entries are destinations at the cluster's level. Machines have an interface each; where they have layers of their own, each overrides
/// one destination.
struct ResolvingMeasure {
    let options: Options
    let machines: Int

    private static let entries = [10, 100, 1000]
    private static let start = Timestamp(seconds: 1_790_000_000)

    func figures() throws -> [Figure] {
        try [false, true].flatMap { own in try ResolvingMeasure.entries.flatMap { try figures(entries: $0, own: own) } }
    }

    private func figures(entries: Int, own: Bool) throws -> [Figure] {
        options.note("resolving \(machines) machines with \(entries) entries\(own ? " and layers of their own" : "")")
        var state = try cluster(entries: entries, own: own)
        let first = Machine.seconds()
        guard state.findings().allSatisfy({ $0.finding.severity != .error }) else {
            throw BenchmarkError("the cluster does not hold together")
        }
        let all = Machine.seconds() - first
        var resolved: [Double] = []
        var checked: [Double] = []
        for round in 0...options.rounds {
            let start = Machine.seconds()
            var groups: [GroupID: InheritedSettings] = [:]
            var total = 0
            // One after another: ten thousand machines with a thousand entries of their own would fill a manager's memory.
            for membership in state.memberships.values {
                let inherited = groups[membership.group] ?? state.inheritedSettings(of: membership.group)
                groups[membership.group] = inherited
                total += inherited.configuration(machine: membership.layer, membership: membership.id).sections.count
            }
            guard total >= machines else { throw BenchmarkError("a machine got nothing") }
            if round > 0 { resolved.append((Machine.seconds() - start) * 1000) }

            let edits = [ResolvingMeasure.destination(1 + round % (entries - 1), mode: round % 2 == 0 ? "required" : "preferred-verify")]
            let begin = Machine.seconds()
            // What a commit does before it is taken, and what its answer says of machines.
            let after = try state.applying(edits)
            let errors = after.findings().count { $0.finding.severity == .error }
            let changed = after.differences(from: state).count
            if round > 0 { checked.append((Machine.seconds() - begin) * 1000) }
            guard errors == 0, changed > 0 else { throw BenchmarkError("the commit changed nothing, or something broke") }
            state = after
        }
        // As every commit was checked before: by whole configurations.
        let whole = Machine.seconds()
        let found = own ? 0 : state.configurations().values.reduce(0) { $0 + $1.findings().count }
        let definition = Machine.seconds() - whole
        guard found == 0 else { throw BenchmarkError("the cluster does not hold together") }
        let kind = own ? "layers of their own" : "all sharing"
        let figures = [
            Figure("resolve \(entries) entries, \(kind)", members: machines, unit: "ms", resolved),
            Figure("check everything for the first time, \(entries) entries, \(kind)", members: machines, unit: "ms", [all * 1000]),
            Figure("check a commit of one of \(entries) entries, \(kind)", members: machines, unit: "ms", checked),
        ]
        return own ? figures : figures + [Figure("the same by whole configurations", members: machines, unit: "ms", [definition * 1000])]
    }

    private static func destination(_ number: Int, mode: String, at layer: LayerID = .cluster) -> Edit {
        Edit(
            layer: layer, section: .destinations, entry: "partner-\(1000 + number).example.net", change: .set(["tls": .string(mode)]),
            basis: nil)
    }

    private func cluster(entries: Int, own: Bool) throws -> ClusterState {
        var state = ClusterState()
        var position = 0
        func fold(_ event: ClusterEvent) throws {
            position += 1
            try state.fold(
                event, head: LogHead(position: position, hash: Digest(hashing: [])), time: ResolvingMeasure.start, author: "admin")
        }
        let group = GroupID(rawValue: "group-0")
        try fold(
            .clusterCreated(
                ClusterCreated(
                    clusterID: "0123456789abcdef", cluster: "bench", group: group, groupName: "main", manager: "m", authority: "",
                    authorityKey: Digest(hashing: []), masterKey: "key")))
        for number in 0..<machines {
            try fold(
                .invitationCreated(
                    InvitationCreated(
                        id: "i\(number)", secretHash: Digest(hashing: []), group: group, expires: ResolvingMeasure.start.adding(days: 1))))
            try fold(
                .machineJoined(
                    MachineJoined(
                        membership: MembershipID(rawValue: "member-\(100_000 + number)"), machine: "mx\(number)", group: group,
                        invitation: "i\(number)", identityKey: Digest(hashing: []), network: ClusterSettings.network(of: number))))
        }
        var edits = (0..<entries).map { ResolvingMeasure.destination($0, mode: "preferred") }
        edits.append(Edit(layer: .cluster, section: .mailFlowPolicies, entry: "accepted", change: .set([:]), basis: nil))
        edits.append(
            Edit(
                layer: .cluster, section: .listeners, entry: "public",
                change: .set(["interface": "data1", "port": 2525, "defaultPolicy": "accepted"]), basis: nil))
        if own {
            edits += state.memberships.keys.sorted().map { ResolvingMeasure.destination(0, mode: "none", at: .machine($0)) }
        }
        try fold(.settingsCommitted(SettingsCommitted(changeSet: "c", revision: 1, comment: "", edits: edits)))
        return state
    }
}
