/// What stands against a state, machine by machine, together with what it was decided from: so the findings of the next state are decided
/// from what changed, and not from every entry of every machine.
///
/// The answer is that of ``EffectiveConfiguration/findings()`` for every machine. Whatever came between two states, the difference is
/// found in their layers.
struct FleetFindings: Sendable {
    /// Whose word a finding is.
    private enum Source: Hashable {
        case entry(EntryKey)
        case section(SectionName)
        case check(Int)
    }

    private struct Seat {
        var machine: String
        var group: GroupID
        var words: LayerWords
        var findings: [Source: [ConfigurationFinding]] = [:]
    }

    private var cluster = LayerWords()
    private var groups: [GroupID: LayerWords] = [:]
    private var seats: [MembershipID: Seat] = [:]
    /// In a fixed order.
    private(set) var list: [(machine: String, finding: ConfigurationFinding)] = []

    /// Takes in the state as it is now.
    mutating func update(to state: ClusterState) {
        let shared = cluster.update(to: state.layer(.cluster) ?? Layer())
        var changed: [GroupID: LayerChange] = [:]
        for group in state.groups.values {
            changed[group.id] = groups[group.id, default: LayerWords()].update(to: group.layer).union(shared)
        }
        for id in groups.keys where state.groups[id] == nil { groups[id] = nil }
        var isSame = true
        for id in seats.keys where state.memberships[id] == nil {
            seats[id] = nil
            isSame = false
        }
        var rounds: [GroupID: GroupRound] = [:]
        for membership in state.memberships.values {
            let known = seats[membership.id]
            let inherited = changed[membership.group] ?? LayerChange()
            if let known, inherited.isEmpty, known.group == membership.group, known.machine == membership.machine,
                known.words.layer == membership.layer
            {
                continue
            }
            isSame = false
            let words = groups[membership.group] ?? LayerWords()
            var round = rounds[membership.group] ?? GroupRound(cluster: cluster, group: words, id: membership.group, change: inherited)
            judge(membership, known, &round)
            rounds[membership.group] = round
        }
        if !isSame { list = sorted() }
    }

    private func sorted() -> [(machine: String, finding: ConfigurationFinding)] {
        seats.values.filter { !$0.findings.isEmpty }.flatMap { seat in
            seat.findings.values.flatMap { $0.map { (seat.machine, $0) } }
        }
        .sorted { ($0.machine, $0.finding.entry, $0.finding.text) < ($1.machine, $1.finding.entry, $1.finding.text) }
    }

    private mutating func judge(_ membership: Membership, _ known: Seat?, _ round: inout GroupRound) {
        var seat = known ?? Seat(machine: membership.machine, group: membership.group, words: LayerWords())
        let isNew = known == nil || seat.group != membership.group
        (seat.machine, seat.group) = (membership.machine, membership.group)
        let own = seat.words.update(to: membership.layer)
        let view = MachineWords(cluster: round.cluster, group: round.group, own: seat.words)
        let scope = isNew ? Scope(all: view) : Scope(round, own, view)
        if isNew { seat.findings = [:] }
        for key in scope.entries { seat.findings[.entry(key)] = round.findings(of: key, view).nonEmpty }
        for section in scope.sections where Section.named(section) == nil {
            seat.findings[.section(section)] = view.unknown(section)
        }
        for (index, check) in ConfigurationCheck.all.enumerated() where isNew || !check.reads.isDisjoint(with: scope.sections) {
            seat.findings[.check(index)] = round.findings(of: index, check, membership).nonEmpty
        }
        seats[membership.id] = seat
    }

    /// What has to be looked at again on one machine.
    private struct Scope {
        /// Entries that may speak of another that is not there.
        var entries: Set<EntryKey> = []
        /// Sections in which anything changed.
        var sections: Set<SectionName> = []

        init(all view: MachineWords) {
            for words in [view.cluster, view.group, view.own] {
                for (section, entries) in words.references { self.entries.formUnion(entries.keys.map { EntryKey(section, $0) }) }
                sections.formUnion(words.layer.sections.keys)
            }
        }

        init(_ round: GroupRound, _ own: LayerChange, _ view: MachineWords) {
            sections = round.change.sections.union(own.sections)
            var keys = own.keys
            for section in own.toggled.union(round.change.toggled) {
                keys.formUnion(view.layers.names(in: section).map { EntryKey(section, $0) })
            }
            // What the group has to look at is found once for all of it.
            entries = round.entries
            for key in round.change.keys { entries.formUnion(view.own.speakers[key] ?? []) }
            for key in keys {
                entries.insert(key)
                for words in [view.cluster, view.group, view.own] { entries.formUnion(words.speakers[key] ?? []) }
            }
        }
    }

    /// What the machines of one group have in common while they are judged.
    private struct GroupRound {
        let cluster: LayerWords
        let group: LayerWords
        let id: GroupID
        /// What changed in the two.
        let change: LayerChange
        /// The entries of the two that changed or speak of one that did.
        let entries: Set<EntryKey>
        private var inherited: [EntryKey: (references: [Reference], findings: [ConfigurationFinding])] = [:]
        private var settings: [Int: (settings: InheritedSettings, findings: [ConfigurationFinding]?)] = [:]

        init(cluster: LayerWords, group: LayerWords, id: GroupID, change: LayerChange) {
            self.cluster = cluster
            self.group = group
            self.id = id
            self.change = change
            var entries = change.keys
            for key in change.keys { entries.formUnion((cluster.speakers[key] ?? []).union(group.speakers[key] ?? [])) }
            self.entries = entries
        }

        /// What an entry of a machine speaks of in vain. A machine whose own layer has no say in it gets the group's answer.
        mutating func findings(of key: EntryKey, _ view: MachineWords) -> [ConfigurationFinding] {
            guard view.own.layer.sections[key.section] == nil else { return view.dangling(view.references(of: key), in: key) }
            let pure = MachineWords(cluster: cluster, group: group, own: LayerWords())
            let known =
                inherited[key]
                ?? {
                    let references = pure.references(of: key)
                    return (references, pure.dangling(references, in: key))
                }()
            inherited[key] = known
            guard known.references.allSatisfy({ view.own.layer.sections[$0.section] == nil }) else {
                return view.dangling(known.references, in: key)
            }
            return known.findings
        }

        /// What a check of several sections finds on a machine.
        mutating func findings(of index: Int, _ check: ConfigurationCheck, _ membership: Membership) -> [ConfigurationFinding] {
            var known =
                settings[index]
                ?? (
                    InheritedSettings(cluster: cluster.layer.only(check.reads), group: group.layer.only(check.reads), groupID: id), nil
                )
            defer { settings[index] = known }
            let own = membership.layer.only(check.reads)
            if own.isEmpty, let findings = known.findings { return findings }
            let findings = check.findings(known.settings.configuration(machine: own, membership: membership.id))
            if own.isEmpty { known.findings = findings }
            return findings
        }
    }
}

extension Array {
    fileprivate var nonEmpty: [Element]? { isEmpty ? nil : self }
}
