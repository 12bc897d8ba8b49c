// What nginx cannot express.
extension EffectiveConfiguration {
    /// The sections that are read for it.
    static var limitingNginx: Set<SectionName> {
        Set(Section.all.filter { $0.client != nil }.map(\.name)).union([.interfaces, .listeners])
    }

    /// nginx takes no mail. Listeners whose interface the machine lacks are not opened anyway.
    func nginxListeners() -> [ConfigurationFinding] {
        // Values that do not read were refused before they were stored.
        ((try? values(ListenerSetting.self, in: .listeners)) ?? []).filter { self[.interfaces, $0.value.interface] != nil }.map {
            .init(
                .error, entry: "listeners/\($0.name)",
                "it takes mail, and nginx serves HTTPS only: take the listener out for this machine, or give the machine another gateway")
        }
    }

    /// Clients of the gateway for which nginx has nothing to give a certificate to.
    func nginxClients() -> [ConfigurationFinding] {
        Section.all.filter { $0.client != nil }.flatMap { section in
            (self[section.name]?.entries ?? []).map { entry in
                .init(.notice, entry: "\(section.name)/\(entry.name)", "nothing in nginx takes it: it has no effect on this machine")
            }
        }
    }
}
