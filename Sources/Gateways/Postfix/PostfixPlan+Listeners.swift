import ClusterModel

// What senders meet.
extension PostfixPlan {
    mutating func addListeners() throws(SettingError) {
        let proofs = Dictionary(try configuration.settings.intendedServices().map { ($0.service, $0) }) { first, _ in first }
        let slot = ownRestrictions()
        for (name, listener) in try configuration.settings.values(ListenerSetting.self, in: .listeners) {
            guard let interface = try configuration.settings.value(InterfaceSetting.self, .interfaces, listener.interface) else { continue }
            guard let address = IPAddress(interface.address) else {
                reasons.append("listener/\(name): \"\(interface.address)\" is not an IP address")
                continue
            }
            if address.isIPv6, let protocols = base.parameters["inet_protocols"], !protocols.contains("6"), !protocols.contains("all") {
                reasons.append("listener/\(name): \(address) is IPv6, and original/main.cf says inet_protocols = \(protocols)")
            }
            let endpoint = Endpoint(address: address, port: listener.port)
            if let other = listeners.first(where: { $0.endpoint == endpoint }) {
                reasons.append("listener/\(name): listener/\(other.name) has \(endpoint) already; give one of them another port")
                continue
            }
            let columns = ["n", "-", "n", "-", handMadeLimit(at: endpoint)]
            var process = PostfixProcess("\(endpoint)", "inet", "smtpd", columns: columns)
            process.options = try options(of: name, listener, on: interface) + slot
            process.options += handMadeOptions(at: endpoint, besides: process.options)
            func leaf(_ service: String) -> Digest? {
                guard let proof = proofs[service], case .startTLS = proof.probe else { return nil }
                return proof.fingerprint
            }
            let named = listener.serverNames.compactMap { server in
                leaf("listener/\(name)/\(server.name)").map { (server.name, $0) }
            }
            listeners.append(
                Listener(
                    name: name, endpoint: endpoint, process: process, leaf: leaf("listener/\(name)"),
                    named: Dictionary(named) { first, _ in first }, terms: try terms(of: listener, for: address)))
        }
    }

    private mutating func options(
        of name: String, _ listener: ListenerSetting, on interface: InterfaceSetting
    ) throws(SettingError) -> [PostfixProcess.Option] {
        let used = Set(listener.senderGroups.map(\.policy) + [listener.defaultPolicy].compactMap(\.self))
        var settings: [String: MailFlowPolicySetting] = [:]
        for policy in used {
            settings[policy] = try configuration.settings.value(MailFlowPolicySetting.self, .mailFlowPolicies, policy)
            if settings[policy] == nil { reasons.append("listener/\(name): there is no mail flow policy \"\(policy)\"") }
        }
        let offersTLS = listener.certificate != nil && settings.values.contains { $0.tls != .off }
        let verifies = offersTLS && settings.values.contains(where: \.verifyClientCertificate)
        var options: [PostfixProcess.Option] = [
            .init("syslog_name", "postfix/\(name)"), .init("smtpd_banner", "\(interface.hostname) ESMTP"),
            .init("smtpd_tls_security_level", offersTLS ? "may" : "none"), .init("smtpd_tls_wrappermode", "no"),
        ]
        if offersTLS, let certificate = listener.certificate, let chain = chain(certificate, for: "listener/\(name)") {
            options += [
                .init("smtpd_tls_chain_files", chain), .init("tls_server_sni_maps", try serverNames(of: name, listener)),
            ]
            options += profile(try configuration.settings.tlsProfile(listener.tlsProfile, for: .inbound), of: "smtpd")
                .map { .init($0.name, $0.value) }
        }
        let policies = try senders(of: name, listener)
        options += [
            .init("smtpd_tls_ask_ccert", verifies ? "yes" : "no"), .init("smtpd_tls_req_ccert", "no"),
            .init("smtpd_tls_CAfile", verifies ? authorities ?? "" : ""), .init("smtpd_tls_CApath", ""),
            .init("tls_append_default_CA", "no"), .init("smtpd_tls_loglevel", "1"), .init("smtpd_tls_received_header", "yes"),
            .init("smtpd_delay_reject", "yes"), .init("plaintext_reject_code", "530"),
            .init("smtpd_client_restrictions", policies),
        ]
        // Postfix takes the recipient postmaster, without a domain, before it asks what holds: there it holds when the message is to come.
        let own = [base.parameters["smtpd_data_restrictions"] ?? ""].filter { !$0.isEmpty }
        options.append(.init("smtpd_data_restrictions", (own + [policies]).joined(separator: ", ")))
        return options + ehlo(of: name, listener, settings, offersTLS: offersTLS)
    }

    /// What a sender at an address meets; nil where a sender group before has host names, and the address may have one of them.
    private func terms(of listener: ListenerSetting, for address: IPAddress) throws(SettingError) -> PolicyTerms? {
        var name = listener.defaultPolicy
        for group in listener.senderGroups {
            let patterns = group.senders.compactMap { SenderPattern($0) }
            if patterns.contains(where: { $0.matches(address: address, hostName: nil) }) {
                name = group.policy
                break
            }
            if patterns.contains(where: \.isByName) { return nil }
        }
        let policy = try name.flatMap { name throws(SettingError) in
            try configuration.settings.value(MailFlowPolicySetting.self, .mailFlowPolicies, name)
        }
        return PolicyTerms(
            offersTLS: listener.certificate != nil && policy.map { $0.tls != .off } ?? false, requiresTLS: policy?.tls == .required)
    }

    /// The table of the certificates that clients get by asking for a name. Postfix reads the files in it when it opens the table.
    private mutating func serverNames(of name: String, _ listener: ListenerSetting) throws(SettingError) -> String {
        guard !listener.serverNames.isEmpty else { return "" }
        let file = "listener-\(name)-names.texthash"
        var lines: [String] = []
        for server in listener.serverNames {
            guard let chain = chain(server.certificate, for: "listener/\(name)/\(server.name)") else { continue }
            lines.append("\(server.name) \(chain)\n")
        }
        files[file] = File(text: lines.joined())
        return "texthash:\(path(file))"
    }

    // MARK: - Sender groups

    /// A restriction class that gives each sender the class of its policy: one table for each run of addresses or of names, in the order
    /// of the groups, for Postfix looks a sender up by name and by address in every table.
    private mutating func senders(of name: String, _ listener: ListenerSetting) throws(SettingError) -> String {
        var runs: [(isByName: Bool, lines: [(pattern: SenderPattern, policy: String)])] = []
        for group in listener.senderGroups {
            let policy = try policyClass(group.policy)
            for pattern in group.senders.compactMap({ SenderPattern($0) }) {
                if runs.last?.isByName != pattern.isByName { runs.append((pattern.isByName, [])) }
                runs[runs.count - 1].lines.append((pattern, policy))
            }
        }
        var steps: [String] = []
        for (index, run) in runs.enumerated() {
            let type = run.isByName ? "regexp" : "cidr"
            let file = "listener-\(name)-senders-\(index + 1).\(type)"
            let lines = run.lines.flatMap { line in line.pattern.keys.map { (key: $0, value: line.policy) } }
            add(lines, type: type, file: file)
            steps.append("check_client_access \(type):\(path(file))")
        }
        steps.append(try policyClass(listener.defaultPolicy))
        return addClass("listener_\(listeners.count + 1)", steps)
    }

    /// Whom STARTTLS is offered to, by address: what Postfix leaves out of its answer to EHLO.
    private mutating func ehlo(
        of name: String, _ listener: ListenerSetting, _ settings: [String: MailFlowPolicySetting], offersTLS: Bool
    ) -> [PostfixProcess.Option] {
        let own = (base.parameters["smtpd_discard_ehlo_keywords"] ?? "").split { $0 == "," || $0.isWhitespace }.map(String.init)
            .filter { $0.lowercased() != "starttls" && $0.lowercased() != "silent-discard" }
        let shown = (["silent-discard"] + own).joined(separator: ", ")
        let none = PostfixProcess.Option("smtpd_discard_ehlo_keyword_address_maps", "")
        let kept = PostfixProcess.Option("smtpd_discard_ehlo_keywords", own.joined(separator: ", "))
        func isOffered(_ policy: String?) -> Bool { policy.flatMap { settings[$0] }.map { $0.tls != .off } ?? false }
        let offers = (listener.senderGroups.map { Optional($0.policy) } + [listener.defaultPolicy]).map(isOffered)
        guard offersTLS, offers.contains(false) else { return [none, kept] }
        var lines: [(key: String, value: String)] = []
        for (group, offered) in zip(listener.senderGroups, offers) {
            for pattern in group.senders.compactMap({ SenderPattern($0) }) where !pattern.isByName {
                lines += pattern.keys.map { (key: $0, value: offered ? shown : "\(shown), starttls") }
            }
        }
        lines += SenderPattern.everyone.keys.map { (key: $0, value: isOffered(listener.defaultPolicy) ? shown : "\(shown), starttls") }
        let file = "listener-\(name)-ehlo.cidr"
        add(lines, type: "cidr", file: file)
        return [.init("smtpd_discard_ehlo_keyword_address_maps", "cidr:\(path(file))"), kept]
    }

    // MARK: - Policies

    /// The restriction class of a policy; that of none is no TLS, no terms.
    private mutating func policyClass(_ name: String?) throws(SettingError) -> String {
        guard let name, let policy = try configuration.settings.value(MailFlowPolicySetting.self, .mailFlowPolicies, name) else {
            return "permit"
        }
        if let known = policies[name] { return known }
        var steps: [String] = []
        switch policy.tls {
        case .off: break
        case .required: steps.append("reject_plaintext_session")
        case .preferred where !policy.tlsMandatorySenders.isEmpty:
            let file = "policy-\(name)-mandatory.regexp"
            let keys = policy.tlsMandatorySenders.compactMap { EnvelopeSender($0)?.pattern }
            add(keys.map { (key: $0, value: "reject_plaintext_session") }, type: "regexp", file: file)
            steps.append("check_sender_access regexp:\(path(file))")
        case .preferred: break
        }
        if policy.verifyClientCertificate {
            steps.append("permit_tls_all_clientcerts")
            if policy.tls == .required {
                steps.append("reject")
            } else {
                // Whoever comes so far and has a certificate has one that was not verified.
                add([(key: "/./", value: "REJECT the client certificate cannot be verified")], type: "regexp", file: "any.regexp")
                steps.append("check_ccert_access regexp:\(path("any.regexp"))")
            }
        }
        if steps.last != "reject" { steps.append("permit") }
        let made = addClass("policy_\(policies.count + 1)", steps)
        policies[name] = made
        return made
    }

    private mutating func addClass(_ name: String, _ steps: [String]) -> String {
        let name = "muster_\(name)"
        classes.append(name)
        parameters[name] = steps.joined(separator: ", ")
        return name
    }

    mutating func add(_ lines: [(key: String, value: String)], type: String, file: String) {
        files[file] = File(text: lines.map { "\($0.key) \($0.value)\n" }.joined())
        guard type != "regexp" else { return }
        tables.append(Table(type: type, file: file, answers: PostfixPlan.answers(lines, type: type)))
    }

    /// What a table must answer for each key: for networks the first line that has their first address.
    private static func answers(_ lines: [(key: String, value: String)], type: String) -> [String: String] {
        guard type == "cidr" else { return Dictionary(lines.map { ($0.key, $0.value) }) { first, _ in first } }
        let networks = lines.compactMap { line in SenderPattern(line.key).map { (pattern: $0, value: line.value) } }
        var answers: [String: String] = [:]
        for case .network(let address, _) in networks.map(\.pattern) where answers[address.description] == nil {
            answers[address.description] = networks.first { $0.pattern.matches(address: address, hostName: nil) }?.value
        }
        return answers
    }

    // MARK: - Hand-made restrictions

    /// Moves hand-made restrictions on clients into the list behind: Muster needs theirs, where a policy's word ends the list, and all
    /// lists are gone through when a recipient is named.
    private mutating func ownRestrictions() -> [PostfixProcess.Option] {
        guard let own = base.parameters["smtpd_client_restrictions"], !own.isEmpty else { return [] }
        let made = addClass("own_clients", [own])
        if (base.parameters["smtpd_sender_restrictions"] ?? "").isEmpty { return [.init("smtpd_sender_restrictions", made)] }
        if (base.parameters["smtpd_helo_restrictions"] ?? "").isEmpty {
            // Who says neither HELO nor EHLO is not held against the restrictions on it.
            return [.init("smtpd_helo_restrictions", made), .init("smtpd_helo_required", "yes")]
        }
        reasons.append(
            "original/main.cf has smtpd_client_restrictions, smtpd_sender_restrictions and smtpd_helo_restrictions, and TLS policies need the place of one: merge two of them"
        )
        return []
    }
}

extension SenderPattern {
    /// How Postfix writes it in a table for addresses, or in one for names.
    fileprivate var keys: [String] {
        switch self {
        case .everyone: ["0.0.0.0/0", "::/0"]
        case .network(let address, let length): ["\(address)/\(length)"]
        case .host(let name): ["/^\(name.escaped)$/"]
        case .below(let domain): ["/\\.\(domain.escaped)$/"]
        }
    }
}

extension EnvelopeSender {
    fileprivate var pattern: String {
        switch self {
        case .address(let address): "/^\(address.description.escaped)$/"
        case .domain(let domain): "/@\(domain.escaped)$/"
        case .below(let domain): "/@[^@]*\\.\(domain.escaped)$/"
        case .local(let local): "/^\(local.escaped)@/"
        }
    }
}

extension String {
    /// As it stands in a POSIX regular expression between slashes.
    fileprivate var escaped: String {
        reduce(into: "") { text, character in
            // No others: behind a backslash some have a meaning in regular expressions of GNU.
            if ".*^$+?{}|()[]\\/".contains(character) { text.append("\\") }
            text.append(character)
        }
    }
}
