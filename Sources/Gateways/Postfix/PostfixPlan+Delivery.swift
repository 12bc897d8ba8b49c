import ClusterModel

// What other servers meet.
extension PostfixPlan {
    mutating func addDelivery() throws(SettingError) {
        let delivery = try configuration.settings.value(DeliverySetting.self, .delivery, EntryNaming.onlyEntry) ?? DeliverySetting()
        var level = DestinationSetting(tls: .none)
        var lines: [(key: String, value: String)] = []
        for (name, destination) in try configuration.settings.values(DestinationSetting.self, in: .destinations) {
            if name == "default" { level = destination } else { lines.append((name, destination.policy)) }
        }
        // The names that count are said with the level, and a parameter has the level alone.
        parameters["smtp_tls_security_level"] = String(level.policy.prefix { $0 != " " })
        parameters["smtp_tls_secure_cert_match"] = level.names
        add(lines, type: "texthash", file: "destinations.texthash")
        parameters["smtp_tls_policy_maps"] = "texthash:\(path("destinations.texthash"))"
        if let certificate = delivery.certificate, let chain = chain(certificate, for: "delivery") {
            parameters["smtp_tls_chain_files"] = chain
        }
        parameters["smtp_tls_CAfile"] = authorities ?? ""
        parameters["tls_append_default_CA"] = "no"
        for option in profile(try configuration.settings.tlsProfile(delivery.tlsProfile, for: .outbound), of: "smtp") {
            parameters[option.name] = option.value
        }
        parameters["smtp_tls_loglevel"] = "1"
        parameters["smtp_tls_note_starttls_offer"] = "yes"
        guard let name = delivery.interface else { return }
        guard let interface = try configuration.settings.value(InterfaceSetting.self, .interfaces, name),
            let address = IPAddress(interface.address)
        else {
            reasons.append("delivery: there is no interface \"\(name)\" with an address")
            return
        }
        parameters[address.isIPv6 ? "smtp_bind_address6" : "smtp_bind_address"] = "\(address)"
        parameters["smtp_helo_name"] = interface.hostname
    }

    /// The parameters of a TLS profile, for one direction: `smtpd` or `smtp`.
    func profile(_ profile: TLSProfileSetting, of direction: String) -> [(name: String, value: String)] {
        var protocols = ">=\(profile.minimumVersion.inPostfix)"
        if profile.maximumVersion < .tls13 { protocols += ":<=\(profile.maximumVersion.inPostfix)" }
        var parameters = [("\(direction)_tls_protocols", protocols), ("\(direction)_tls_mandatory_protocols", protocols)]
        // A list that does not read was refused before it was stored, and says nothing to versions that have suites.
        guard let ciphers = profile.ciphers, profile.minimumVersion < .tls13 else { return parameters }
        let list = ciphers.split { ":, ".contains($0) }.joined(separator: ":")
        parameters += [
            ("\(direction)_tls_ciphers", "high"), ("\(direction)_tls_mandatory_ciphers", "high"), ("tls_high_cipherlist", list),
            ("\(direction)_tls_exclude_ciphers", ""), ("\(direction)_tls_mandatory_exclude_ciphers", ""),
        ]
        return parameters
    }
}

extension DestinationSetting {
    /// Which names of a certificate count: that of the destination, and that of the host its mail goes to.
    fileprivate var names: String {
        switch nameCheck {
        case .host: "nexthop:hostname"
        case .domain: "nexthop"
        }
    }

    /// The right side of a line in Postfix's table of TLS policies.
    ///
    /// There is no level that tries to verify and delivers anyway: what comes of preferred-verify is what comes of `may` with authorities,
    /// and the log says whether the chain was verified.
    fileprivate var policy: String {
        switch tls {
        case .none: "none"
        case .preferred, .preferredVerify: "may"
        case .required: "encrypt"
        case .requiredVerify: "secure match=\(names)"
        }
    }
}

extension TLSProfileSetting.Version {
    fileprivate var inPostfix: String {
        switch self {
        case .tls10: "TLSv1"
        case .tls11: "TLSv1.1"
        case .tls12: "TLSv1.2"
        case .tls13: "TLSv1.3"
        }
    }
}
