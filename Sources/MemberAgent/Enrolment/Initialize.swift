package import ClusterModel
package import Gateways

extension StateDirectory {
    /// Makes a standalone machine with its network settings as the first generation.
    ///
    /// `interfaces` gives addresses by the interface's name; the host name is the machine's and each interface's. `options` are what
    /// the gateway is started with, and never leave this machine. A ready-made certificate is made, at `now`. Refuses with `exists`
    /// when a machine, or something else, is there already, and with `invalid` a name or address that is none.
    package func initialize(
        name: String, hostname: String, interfaces: [String: String], gateway: GatewayKind, options: [String: String] = [:], now: Timestamp
    ) throws(Refusal) {
        let network = try StateDirectory.network(hostname: hostname, interfaces: interfaces)
        let own = GatewayConfiguration(settings: .own(network), chains: [:], keys: [:])
        try initialize(name: name, as: own, gateway: gateway, options: options, now: now)
    }

    /// Makes a standalone machine with all of a configuration as the first generation: what was adopted from a gateway that is there.
    ///
    /// Its network settings are what the machine brings along when it joins a cluster. Besides what the other refuses, `would-break`, with
    /// every reason, what does not hold together.
    package func initialize(
        name: String, as configuration: GatewayConfiguration, gateway: GatewayKind, options: [String: String], now: Timestamp
    ) throws(Refusal) {
        let name = try NameRule.plain.check(name, as: "The machine name")
        let owned = try StateDirectory.owned(configuration.settings)
        let network = owned.sections.filter { Section.named($0.name)?.isNetwork ?? false }.flatMap { section in
            section.entries.map { NetworkEntry(section: section.name, name: $0.name, value: $0.value) }
        }
        try makeRoot()
        try exclusively { () throws(Refusal) in
            try checkFree(for: name)
            if !disk.exists("generations") { try disk.makeDirectory("generations") }
            let (settings, material) = try owned.withDemo(held: configuration.keys, now: now)
            let whole = try GatewayConfiguration(settings: settings, material: material, base: configuration)
            let first = try putGeneration(whole, kind: .standalone, target: nil)
            try putCurrent(first.number)
            try deleteGenerations(but: [first.number])
            // Last: this is what makes the directory a machine's.
            try write(Machine(name: name, gateway: gateway, options: options, network: network), to: "machine.json")
        }
    }

    /// Refuses, as making a machine there would, a name that is none and a directory that has one.
    package func checkFree(for name: String) throws(Refusal) {
        _ = try NameRule.plain.check(name, as: "The machine name")
        guard !hasMachine else { throw Refusal(.exists, "There is a machine in \(path) already. Choose another directory.") }
    }

    private func makeRoot() throws(Refusal) {
        guard disk.exists("") else { return try disk.makeDirectories("") }
        // What an earlier attempt may have left; anything else is somebody's.
        let ours: Set = ["generations", "current", "machine.json", "lock"]
        if let stranger = try disk.list("").first(where: { !ours.contains($0) && !$0.hasPrefix(".new-") }), !hasMachine {
            throw Refusal(.exists, "The directory \(path) is not empty: it holds \(stranger). Choose another directory.")
        }
        try disk.protect("")
    }

    private static func network(hostname: String, interfaces: [String: String]) throws(Refusal) -> [NetworkEntry] {
        var entries = [NetworkEntry(section: .system, name: EntryNaming.onlyEntry, value: SystemSetting(hostname: hostname).json)]
        for (name, address) in interfaces.sorted(by: { $0.key < $1.key }) {
            entries.append(
                NetworkEntry(section: .interfaces, name: name, value: InterfaceSetting(hostname: hostname, address: address).json))
        }
        var checked: [NetworkEntry] = []
        for entry in entries {
            checked.append(try StateDirectory.checked(entry))
        }
        return checked
    }

    /// The entry in its normal form, or why it is none.
    static func checked(_ entry: NetworkEntry) throws(Refusal) -> NetworkEntry {
        let section = try Section.known(entry.section)
        try section.check(entry: entry.name, at: .machine)
        var entry = entry
        do throws(SettingError) {
            entry.value = try section.normalize(entry.value, SettingPath(entry.section.rawValue, entry.name))
        } catch {
            throw Refusal(.invalid, error.description)
        }
        return entry
    }
}

extension EffectiveConfiguration {
    /// A machine's own entries.
    fileprivate static func own(_ entries: [NetworkEntry]) -> EffectiveConfiguration {
        let sections = Dictionary(grouping: entries, by: \.section).map { section, entries in
            EffectiveSection(
                name: section,
                entries: entries.map {
                    EffectiveEntry(section: section, name: $0.name, value: $0.value, origin: Generation.ownOrigin)
                })
        }
        return EffectiveConfiguration(sections: sections)
    }
}
