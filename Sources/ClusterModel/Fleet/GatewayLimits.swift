extension GatewayKind {
    /// The sections that ``EffectiveConfiguration/limits(of:)`` reads for it.
    package var limiting: Set<SectionName> {
        switch self {
        case .embedded, .directory: []
        case .nginx: EffectiveConfiguration.limitingNginx
        case .postfix: [.delivery, .interfaces, .ldap, .listeners, .mailFlowPolicies, .services, .tlsProfiles, .webSecurity]
        }
    }
}

extension EffectiveConfiguration {
    /// What a kind of gateway cannot express of this configuration: an error for what it would have to keep by half, a notice for what
    /// nothing there takes. Values that do not read are passed over; they were refused before they were stored.
    package func limits(of gateway: GatewayKind) -> [ConfigurationFinding] {
        switch gateway {
        case .embedded, .directory: []
        case .nginx: nginxListeners() + nginxClients()
        case .postfix: postfixListeners() + postfixProfiles() + postfixInterfaces() + postfixClients()
        }
    }
}

// MARK: - Postfix

extension EffectiveConfiguration {
    /// Postfix decides by the sender's address whether it offers STARTTLS, and knows host names only later.
    private func postfixListeners() -> [ConfigurationFinding] {
        var findings: [ConfigurationFinding] = []
        for (name, listener) in (try? values(ListenerSetting.self, in: .listeners)) ?? [] {  // as said above
            let offers = postfixOffers(of: listener)
            // Behind a group for everyone nothing counts.
            let last = listener.senderGroups.firstIndex { $0.senders.contains { SenderPattern($0) == .everyone } } ?? offers.count - 1
            for (index, group) in listener.senderGroups.enumerated() {
                let patterns = group.senders.compactMap { SenderPattern($0) }
                if patterns.contains(.host("unknown")) {
                    findings.append(
                        .init(
                            .error, entry: "listeners/\(name)",
                            "the sender group \(group.name) has the host unknown, which is what Postfix calls every sender without a host name"
                        ))
                }
                guard patterns.contains(where: \.isByName), index < last,
                    offers[(index + 1)...last].contains(where: { $0 != offers[index] })
                else { continue }
                findings.append(
                    .init(
                        .error, entry: "listeners/\(name)",
                        "the sender group \(group.name) has host names, and its policy \(group.policy) \(offers[index] ? "offers" : "does not offer") TLS while what stands behind it is otherwise: Postfix decides by address alone whether it offers TLS. Name addresses, or put these senders on a listener of their own"
                    ))
            }
        }
        return findings
    }

    /// For each sender group in order, then for those in no group, whether TLS is offered.
    private func postfixOffers(of listener: ListenerSetting) -> [Bool] {
        (listener.senderGroups.map { Optional($0.policy) } + [listener.defaultPolicy]).map { name in
            guard listener.certificate != nil, let name else { return false }
            // As said above.
            return ((try? value(MailFlowPolicySetting.self, .mailFlowPolicies, name))?.tls ?? .off) != .off
        }
    }

    private func postfixProfiles() -> [ConfigurationFinding] {
        var used = Set([TLSProfileSetting.Direction.inbound.rawValue, TLSProfileSetting.Direction.outbound.rawValue])
        // As said above.
        used.formUnion(((try? values(ListenerSetting.self, in: .listeners)) ?? []).compactMap(\.value.tlsProfile))
        used.formUnion(((try? values(DeliverySetting.self, in: .delivery)) ?? []).compactMap(\.value.tlsProfile))
        // As said above.
        return ((try? values(TLSProfileSetting.self, in: .tlsProfiles)) ?? []).compactMap { name, profile in
            guard used.contains(name), !profile.cipherSuites.isEmpty, profile.maximumVersion == .tls13 else { return nil }
            return .init(
                .error, entry: "tlsProfiles/\(name)",
                "cipherSuites names suites of TLS 1.3, which Postfix does not let anybody choose: leave it out for this machine")
        }
    }

    private func postfixInterfaces() -> [ConfigurationFinding] {
        // As said above.
        ((try? values(InterfaceSetting.self, in: .interfaces)) ?? []).filter { $0.value.https != nil }.map {
            .init(.error, entry: "interfaces/\($0.name)", "it has HTTPS, and Postfix has none: take https out on this machine")
        }
    }

    /// Clients of the gateway for which Postfix has nothing to give a certificate to.
    private func postfixClients() -> [ConfigurationFinding] {
        Section.all.filter { $0.client != nil && $0.name != .delivery }.flatMap { section in
            (self[section.name]?.entries ?? []).map { entry in
                .init(
                    .notice, entry: "\(section.name)/\(entry.name)",
                    section.name == .ldap
                        ? "its certificate lies below current/tls/ldap on this machine, for your LDAP tables to name; whatever else is set there is theirs to say"
                        : "nothing in Postfix takes it: it has no effect on this machine")
            }
        }
    }
}

extension SenderPattern {
    /// Whether it goes by a sender's host name.
    package var isByName: Bool {
        switch self {
        case .host, .below: true
        case .everyone, .network: false
        }
    }
}
