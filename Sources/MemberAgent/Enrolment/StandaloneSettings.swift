package import ClusterModel
package import Gateways
package import Replication

extension StateDirectory {
    /// Puts a standalone machine's settings in force: a new generation, checked as a commit is.
    ///
    /// A running agent applies it within a second or two; if the gateway rejects it, the agent puts the one before back and says
    /// why in its status. Keys and chains that are not given are taken from what the machine has.
    ///
    /// - Throws: `would-break` with every reason when the settings do not hold together, a key or chain that is missing
    ///   included; `conflict` when the machine is a member.
    package func layOutStandalone(
        settings: EffectiveConfiguration, material: [Material], now: Timestamp
    ) throws(Refusal) -> Generation {
        try exclusively { () throws(Refusal) in
            if let membership = try membership() { throw notStandalone(membership) }
            let base = try current().generation?.configuration
            let (settings, demo) = try settings.withDemo(held: base?.keys ?? [:], now: now)
            let owned = try StateDirectory.owned(settings)
            let configuration = try GatewayConfiguration(settings: owned, material: material + demo, base: base)
            let previous = currentNumber()
            let generation = try putGeneration(configuration, kind: .standalone, target: nil)
            try putCurrent(generation.number)
            // A running agent still serves an older one, and deletes what it no longer needs itself.
            if try isIdle { try deleteGenerations(but: [generation.number] + (previous.map { [$0] } ?? [])) }
            return generation
        }
    }

    private func notStandalone(_ membership: LocalMembership) -> Refusal {
        Refusal(
            .conflict,
            "This machine is a member of \(membership.facts.cluster), which gives it its settings. Change them there, "
                + "or let it leave first: muster agent leave --state-dir \(path)"
        )
    }

    /// The settings in their normal form, all from the machine itself.
    static func owned(_ settings: EffectiveConfiguration) throws(Refusal) -> EffectiveConfiguration {
        var sections: [EffectiveSection] = []
        for section in settings.sections {
            var entries: [EffectiveEntry] = []
            for entry in section.entries {
                let checked = try checked(NetworkEntry(section: section.name, name: entry.name, value: entry.value))
                entries.append(
                    EffectiveEntry(section: section.name, name: entry.name, value: checked.value, origin: Generation.ownOrigin))
            }
            sections.append(EffectiveSection(name: section.name, entries: entries))
        }
        let owned = EffectiveConfiguration(sections: sections)
        let errors = owned.findings().filter { $0.severity == .error }
        guard errors.isEmpty else {
            throw Refusal(
                .wouldBreak, "The settings do not hold together; nothing has changed.", details: errors.map { "\($0.entry): \($0.text)" })
        }
        return owned
    }
}

extension GatewayConfiguration {
    /// Settings with the material they need: what came with them, and what the base has already.
    ///
    /// Material that is not needed is left out, so that no key outlives its use (mission D12).
    package init(settings: EffectiveConfiguration, material: [Material], base: GatewayConfiguration?) throws(Refusal) {
        self.init(settings: settings, chains: [:], keys: [:])
        let needed: MaterialNeeded
        do throws(SettingError) {
            needed = try settings.materialNeeded()
        } catch {
            throw Refusal(.invalid, "The settings cannot be read here.", details: [error.description])
        }
        for digest in needed.keys {
            keys[digest] = material.text(.key, digest) ?? base?.keys[digest]
        }
        for digest in needed.chains {
            chains[digest] = material.text(.chain, digest) ?? base?.chains[digest]
        }
        let missing =
            needed.keys.filter { keys[$0] == nil }.map { "the private key \($0.short) is missing" }
            + needed.chains.filter { chains[$0] == nil }.map { "the certificate chain or list of authorities \($0.short) is missing" }
        guard missing.isEmpty else {
            throw Refusal(.wouldBreak, "The settings name keys or chains that are not here.", details: missing.sorted())
        }
    }
}

extension [Material] {
    fileprivate func text(_ kind: Material.Kind, _ digest: Digest) -> String? {
        first { $0.kind == kind && $0.digest == digest }.map { String(decoding: $0.pem, as: UTF8.self) }
    }
}
