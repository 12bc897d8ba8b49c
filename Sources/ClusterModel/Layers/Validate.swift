/// Something about a machine's effective configuration that people should know.
package struct ConfigurationFinding: Hashable, Sendable {
    package enum Severity: String, Hashable, Sendable, Codable {
        /// The configuration does not hold together; it is not committed.
        case error
        /// It holds together, with a consequence worth saying.
        case notice
    }

    package var severity: Severity
    /// The entry it is about: `listeners/public`.
    package var entry: String
    package var text: String

    package init(_ severity: Severity, entry: String, _ text: String) {
        self.severity = severity
        self.entry = entry
        self.text = text
    }
}

/// What sections have to say of each other beyond references: one rule, and the sections that it reads.
///
/// It is shown no other section, so that a change elsewhere cannot change what it finds.
struct ConfigurationCheck: Sendable {
    let reads: Set<SectionName>
    let findings: @Sendable (EffectiveConfiguration) -> [ConfigurationFinding]

    static let all =
        [
            ConfigurationCheck(reads: [.interfaces, .listeners]) { $0.portClashes() },
            ConfigurationCheck(reads: [.listeners, .mailFlowPolicies]) { $0.missingCertificates() },
            ConfigurationCheck(reads: Section.decidingServices) { $0.serviceFindings() },
            ConfigurationCheck(reads: [.authorities, .mailFlowPolicies]) { $0.authorityFindings() },
        ] + Section.all.filter(\.hasRemarks).map { section in ConfigurationCheck(reads: [section.name]) { $0.remarks(of: section.name) } }
}

extension EffectiveConfiguration {
    /// Whether the configuration holds together: every name resolves, no two services want one port (mission A5, A6, B3).
    package func findings() -> [ConfigurationFinding] {
        var findings: [ConfigurationFinding] = []
        for section in sections {
            guard let kind = Section.named(section.name) else {
                findings.append(.unknown(section.name))
                continue
            }
            for entry in section.entries {
                for reference in kind.references(entry.value) where self[reference.section, reference.name] == nil {
                    findings.append(.dangling(reference, in: "\(section.name)/\(entry.name)"))
                }
            }
        }
        return findings + ConfigurationCheck.all.flatMap { $0.findings(only($0.reads)) }
    }

    /// What the entries of a section have to say for themselves.
    fileprivate func remarks(of section: SectionName) -> [ConfigurationFinding] {
        (self[section]?.remarks ?? []).map { .init(.notice, entry: "\(section)/\($0.entry)", $0.text) }
    }

    private func only(_ names: Set<SectionName>) -> EffectiveConfiguration {
        EffectiveConfiguration(sections: sections.filter { names.contains($0.name) })
    }
}

extension ConfigurationFinding {
    static func unknown(_ section: SectionName) -> ConfigurationFinding {
        ConfigurationFinding(.error, entry: section.rawValue, "this version does not know the section \(section)")
    }

    static func dangling(_ reference: Reference, in entry: String) -> ConfigurationFinding {
        let missing = "\(reference.field) names \(reference.section)/\(reference.name), which this machine has at no level"
        return switch reference.whenMissing {
        case .refused: ConfigurationFinding(.error, entry: entry, missing)
        case .disabled: ConfigurationFinding(.notice, entry: entry, "\(missing): it is disabled here")
        }
    }
}

extension EffectiveConfiguration {
    /// The ready-made certificate is marked wherever it is used (mission D6), and there are no more services than can be told of.
    fileprivate func serviceFindings() -> [ConfigurationFinding] {
        // Values that do not read have been refused before they were stored.
        let services = (try? intendedServices()) ?? []
        let tooMany: [ConfigurationFinding] =
            services.count <= Limits.services
            ? []
            : [
                .init(
                    .error, entry: services[Limits.services].service,
                    "the machine has \(services.count) services with certificates, each name of a listener counted; it may have \(Limits.services)"
                )
            ]
        return tooMany
            + services.filter { $0.certificate == CertificateSetting.demoName }.map {
                ConfigurationFinding(
                    .notice, entry: $0.service, "uses the ready-made certificate demo, which encrypts and cannot be verified")
            }
    }

    fileprivate func portClashes() -> [ConfigurationFinding] {
        var owners: [String: String] = [:]
        var findings: [ConfigurationFinding] = []
        func claim(_ address: String, _ port: Int, _ entry: String) {
            let place = "\(IPAddress(address)?.description ?? address) port \(port)"
            if let owner = owners[place] {
                findings.append(.init(.error, entry: entry, "wants \(place), which \(owner) has on this machine"))
            } else {
                owners[place] = entry
            }
        }
        // Values that do not read have been refused before they were stored.
        for (name, interface) in (try? values(InterfaceSetting.self, in: .interfaces)) ?? [] {
            if let https = interface.https { claim(interface.address, https.port, "interfaces/\(name)") }
        }
        for (name, listener) in (try? values(ListenerSetting.self, in: .listeners)) ?? [] {  // as above
            guard let interface = try? value(InterfaceSetting.self, .interfaces, listener.interface) else { continue }  // as above
            claim(interface.address, listener.port, "listeners/\(name)")
        }
        return findings
    }

    /// A policy that offers TLS on a listener without a certificate could not keep its word.
    fileprivate func missingCertificates() -> [ConfigurationFinding] {
        var findings: [ConfigurationFinding] = []
        for (name, listener) in (try? values(ListenerSetting.self, in: .listeners)) ?? [] where listener.certificate == nil {  // as above
            let policies = listener.senderGroups.map(\.policy) + (listener.defaultPolicy.map { [$0] } ?? [])
            for policy in policies {
                // As above.
                guard let setting = try? value(MailFlowPolicySetting.self, .mailFlowPolicies, policy), setting.tls != .off else { continue }
                findings.append(
                    .init(
                        .error, entry: "listeners/\(name)", "the policy \(policy) uses TLS, and the listener has no certificate; assign one"
                    ))
                break
            }
        }
        return findings
    }
}
