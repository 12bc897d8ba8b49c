package import ClusterModel
import Gateways

extension StateDirectory {
    /// Makes a standalone machine with its network settings as the first generation.
    ///
    /// `interfaces` gives addresses by the interface's name; the host name is the machine's and each interface's. `options` are what
    /// the gateway is started with, and never leave this machine. A ready-made certificate is made, at `now`. Refuses with `exists`
    /// when a machine, or something else, is there already, and with `invalid` a name or address that is none.
    package func initialize(
        name: String, hostname: String, interfaces: [String: String], gateway: GatewayKind, options: [String: String] = [:], now: Timestamp
    ) throws(Refusal) {
        let name = try NameRule.plain.check(name, as: "The machine name")
        let network = try StateDirectory.network(hostname: hostname, interfaces: interfaces)
        try makeRoot()
        try exclusively { () throws(Refusal) in
            guard !hasMachine else { throw Refusal(.exists, "There is a machine in \(path) already. Choose another directory.") }
            if !disk.exists("generations") { try disk.makeDirectory("generations") }
            let (settings, material) = try EffectiveConfiguration.own(network).withDemo(held: [:], now: now)
            let configuration = try GatewayConfiguration(settings: settings, material: material, base: nil)
            let first = try putGeneration(configuration, kind: .standalone, target: nil)
            try putCurrent(first.number)
            try deleteGenerations(but: [first.number])
            // Last: this is what makes the directory a machine's.
            try write(Machine(name: name, gateway: gateway, options: options, network: network), to: "machine.json")
        }
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
