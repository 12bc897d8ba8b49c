import Certificates
package import ClusterModel

/// What an existing Postfix installation comes to under Muster: settings that do the same, and a report on what stays and what does not.
///
/// Decides only; whoever calls it has read the installation, and puts the settings where they belong.
package struct PostfixAdoption: Sendable {
    /// All settings of the machine, with their keys and chains; whole only while ``report`` has no problems.
    package private(set) var configuration = GatewayConfiguration(settings: .empty, chains: [:], keys: [:])
    package internal(set) var report = AdoptionReport()

    let installation: PostfixInstallation
    /// What the person who adopts calls addresses.
    let given: [String: IPAddress]
    let now: Timestamp
    var hostname: String
    var settings: [SectionName: [String: JSONValue]] = [:]
    var chains: [Digest: String] = [:]
    var keys: [Digest: String] = [:]
    /// The names of interfaces that were made, by address.
    var interfaces: [IPAddress: String] = [:]
    /// Parameters that settings were made of.
    var understood: Set<String> = []

    /// Reads the facts. `hostname` and `interfaces`, addresses by name, go before what the installation says.
    ///
    /// - Throws: `invalid` for a host name or an interface that is none.
    package init(
        _ installation: PostfixInstallation, hostname: String? = nil, interfaces: [String: String] = [:], now: Timestamp
    ) throws(Refusal) {
        self.installation = installation
        self.now = now
        if let hostname, !HostName.accepts(hostname) {
            throw Refusal(.invalid, "\"\(hostname.prefix(Limits.domainLength))\" is not a host name such as mx1.example.com.")
        }
        var given: [String: IPAddress] = [:]
        for (name, text) in interfaces {
            guard let address = IPAddress(text) else {
                throw Refusal(.invalid, "The interface \(name) has \"\(text.prefix(45))\", which is not an IPv4 or IPv6 address.")
            }
            given[try NameRule.plain.check(name, as: "The name of an interface")] = address
        }
        self.given = given
        self.hostname = (hostname ?? installation.parameters["myhostname"] ?? "").lowercased()
        addHostName(isGiven: hostname != nil)
        let inbound = addListeners()
        addDelivery()
        addDestinations()
        addAuthorities(inbound: inbound)
        configuration = GatewayConfiguration(settings: PostfixAdoption.effective(settings), chains: chains, keys: keys)
        compare()
    }

    private mutating func addHostName(isGiven: Bool) {
        let place = place(of: "myhostname")
        guard HostName.accepts(hostname) else {
            report.object(place, "\"\(hostname.prefix(60))\" is not a host name such as mx1.example.com", cure: "Say it: --hostname H")
            return
        }
        set(.system, EntryNaming.onlyEntry, SystemSetting(hostname: hostname).json)
        understood.insert("myhostname")
        if isGiven {
            let written = installation.parameters["myhostname"] ?? ""
            if written.lowercased() != hostname { report.change(place, from: written, to: hostname) }
        } else {
            report.understand("system/settings", hostname, at: place)
        }
    }

    // MARK: - For the parts

    mutating func set(_ section: SectionName, _ name: String, _ value: JSONValue) { settings[section, default: [:]][name] = value }

    func has(_ section: SectionName, _ name: String) -> Bool { settings[section]?[name] != nil }

    /// Where the value of a parameter stands: with the process, in `main.cf`, or in neither.
    func place(of parameter: String, in service: PostfixInstallation.Service? = nil) -> AdoptionReport.Place {
        if let process = service?.process, process[parameter] != nil {
            return .init("master.cf", "\(process.name) \(process.type): \(parameter)")
        }
        return .init(installation.base.parameters[parameter] == nil ? "default" : "main.cf", parameter)
    }

    func place(of process: PostfixProcess) -> AdoptionReport.Place {
        .init("master.cf", "\(process.name) \(process.type) \(process.command)")
    }

    private static func effective(_ settings: [SectionName: [String: JSONValue]]) -> EffectiveConfiguration {
        let origin = EffectiveEntry.Origin(layer: .machine(MembershipID(rawValue: "standalone")), revision: 0)
        return EffectiveConfiguration(
            sections: settings.map { section, entries in
                EffectiveSection(
                    name: section,
                    entries: entries.map { EffectiveEntry(section: section, name: $0.key, value: $0.value, origin: origin) })
            })
    }
}
