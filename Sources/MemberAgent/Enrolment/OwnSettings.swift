import Certificates
package import ClusterModel
import Gateways
package import Replication

/// The settings that somebody at a machine wants it to have, made of those that it has; and the keys and chains that come with them.
package typealias OwnChange = (EffectiveConfiguration) throws -> (settings: EffectiveConfiguration, material: [Material])

extension StateDirectory {
    /// Changes the settings of a standalone or disconnected machine from the machine itself: a new generation, checked as a commit is.
    ///
    /// A running agent applies it within a second or two; if the gateway rejects it, the agent puts the one before back and says
    /// why in its status. On a disconnected member each entry that differs is kept as an edit, with what it was when the edit began: when
    /// the machine is reconnected, administrators of the cluster decide about each.
    ///
    /// - Throws: `conflict` when the machine is a member and is not disconnected, or has applied nothing of its cluster yet; `would-break`
    ///   with every reason when the settings do not hold together, a key or chain that is missing included; what `change` throws.
    package func changeOwn(now: Timestamp, _ change: OwnChange) throws -> Generation {
        guard try membershipFacts() != nil else {
            let (settings, material) = try change(try current().generation?.settings ?? .empty)
            return try layOutStandalone(settings: settings, material: material, now: now)
        }
        return try exclusively { () throws(Refusal) in
            guard let facts = try membershipFacts() else {
                throw Refusal(.conflict, "This machine left its cluster at this moment. Try again.")
            }
            let record = try apartRecord()
            guard record.isDisconnected else { throw try notDisconnected(facts) }
            guard let base = try current().generation, base.kind == .member, let target = base.target else {
                throw Refusal(
                    .conflict, "This machine has not applied anything from \(facts.cluster) yet, so there is nothing of it to edit.")
            }
            let wanted: (settings: EffectiveConfiguration, material: [Material])
            do {
                wanted = try change(base.settings)
            } catch let refusal as Refusal {
                throw refusal
            } catch {
                throw Refusal(.invalid, "\(error)")
            }
            let unsettled = base.edits.filter { !record.settled.contains($0.id) }
            let own = try OwnEdits(from: base.settings, to: wanted.settings, over: unsettled, membership: facts.membership, now: now)
            return try layOutOwn(own, wanted.material, over: base, target)
        }
    }

    private func layOutOwn(_ own: OwnEdits, _ material: [Material], over base: Generation, _ target: Target) throws(Refusal) -> Generation {
        let configuration = try GatewayConfiguration(settings: own.settings, material: material, base: base.configuration)
        let edited = Generation(
            number: 0, kind: .member, target: Target(position: target.position, revision: target.revision, digest: own.settings.digest),
            configuration: configuration, edits: own.edits)
        try edited.checkSize()
        let generation = try putGeneration(configuration, kind: .member, target: edited.target, edits: own.edits)
        try putCurrent(generation.number)
        // A running agent still serves an older one, and deletes what it no longer needs itself.
        if try isIdle { try deleteGenerations(but: [base.number, generation.number]) }
        return generation
    }

    private func notDisconnected(_ facts: LocalMembership.Facts) throws(Refusal) -> Refusal {
        Refusal(
            .conflict,
            "This machine is a member of \(facts.cluster), which gives it its settings. Change them there; or to edit them here, have it disconnected "
                + "first: muster machine disconnect \(try machine().name)")
    }
}

/// Settings with edits in them, and what those are.
struct OwnEdits {
    var settings: EffectiveConfiguration
    var edits: [LocalEdit]

    /// What `wanted` changes in `base`; edits from before go on, with what they began with.
    init(
        from base: EffectiveConfiguration, to wanted: EffectiveConfiguration, over before: [LocalEdit], membership: MembershipID,
        now: Timestamp
    ) throws(Refusal) {
        var edits = before
        var generator = SystemRandomNumberGenerator()
        func note(_ section: SectionName, _ name: String, _ value: JSONValue?) {
            var edit = LocalEdit(
                id: randomIdentifier(using: &generator), section: section, name: name, value: value, base: base[section, name]?.digest,
                time: now)
            if let former = edits.firstIndex(where: { $0.section == section && $0.name == name }) {
                edit.base = edits.remove(at: former).base
            }
            // Back to what it was: nothing was edited.
            if edit.digest != edit.base { edits.append(edit) }
        }
        var sections: [EffectiveSection] = []
        for section in wanted.sections {
            var entries: [EffectiveEntry] = []
            for entry in section.entries {
                let checked = try StateDirectory.checked(NetworkEntry(section: section.name, name: entry.name, value: entry.value))
                let origin = EffectiveEntry.Origin(layer: .machine(membership), revision: 0)
                let own = EffectiveEntry(section: section.name, name: checked.name, value: checked.value, origin: origin)
                if let held = base[section.name, checked.name], held.digest == own.digest {
                    entries.append(held)
                } else {
                    try OwnEdits.check(checked)
                    note(section.name, checked.name, checked.value)
                    entries.append(own)
                }
            }
            sections.append(EffectiveSection(name: section.name, entries: entries))
        }
        let settings = EffectiveConfiguration(sections: sections)
        for section in base.sections {
            for entry in section.entries where settings[section.name, entry.name] == nil { note(section.name, entry.name, nil) }
        }
        let errors = settings.findings().filter { $0.severity == .error }
        guard errors.isEmpty else {
            throw Refusal(
                .wouldBreak, "The settings do not hold together; nothing has changed.", details: errors.map { "\($0.entry): \($0.text)" })
        }
        guard edits.count <= Limits.localEdits else {
            throw Refusal(
                .limit,
                "This machine would have \(edits.count) edits of its own, and \(Limits.localEdits) are taken. Reconnect it, and decide them."
            )
        }
        self.settings = settings
        self.edits = edits
    }

    /// The cluster could not take these in.
    private static func check(_ entry: NetworkEntry) throws(Refusal) {
        guard entry.section == .certificates else { return }
        try CertificateSetting.check(ownName: entry.name, at: .machine, value: nil)
    }
}

extension Generation {
    /// Keys and chains of the machine's own edits.
    func material(of edits: [LocalEdit]) throws(Refusal) -> [Material] {
        let held: [SectionName] = [.certificates, .authorities]
        let origin = EffectiveEntry.Origin(layer: .machine(MembershipID(rawValue: "")), revision: 0)
        let sections = held.map { section in
            EffectiveSection(
                name: section,
                entries: edits.compactMap { edit in
                    guard edit.section == section, let value = edit.value else { return nil }
                    return EffectiveEntry(section: section, name: edit.name, value: value, origin: origin)
                })
        }
        do throws(SettingError) {
            let needed = try EffectiveConfiguration(sections: sections.filter { !$0.entries.isEmpty }).materialNeeded()
            return needed.keys.sorted().compactMap { key in
                configuration.keys[key].map { Material(kind: .key, digest: key, pem: Array($0.utf8)) }
            }
                + needed.chains.sorted().compactMap { chain in
                    configuration.chains[chain].map { Material(kind: .chain, digest: chain, pem: Array($0.utf8)) }
                }
        } catch {
            throw Refusal(.invalid, "The machine's own edits cannot be read by this version: \(error)")
        }
    }

    /// Refuses edits that no frame could carry.
    fileprivate func checkSize() throws(Refusal) {
        let values = edits.reduce(0) { $0 + ($1.value?.canonicalBytes.count ?? 0) }
        let size = try material(of: edits).reduce(values) { $0 + $1.pem.count }
        guard size <= Limits.localEditBytes else {
            throw Refusal(
                .limit,
                "The edits of this machine would have \(size) bytes, keys and chains included, and \(Limits.localEditBytes) are taken. Reconnect it, "
                    + "and decide those it has.")
        }
    }
}
