/// A service of a machine that a certificate is assigned to, as its effective configuration means it.
package struct IntendedService: Hashable, Sendable {
    /// `listener/NAME`, `listener/NAME/SERVER-NAME`, `https/INTERFACE`, or that of a ``ClientService``.
    package var service: String
    /// The name of the assigned certificate.
    package var certificate: String
    /// SHA-256 of the leaf that it should serve.
    package var fingerprint: Digest
    /// How to see what it serves.
    package var probe: Probe

    package enum Probe: Hashable, Sendable {
        /// SMTP with STARTTLS (RFC 3207) at this address, coming from the same address, and asking for this name, if there is one.
        case startTLS(address: String, port: Int, serverName: String? = nil)
        /// TLS from the first byte.
        case tls(address: String, port: Int, serverName: String)
        /// It cannot be probed, for this reason.
        case none(because: String)
    }

    package init(service: String, certificate: String, fingerprint: Digest, probe: Probe) {
        self.service = service
        self.certificate = certificate
        self.fingerprint = fingerprint
        self.probe = probe
    }
}

extension IntendedService {
    /// The service at whose socket it is: the listener, for one of its server names.
    package var host: String { service.split(separator: "/").prefix(2).joined(separator: "/") }
}

/// A listener that a machine does not open, and why (mission A6).
package struct DisabledService: Hashable, Sendable, Codable {
    /// `listener/NAME`.
    package var service: String
    package var reason: String

    package init(service: String, reason: String) {
        self.service = service
        self.reason = reason
    }
}

extension Section {
    /// The sections that decide which services there are, and what they should serve: what ``EffectiveConfiguration/intendedServices()``
    /// reads.
    package static let decidingServices: Set<SectionName> = Set(all.filter { $0.client != nil }.map(\.name))
        .union([.certificates, .interfaces, .listeners, .mailFlowPolicies])
}

extension EffectiveConfiguration {
    /// The services that a certificate is assigned to, in a fixed order: listeners, HTTPS, clients. Disabled listeners are left out.
    package func intendedServices() throws(SettingError) -> [IntendedService] {
        var services: [IntendedService] = []
        for (name, listener) in try values(ListenerSetting.self, in: .listeners) {
            guard let interface = try value(InterfaceSetting.self, .interfaces, listener.interface) else { continue }
            let shown: [(service: String, certificate: String?, serverName: String?)] =
                [("listener/\(name)", listener.certificate, nil)]
                + listener.serverNames.map { ("listener/\(name)/\($0.name)", $0.certificate, $0.name) }
            for (service, certificate, serverName) in shown {
                guard let certificate, let leaf = try leaf(of: certificate) else { continue }
                services.append(
                    IntendedService(
                        service: service, certificate: certificate, fingerprint: leaf.fingerprint,
                        probe: try probe(of: listener, on: interface, asking: serverName)))
            }
        }
        for (name, interface) in try values(InterfaceSetting.self, in: .interfaces) {
            guard let https = interface.https, let leaf = try leaf(of: https.certificate) else { continue }
            services.append(
                IntendedService(
                    service: "https/\(name)", certificate: https.certificate, fingerprint: leaf.fingerprint,
                    probe: .tls(address: interface.address, port: https.port, serverName: interface.hostname)))
        }
        for section in Section.all {
            guard let client = section.client, let entries = self[section.name] else { continue }
            for entry in entries.entries {
                guard let certificate = try client.certificate(entries, entry), let leaf = try leaf(of: certificate) else { continue }
                services.append(
                    IntendedService(
                        service: client.name(entry.name), certificate: certificate, fingerprint: leaf.fingerprint,
                        probe: .none(because: client.unprovable)))
            }
        }
        return services
    }

    /// The listeners that this machine does not open, because it lacks their interface.
    package func disabledServices() throws(SettingError) -> [DisabledService] {
        var disabled: [DisabledService] = []
        for (name, listener) in try values(ListenerSetting.self, in: .listeners) where self[.interfaces, listener.interface] == nil {
            disabled.append(
                DisabledService(service: "listener/\(name)", reason: "there is no interface \"\(listener.interface)\" on this machine"))
        }
        return disabled
    }

    private func leaf(of certificate: String) throws(SettingError) -> CertificateFacts? {
        try value(CertificateSetting.self, .certificates, certificate)?.leaf
    }

    /// The prober connects from the interface's own address, so that address decides which policy it meets.
    private func probe(
        of listener: ListenerSetting, on interface: InterfaceSetting, asking serverName: String?
    ) throws(SettingError) -> IntendedService.Probe {
        guard let address = IPAddress(interface.address) else { return .none(because: "the interface has no usable address") }
        guard let name = listener.policyName(address: address, hostName: nil),
            let policy = try value(MailFlowPolicySetting.self, .mailFlowPolicies, name), policy.tls != .off
        else {
            return .none(because: "the policy for a sender at \(address) offers no TLS")
        }
        return .startTLS(address: interface.address, port: listener.port, serverName: serverName)
    }
}

/// The secret and public material that one machine needs: private keys and chains, by digest.
package struct MaterialNeeded: Hashable, Sendable {
    /// Keys by fingerprint of their public key.
    package var keys: Set<Digest> = []
    /// Chains, and lists of authorities, by digest of their PEM text.
    package var chains: Set<Digest> = []

    package init() {}
}

extension EffectiveConfiguration {
    /// What the machine's services use, what is set on the machine itself, and whom it trusts; no other key travels to it (mission D12).
    package func materialNeeded() throws(SettingError) -> MaterialNeeded {
        let used = Set(try intendedServices().map(\.certificate))
        var needed = MaterialNeeded()
        // Lists of authorities are public, so every machine gets what it trusts.
        needed.chains.formUnion(authorityBlobs)
        guard let certificates = self[.certificates] else { return needed }
        for entry in certificates.entries where used.contains(entry.name) || entry.origin.layer.kind == .machine {
            let certificate = try certificates.setting(CertificateSetting.self, of: entry)
            needed.keys.insert(certificate.key.fingerprint)
            needed.chains.insert(certificate.chainBlob)
        }
        return needed
    }
}
