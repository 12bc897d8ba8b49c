/// An interface by which mail from outside may come in, with the public listener on it, if there is one (mission D9).
///
/// The machine's own host name is not among what is known here: it plays no part.
package struct MailEntrance: Hashable, Sendable {
    /// A service as senders meet it.
    package struct Listener: Hashable, Sendable {
        /// `listener/public`.
        package var service: String
        package var port: Int
        package var certificate: Certificate?
        /// SHA-256 of the leaf that the last proof saw; nil for nothing.
        package var served: Digest?
        /// Why it cannot be seen.
        package var unprovable: String?

        package init(service: String, port: Int = 25, certificate: Certificate? = nil, served: Digest? = nil, unprovable: String? = nil) {
            self.service = service
            self.port = port
            self.certificate = certificate
            self.served = served
            self.unprovable = unprovable
        }
    }

    /// A certificate by the name and the level that it has.
    package struct Certificate: Hashable, Sendable {
        package var name: String
        package var level: Level
        package var setting: CertificateSetting

        package init(name: String, level: Level, setting: CertificateSetting) {
            self.name = name
            self.level = level
            self.setting = setting
        }
    }

    package var machine: String
    package var interface: String
    /// The interface's host name, as it is set.
    package var hostname: String
    package var address: String
    package var listener: Listener?

    package init(machine: String, interface: String, hostname: String, address: String, listener: Listener? = nil) {
        self.machine = machine
        self.interface = interface
        self.hostname = hostname
        self.address = address
        self.listener = listener
    }
}

extension ClusterState {
    /// Every machine's interfaces with their public listeners, by machine and name. An interface with several is there several times,
    /// one without is there once. `services` are what each machine's services were seen to serve, by machine.
    package func mailEntrances(services: [String: [ServiceStatus]]) throws(Refusal) -> [MailEntrance] {
        var entrances: [MailEntrance] = []
        for (id, configuration) in configurations() {
            guard let machine = memberships[id]?.machine else { continue }
            do throws(SettingError) {
                entrances += try self.entrances(of: machine, configuration, services[machine] ?? [])
            } catch {
                throw Refusal(.version, error.description)
            }
        }
        return entrances.sorted {
            ($0.machine, $0.interface, $0.listener?.service ?? "") < ($1.machine, $1.interface, $1.listener?.service ?? "")
        }
    }

    private func entrances(
        of machine: String, _ configuration: EffectiveConfiguration, _ services: [ServiceStatus]
    ) throws(SettingError) -> [MailEntrance] {
        let listeners = try configuration.values(ListenerSetting.self, in: .listeners).filter { $0.value.type == .public }
        var entrances: [MailEntrance] = []
        for (name, interface) in try configuration.values(InterfaceSetting.self, in: .interfaces) {
            let bare = MailEntrance(machine: machine, interface: name, hostname: interface.hostname, address: interface.address)
            let mine = listeners.filter { $0.value.interface == name }
            if mine.isEmpty { entrances.append(bare) }
            for (listener, setting) in mine {
                let service = Section.listeners.serviceName(of: listener)
                let status = services.first { $0.service == service }
                var entrance = bare
                entrance.listener = MailEntrance.Listener(
                    service: service, port: setting.port, certificate: try certificate(setting.certificate, in: configuration),
                    served: status?.served, unprovable: status?.unprovable)
                entrances.append(entrance)
            }
        }
        return entrances
    }

    private func certificate(
        _ name: String?, in configuration: EffectiveConfiguration
    ) throws(SettingError) -> MailEntrance.Certificate? {
        guard let name, let entry = configuration[.certificates, name], let level = level(of: entry.origin.layer),
            let setting = try configuration.value(CertificateSetting.self, .certificates, name)
        else { return nil }
        return MailEntrance.Certificate(name: name, level: level, setting: setting)
    }
}

extension MailEntrance {
    /// The interface as people find it: `mx1 data1`.
    var place: String { "\(machine) \(interface)" }

    /// The interface with its name.
    var placeAndName: String { "\(place) is called \(hostname)" }

    /// Whether the listener's certificate speaks for a host.
    func speaks(for host: String) -> Bool {
        guard let leaf = listener?.certificate?.setting.leaf else { return false }
        return leaf.covers(host) || leaf.coversByCommonName(host)
    }

    /// Whether this is the interface's name.
    func isCalled(_ host: String) -> Bool { hostKey(hostname) == hostKey(host) }
}

/// A host name as two of them are compared: in lower case, without a final dot.
func hostKey(_ name: String) -> String {
    let name = name.lowercased()
    return name.hasSuffix(".") ? String(name.dropLast()) : name
}
