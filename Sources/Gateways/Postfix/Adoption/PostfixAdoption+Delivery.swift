import Certificates
import ClusterModel

extension PostfixAdoption {
    /// Certificate, interface and versions of outgoing mail.
    mutating func addDelivery() {
        let parameters = installation.parameters
        var delivery = DeliverySetting()
        delivery.certificate = certificate(for: "delivery", parameters, side: "smtp")
        let bind = place(of: "smtp_bind_address")
        if let text = parameters["smtp_bind_address"], !text.isEmpty {
            if let address = IPAddress(text) {
                let helo = parameters["smtp_helo_name"].flatMap { HostName.accepts($0) ? $0.lowercased() : nil } ?? hostname
                let name = interface(at: address, hostname: helo, for: bind)
                delivery.interface = name
                understood.formUnion(["smtp_bind_address", "smtp_helo_name"])
                report.understand("delivery/settings", "leaves by \(name)", at: bind)
                let own = settings[.interfaces]?[name]?["hostname"]?.text ?? ""
                if own != helo { report.change(place(of: "smtp_helo_name"), from: helo, to: "\(own), the host name of \(name)") }
            } else {
                report.change(bind, from: text, to: "no address by choice, for this is none")
            }
        }
        let isMandatory = !["none", "may"].contains(level(of: parameters, side: "smtp").level)
        let versions = isMandatory ? "smtp_tls_mandatory_protocols" : "smtp_tls_protocols"
        let profile = profile(parameters[versions] ?? "", at: place(of: versions))
        understood.formUnion(["smtp_tls_protocols", "smtp_tls_mandatory_protocols"])
        if profile != TLSProfileSetting() {
            set(.tlsProfiles, TLSProfileSetting.Direction.outbound.rawValue, profile.json)
            report.understand("tlsProfiles/outbound", profile.versions, at: place(of: versions))
        }
        let other = isMandatory ? "smtp_tls_protocols" : "smtp_tls_mandatory_protocols"
        if parameters[other] != parameters[versions] {
            report.change(place(of: other), from: parameters[other] ?? "", to: "\(profile.versions), as for all outgoing mail")
        }
        if let certificate = delivery.certificate {
            report.understand(
                "delivery/settings", "shows \(certificate)",
                at: place(of: (parameters["smtp_tls_chain_files"] ?? "").isEmpty ? "smtp_tls_cert_file" : "smtp_tls_chain_files"))
        }
        if delivery != DeliverySetting() { set(.delivery, EntryNaming.onlyEntry, delivery.json) }
    }

    // MARK: - Destinations

    mutating func addDestinations() {
        let (level, parameter) = level(of: installation.parameters, side: "smtp")
        let place = place(of: parameter)
        understood.formUnion([
            "smtp_tls_security_level", "smtp_use_tls", "smtp_enforce_tls", "smtp_tls_enforce_peername", "smtp_tls_secure_cert_match",
            "smtp_tls_verify_cert_match", "smtp_tls_policy_maps",
        ])
        let standard = destination(level, at: place)
        add("default", standard, at: place)
        let maps = self.place(of: "smtp_tls_policy_maps")
        for table in (installation.parameters["smtp_tls_policy_maps"] ?? "").postfixWords.map({ PostfixTableName($0) }) {
            guard table.canBeListed else {
                report.change(
                    maps, from: "\(table) is asked for each destination",
                    to:
                        "the default holds (\(standard.tls.rawValue)), for a table of this kind cannot be listed: set its destinations by hand"
                )
                continue
            }
            switch installation.tables["\(table)"] {
            case .lines(let lines):
                let count = lines.count + (settings[.destinations]?.count ?? 0)
                guard count <= Limits.entries else {
                    report.object(
                        maps, "with \(table) there are \(count) destinations, and \(Limits.entries) are adopted",
                        cure: "Leave out what is as the default.")
                    continue
                }
                for line in lines { add(line, of: table, standard: standard) }
            case .unreadable(let reason):
                report.object(maps, "\(table): \(reason)", cure: "Mend the table (postmap \(table)), or take it out.")
            case nil: report.object(maps, "\(table): it was not read", cure: "Run this again.")
            }
        }
    }

    private mutating func add(_ line: PostfixInstallation.Line, of table: PostfixTableName, standard: DestinationSetting) {
        let place = AdoptionReport.Place(table.file, line.key)
        let name = line.key.lowercased()
        guard name != "default", NameRule.domain.accepts(name) else {
            report.change(
                place, from: line.value,
                to: "the default (\(standard.tls.rawValue)), for destinations are domains, and this is none")
            return
        }
        // The first table that has a domain decides.
        guard !has(.destinations, name) else { return }
        add(name, destination(line.value, at: place), at: place)
    }

    private mutating func add(_ name: String, _ destination: DestinationSetting, at place: AdoptionReport.Place) {
        set(.destinations, name, destination.json)
        let names = destination.tls == .requiredVerify ? (destination.nameCheck == .host ? ", domain or MX host" : ", domain") : ""
        report.understand("destinations/\(name)", destination.tls.rawValue + names, at: place)
    }

    /// What a policy of Postfix comes to. What cannot be said becomes stricter, never weaker, but for `dane`: most have none, and mail to
    /// them would wait for good.
    private mutating func destination(_ policy: String, at place: AdoptionReport.Place) -> DestinationSetting {
        let words = policy.postfixWords
        let level = words.first?.lowercased() ?? ""
        let attributes = words.dropFirst().map { word in
            let parts = word.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
            return (name: parts[0].lowercased(), value: parts.count == 2 ? parts[1] : "")
        }
        var destination = DestinationSetting(tls: .requiredVerify)
        destination.nameCheck = .domain
        switch level {
        case "none": destination = DestinationSetting(tls: .none)
        case "may": destination = DestinationSetting(tls: .preferred)
        case "encrypt": destination = DestinationSetting(tls: .required)
        case "dane", "half-dane":
            destination = DestinationSetting(tls: .preferred)
            report.change(place, from: level, to: "preferred: what the destination publishes by DANE is not looked at")
        case "verify", "secure":
            let usual = installation.parameters["smtp_tls_\(level)_cert_match"] ?? ""
            let match = attributes.last { $0.name == "match" }?.value ?? usual
            destination.nameCheck = nameCheck(match, at: place)
        default:
            report.change(
                place, from: level, to: "required-verify, domain: the certificate is verified by the authorities that are trusted")
        }
        let lost = attributes.filter { $0.name != "match" || !["verify", "secure"].contains(level) }
        if !lost.isEmpty {
            report.change(place, from: lost.map { "\($0.name)=\($0.value)" }.joined(separator: " "), to: "not said for one destination")
        }
        return destination
    }

    private mutating func nameCheck(_ match: String, at place: AdoptionReport.Place) -> DestinationSetting.NameCheck {
        let separators = ",: \t"
        let names = Set(match.split { separators.contains($0) }.map { $0.lowercased() })
        if names.contains("hostname"), names.subtracting(["hostname", "nexthop"]).isEmpty { return .host }
        if names == ["nexthop"] { return .domain }
        let check: DestinationSetting.NameCheck = names.contains("hostname") ? .host : .domain
        report.change(
            place, from: "match=\(match)",
            to: check == .host
                ? "the domain or its MX host counts" : "the domain's own name counts; nameCheck host takes that of its MX host, too")
        return check
    }
}
