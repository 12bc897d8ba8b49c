package import Certificates
package import ClusterModel
package import Gateways
package import SMTPFixtures

/// A configuration in the making; what is not said has a sensible value.
package struct Setup: Sendable {
    package var address = "127.0.0.1"
    package var hostname = "mx1.example.com"
    package var certificates: [String: TestCertificate] = [:]
    package var policies: [String: MailFlowPolicySetting] = [:]
    package var listeners: [String: ListenerSetting] = [:]
    package var destinations: [String: DestinationSetting] = [:]
    package var delivery = DeliverySetting()
    package var profiles: [String: TLSProfileSetting] = [:]
    package var authorities: [String: AuthorityList] = [:]
    package var trustsSystem = false
    package var https: HTTPSService?
    package var ldap: LDAPSetting?

    /// One listener, `public`, at port 2525 with the certificate `mail` and one policy for everybody.
    package init(_ policy: MailFlowPolicySetting = MailFlowPolicySetting(tls: .preferred), certificate: TestCertificate? = nil) {
        policies["all"] = policy
        var listener = ListenerSetting()
        (listener.interface, listener.port, listener.defaultPolicy) = ("data1", 2525, "all")
        if let certificate {
            certificates["mail"] = certificate
            listener.certificate = "mail"
        }
        listeners["public"] = listener
    }

    /// Adds a group to the listener `public`, with a policy of the group's name.
    package mutating func addGroup(_ name: String, _ senders: [String], _ policy: MailFlowPolicySetting) {
        policies[name] = policy
        listeners["public"]?.senderGroups.append(SenderGroup(name: name, senders: senders, policy: name))
    }

    package var configuration: GatewayConfiguration {
        get throws {
            var configuration = GatewayConfiguration(settings: .empty, chains: [:], keys: [:])
            var settings: [String: JSONValue] = [:]
            for (name, certificate) in certificates {
                let chain = try CertificateChain(pem: certificate.chain)
                // That of the certificate, whatever the key: some tests give one that does not fit.
                configuration.chains[chain.blob] = chain.pem
                configuration.keys[chain.leafKey.fingerprint] = certificate.key
                settings[name] =
                    CertificateSetting(origin: .imported, key: chain.leafKey, chain: chain.facts, chainBlob: chain.blob).json
            }
            var trusted = authorities.mapValues(\.setting.json)
            for list in authorities.values { configuration.chains[list.blob] = list.pem }
            if !trustsSystem { trusted[AuthoritySetting.systemName] = AuthoritySetting(trusted: false).json }
            let interface = InterfaceSetting(hostname: hostname, address: address, https: https)
            let only = EntryNaming.onlyEntry
            configuration.settings = EffectiveConfiguration(sections: [
                section(.certificates, settings), section(.mailFlowPolicies, policies.mapValues(\.json)),
                section(.listeners, listeners.mapValues(\.json)), section(.tlsProfiles, profiles.mapValues(\.json)),
                section(.interfaces, ["data1": interface.json]), section(.authorities, trusted),
                section(.destinations, destinations.mapValues(\.json)), section(.delivery, [only: delivery.json]),
                section(.ldap, ldap.map { [only: $0.json] } ?? [:]),
                section(.system, [only: SystemSetting(hostname: "gw.example.com").json]),
            ])
            return configuration
        }
    }

    private func section(_ name: SectionName, _ values: [String: JSONValue]) -> EffectiveSection {
        EffectiveSection(
            name: name,
            entries: values.map {
                EffectiveEntry(section: name, name: $0.key, value: $0.value, origin: .init(layer: .cluster, revision: 1))
            })
    }
}
