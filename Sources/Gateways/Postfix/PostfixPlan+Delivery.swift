import Certificates
import ClusterModel

// What other servers meet.
extension PostfixPlan {
    mutating func addDelivery() throws(SettingError) {
        let delivery = try configuration.settings.value(DeliverySetting.self, .delivery, EntryNaming.onlyEntry) ?? DeliverySetting()
        let destinations = try PostfixDestinations(configuration.settings, base, routes)
        reasons += destinations.reasons
        remarks += destinations.remarks
        // The names that count are said with the level, and a parameter has the level alone.
        parameters["smtp_tls_security_level"] = destinations.level.postfixLevel
        parameters["smtp_tls_secure_cert_match"] = destinations.level.postfixNames
        add(destinations.lines, type: "texthash", file: PostfixDestinations.file)
        parameters["smtp_tls_policy_maps"] = "texthash:\(path(PostfixDestinations.file))"
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

    /// The certificate for LDAP servers, for hand-made tables to name by a path that stays. Postfix opens those tables when it is no longer
    /// root, so the key belongs to the user that its processes are.
    mutating func addLDAP() throws(SettingError) {
        guard let name = try configuration.settings.value(LDAPSetting.self, .ldap, EntryNaming.onlyEntry)?.certificate,
            let served = pair(name, for: "ldap")
        else { return }
        files["tls/ldap/certificate.pem"] = File(text: served.chain.pem)
        files["tls/ldap/key.pem"] = File(text: served.key.pem, isSecret: true, owner: base.parameters["mail_owner"] ?? "postfix")
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
