import Certificates
import ClusterModel

/// A listener in the making.
struct AdoptedListener {
    var name: String
    var service: PostfixInstallation.Service
    var setting = ListenerSetting()
    /// The profile that it comes to; nil where TLS is not offered.
    var profile: TLSProfileSetting?
    var verifies = false
}

extension PostfixAdoption {
    /// One listener for each address at which mail is taken at port 25.
    mutating func addListeners() -> [AdoptedListener] {
        let services = services()
        let outside = services.filter { !$0.address.isOwnHost }
        var listeners: [AdoptedListener] = []
        for (address, service) in services {
            let interface = interface(at: address, hostname: self.hostname(of: service), for: place(of: service.process))
            let name = address.isOwnHost ? (address.isIPv6 ? "local6" : "local") : outside.count == 1 ? "public" : "public-\(interface)"
            var listener = AdoptedListener(name: String(name.prefix(Limits.nameLength)), service: service)
            listener.setting.interface = interface
            if address.isOwnHost { listener.setting.type = .private }
            addTLS(to: &listener)
            listeners.append(listener)
        }
        addProfiles(to: &listeners)
        for listener in listeners {
            set(.listeners, listener.name, listener.setting.json)
            let parts = [
                "port 25 on \(listener.setting.interface)", listener.setting.certificate.map { "certificate \($0)" },
                listener.setting.defaultPolicy.map { "policy \($0)" } ?? "TLS off",
            ]
            report.understand(
                "listeners/\(listener.name)", parts.compactMap(\.self).joined(separator: ", "), at: place(of: listener.service.process))
        }
        for (name, address) in given.sorted(by: { $0.key < $1.key }) where !has(.interfaces, name) {
            _ = interface(at: address, hostname: hostname, for: .init("--interface", name))
        }
        return listeners
    }

    /// What a service calls itself.
    private func hostname(of service: PostfixInstallation.Service) -> String {
        guard service.process["myhostname"] != nil, let own = service.parameters["myhostname"], HostName.accepts(own) else {
            return hostname
        }
        return own
    }

    // MARK: - Addresses

    /// The addresses at which mail is taken, each with its service; one that is named goes before one at all addresses.
    private mutating func services() -> [(address: IPAddress, service: PostfixInstallation.Service)] {
        var found: [(address: IPAddress, service: PostfixInstallation.Service)] = []
        let named = installation.services.filter { !$0.process.host.isEmpty }
        for service in named + installation.services.filter({ $0.process.host.isEmpty }) {
            for address in addresses(of: service) where !found.contains(where: { $0.address == address }) {
                found.append((address, service))
            }
        }
        return found
    }

    private mutating func addresses(of service: PostfixInstallation.Service) -> [IPAddress] {
        let host = service.process.host
        if let address = IPAddress(host) { return [address] }
        if host == "localhost" { return loopback }
        let place = place(of: service.process)
        guard host.isEmpty else {
            report.object(place, "it listens at the host name \(host)", cure: "Write its address into master.cf.")
            return []
        }
        let addresses = given.isEmpty ? inetInterfaces() : given.sorted { $0.key < $1.key }.map(\.value)
        if installation.parameters["inet_interfaces"] == "all" || !given.isEmpty {
            let list = addresses.map(\.description).joined(separator: ", ")
            let now = installation.parameters["inet_interfaces"] ?? ""
            report.change(
                place, from: "listens at each address (inet_interfaces = \(now))",
                to: addresses.isEmpty ? "no listener" : "listens at \(list) only; any other needs an interface and a listener of its own")
        }
        return addresses
    }

    private mutating func inetInterfaces() -> [IPAddress] {
        let place = place(of: "inet_interfaces")
        understood.insert("inet_interfaces")
        var found: [IPAddress] = []
        for word in (installation.parameters["inet_interfaces"] ?? "").postfixWords {
            switch word.lowercased() {
            case "all": found += installation.addresses.filter(isSpoken)
            case "loopback-only", "localhost": found += loopback
            case let word:
                guard let address = IPAddress(word.filter { $0 != "[" && $0 != "]" }) else {
                    report.object(place, "it has the host name \(word)", cure: "Say which addresses are meant: --interface NAME=ADDRESS")
                    continue
                }
                found.append(address)
            }
        }
        guard found.count <= Limits.adoptedAddresses else {
            report.object(
                place, "this machine has \(found.count) addresses, and \(Limits.adoptedAddresses) are adopted by themselves",
                cure: "Say which take mail: --interface NAME=ADDRESS")
            return []
        }
        return found
    }

    private var loopback: [IPAddress] { installation.addresses.filter { $0.isOwnHost && isSpoken($0) } }

    private func isSpoken(_ address: IPAddress) -> Bool {
        let protocols = (installation.parameters["inet_protocols"] ?? "all").postfixWords
        return protocols.contains("all") || protocols.contains(address.isIPv6 ? "ipv6" : "ipv4")
    }

    /// The name of the interface at an address, which is made if there is none.
    mutating func interface(at address: IPAddress, hostname: String, for place: AdoptionReport.Place) -> String {
        if let known = interfaces[address] { return known }
        let usual =
            address.isOwnHost ? [address.isIPv6 ? "loopback6" : "loopback"] : (1...(interfaces.count + given.count + 1)).map { "data\($0)" }
        let free = usual.first { !has(.interfaces, $0) && given[$0] == nil }
        let name = given.filter { $0.value == address }.keys.min() ?? free ?? "interface-\(interfaces.count + 1)"
        interfaces[address] = name
        set(.interfaces, name, InterfaceSetting(hostname: hostname.lowercased(), address: "\(address)").json)
        report.understand("interfaces/\(name)", "\(address), \(hostname.lowercased())", at: place)
        return name
    }

    // MARK: - TLS

    /// Certificate, policy and versions of a listener.
    private mutating func addTLS(to listener: inout AdoptedListener) {
        let service = listener.service
        if service.process.command == "postscreen" {
            report.change(
                place(of: service.process), from: "postscreen, which tests senders before they are let in",
                to: "smtpd at once, without those tests")
        }
        let (level, parameter) = level(of: service.parameters, side: "smtpd")
        let place = place(of: parameter, in: service)
        understood.formUnion(["smtpd_tls_security_level", "smtpd_use_tls", "smtpd_enforce_tls", "smtpd_tls_wrappermode"])
        if service.parameters["smtpd_tls_wrappermode"] == "yes" {
            report.change(self.place(of: "smtpd_tls_wrappermode", in: service), from: "TLS before the first word", to: "STARTTLS")
        }
        guard level != "none" else { return report.understand("listeners/\(listener.name)", "TLS off", at: place) }
        let certificate = certificate(for: listener.name, service.parameters, side: "smtpd", of: service)
        let isRequired = level != "may"
        guard let certificate else {
            if isRequired {
                report.object(
                    place, "TLS is demanded, and there is no certificate: nobody can send mail here",
                    cure: "Set smtpd_tls_chain_files, or smtpd_tls_security_level = may.")
            } else {
                report.understand("listeners/\(listener.name)", "TLS off, for there is no certificate", at: place)
            }
            return
        }
        listener.setting.certificate = certificate
        guard !hides(service) || isRequired else {
            understood.insert("smtpd_discard_ehlo_keywords")
            return report.understand(
                "listeners/\(listener.name)", "TLS off, for STARTTLS is not announced",
                at: self.place(of: "smtpd_discard_ehlo_keywords", in: service))
        }
        listener.verifies = isRequired && service.parameters["smtpd_tls_req_ccert"] == "yes"
        addPolicy(to: &listener, isRequired: isRequired, at: place)
        let versions = isRequired ? "smtpd_tls_mandatory_protocols" : "smtpd_tls_protocols"
        listener.profile = profile(service.parameters[versions] ?? "", at: self.place(of: versions, in: service))
        understood.formUnion(["smtpd_tls_protocols", "smtpd_tls_mandatory_protocols"])
        if isRequired {
            for kind in ["ciphers", "exclude_ciphers"] {
                let (weak, strong) = ("smtpd_tls_\(kind)", "smtpd_tls_mandatory_\(kind)")
                let (now, then) = (service.parameters[strong] ?? "", service.parameters[weak] ?? "")
                if now != then, kind == "ciphers" || !now.isEmpty {
                    report.change(
                        self.place(of: strong, in: service), from: now, to: "the value of \(weak): \(then.isEmpty ? "none" : then)")
                }
            }
        }
    }

    private func hides(_ service: PostfixInstallation.Service) -> Bool {
        (service.parameters["smtpd_discard_ehlo_keywords"] ?? "").postfixWords.contains { $0.lowercased() == "starttls" }
    }

    private mutating func addPolicy(to listener: inout AdoptedListener, isRequired: Bool, at place: AdoptionReport.Place) {
        let service = listener.service
        let name = listener.verifies ? "required-verify" : isRequired ? "required" : "preferred"
        let policy = MailFlowPolicySetting(tls: isRequired ? .required : .preferred, verifyClientCertificate: listener.verifies)
        if !has(.mailFlowPolicies, name) {
            set(.mailFlowPolicies, name, policy.json)
            report.understand("mailFlowPolicies/\(name)", isRequired ? "TLS required" : "TLS preferred", at: place)
            if listener.verifies {
                report.understand(
                    "mailFlowPolicies/\(name)", "client certificates verified", at: self.place(of: "smtpd_tls_req_ccert", in: service))
            }
        }
        listener.setting.defaultPolicy = name
        understood.formUnion(["smtpd_tls_req_ccert", "smtpd_tls_ask_ccert"])
        if service.parameters["smtpd_tls_ask_ccert"] == "yes", !listener.verifies {
            report.change(
                self.place(of: "smtpd_tls_ask_ccert", in: service), from: "clients are asked for a certificate, and need none",
                to: "nobody is asked: what certificates open, such as permit_tls_clientcerts, stays shut at \(listener.name)")
        }
    }

    // MARK: - Versions

    /// What versions of TLS come to as a profile; the usual one, and a change, for what is no range.
    mutating func profile(_ versions: String, at place: AdoptionReport.Place) -> TLSProfileSetting {
        guard let range = TLSProfileSetting.versions(inPostfix: versions) else {
            let usual = TLSProfileSetting()
            report.change(place, from: versions, to: "\(usual.minimumVersion.rawValue) to \(usual.maximumVersion.rawValue)")
            return usual
        }
        return TLSProfileSetting(minimum: range.lowerBound, maximum: range.upperBound)
    }

    private mutating func addProfiles(to listeners: inout [AdoptedListener]) {
        var distinct: [TLSProfileSetting] = []
        for profile in listeners.compactMap(\.profile) where !distinct.contains(profile) { distinct.append(profile) }
        // One for all applies by its name, and the usual one without being there.
        guard distinct.count > 1 || distinct.first.map({ $0 != TLSProfileSetting() }) ?? false else { return }
        for index in listeners.indices {
            guard let profile = listeners[index].profile, let number = distinct.firstIndex(of: profile) else { continue }
            let name = distinct.count == 1 ? "inbound" : "inbound-\(number + 1)"
            if distinct.count > 1 { listeners[index].setting.tlsProfile = name }
            guard !has(.tlsProfiles, name) else { continue }
            set(.tlsProfiles, name, profile.json)
            let parameter = listeners[index].setting.defaultPolicy == "preferred" ? "smtpd_tls_protocols" : "smtpd_tls_mandatory_protocols"
            report.understand("tlsProfiles/\(name)", profile.versions, at: place(of: parameter, in: listeners[index].service))
        }
    }

    // MARK: - Levels

    /// The level of TLS, by the parameter of today or those of old, and which of them said so.
    func level(of parameters: [String: String], side: String) -> (level: String, parameter: String) {
        let level = (parameters["\(side)_tls_security_level"] ?? "").lowercased()
        if !level.isEmpty { return (level, "\(side)_tls_security_level") }
        if parameters["\(side)_enforce_tls"] == "yes" {
            let verifies = side == "smtp" && parameters["smtp_tls_enforce_peername"] != "no"
            return (verifies ? "verify" : "encrypt", "\(side)_enforce_tls")
        }
        return parameters["\(side)_use_tls"] == "yes" ? ("may", "\(side)_use_tls") : ("none", "\(side)_tls_security_level")
    }
}

extension TLSProfileSetting {
    /// `tls1.2 to tls1.3`
    var versions: String { "\(minimumVersion.rawValue) to \(maximumVersion.rawValue)" }
}

extension IPAddress {
    /// Where a machine reaches itself.
    fileprivate var isOwnHost: Bool { self == IPAddress("127.0.0.1") || self == IPAddress("::1") }
}

extension PostfixProcess {
    /// The host part of an entry of type `inet`; empty for all addresses.
    fileprivate var host: String {
        guard !name.hasSuffix("]"), let colon = name.lastIndex(of: ":") else { return "" }
        return name[..<colon].filter { $0 != "[" && $0 != "]" }
    }
}
