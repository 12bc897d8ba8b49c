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

extension EffectiveConfiguration {
    /// Whether the configuration holds together: every name resolves, no two services want one port (mission A5, A6, B3).
    package func findings() -> [ConfigurationFinding] {
        var findings: [ConfigurationFinding] = []
        for section in sections {
            guard let kind = Section.named(section.name) else {
                findings.append(.init(.error, entry: section.name.rawValue, "this version does not know the section \(section.name)"))
                continue
            }
            findings += section.remarks.map { .init(.notice, entry: "\(section.name)/\($0.entry)", $0.text) }
            for entry in section.entries {
                for reference in kind.references(entry.value) where self[reference.section, reference.name] == nil {
                    findings.append(dangling(reference, in: "\(section.name)/\(entry.name)"))
                }
            }
        }
        return findings + portClashes() + missingCertificates() + demoCertificates() + authorityFindings()
    }

    /// The ready-made certificate is marked wherever it is used (mission D6).
    private func demoCertificates() -> [ConfigurationFinding] {
        // Values that do not read have been refused before they were stored.
        let users = ((try? intendedServices()) ?? []).filter { $0.certificate == CertificateSetting.demoName }
        return users.map {
            ConfigurationFinding(.notice, entry: $0.service, "uses the ready-made certificate demo, which encrypts and cannot be verified")
        }
    }

    private func dangling(_ reference: Reference, in entry: String) -> ConfigurationFinding {
        let missing = "\(reference.field) names \(reference.section)/\(reference.name), which this machine has at no level"
        return switch reference.whenMissing {
        case .refused: ConfigurationFinding(.error, entry: entry, missing)
        case .disabled: ConfigurationFinding(.notice, entry: entry, "\(missing): it is disabled here")
        }
    }

    private func portClashes() -> [ConfigurationFinding] {
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
    private func missingCertificates() -> [ConfigurationFinding] {
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
