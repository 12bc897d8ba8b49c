package import Certificates
package import ClusterModel

/// An SMTP service of the embedded gateway, ready to serve.
package struct MailService: Sendable {
    /// `listener/NAME`.
    package let name: String
    package let hostname: String
    package let listener: ListenerSetting
    package let policies: [String: MailFlowPolicySetting]
    package let identity: ServerIdentity?
    /// Whom senders' certificates must lead to, where a policy verifies them.
    package let authorities: TrustedAuthorities

    /// Whether a sender's host name can make a difference, so that it is worth looking up.
    package let asksForHostNames: Bool

    package init(
        name: String, hostname: String, listener: ListenerSetting, policies: [String: MailFlowPolicySetting], identity: ServerIdentity?,
        authorities: TrustedAuthorities
    ) {
        self.name = name
        self.hostname = hostname
        self.listener = listener
        self.policies = policies
        self.identity = identity
        self.authorities = authorities
        asksForHostNames = listener.senderGroups.contains { group in
            group.senders.contains { SenderPattern($0)?.isByName ?? false }
        }
    }

    /// The terms for a sender.
    package func terms(address: IPAddress, hostName: String?) -> SMTPTerms {
        SMTPTerms(
            hostname: hostname, policy: listener.policyName(address: address, hostName: hostName).flatMap { policies[$0] },
            hasCertificate: identity != nil)
    }
}

/// HTTPS on an interface, ready to serve.
package struct WebService: Sendable {
    /// `https/INTERFACE`.
    package var name: String
    package var hostname: String
    package var identity: ServerIdentity
}

package enum Service: Sendable {
    case mail(MailService)
    case web(WebService)

    package var name: String {
        switch self {
        case .mail(let service): service.name
        case .web(let service): service.name
        }
    }
}

/// Everything that a configuration asks the embedded gateway to serve, checked before anything is touched.
package struct ServicePlan: Sendable {
    package private(set) var services: [Endpoint: Service] = [:]
    private var reasons: [String] = []
    private var identities: [Identity: ServerIdentity] = [:]
    private let configuration: GatewayConfiguration
    private let authorities: TrustedAuthorities

    /// What a service shows and how it speaks. Services that agree in both share it.
    private struct Identity: Hashable {
        var certificate: String
        var names: [ServerName]
        var terms: TLSTerms
    }

    /// Throws a refusal with a detail for each service that cannot be. Listeners without their interface are left out.
    ///
    /// `system` are the authorities that the operating system trusts.
    package init(_ configuration: GatewayConfiguration, system: TrustedAuthorities) throws(Refusal) {
        self.configuration = configuration
        authorities = try configuration.clientAuthorities(system: system)
        do {
            try addListeners()
            try addWebServices()
        } catch {
            throw Refusal(.invalid, "The configuration has a value that this version cannot read.", details: [error.description])
        }
        guard reasons.isEmpty else {
            throw Refusal(.invalid, "The configuration cannot be served; the one before stays in force.", details: reasons)
        }
    }

    private mutating func addListeners() throws(SettingError) {
        let policies = Dictionary(
            uniqueKeysWithValues: try configuration.settings.values(MailFlowPolicySetting.self, in: .mailFlowPolicies).map {
                ($0.name, $0.value)
            })
        for (name, listener) in try configuration.settings.values(ListenerSetting.self, in: .listeners) {
            guard let interface = try configuration.settings.value(InterfaceSetting.self, .interfaces, listener.interface) else { continue }
            let service = "listener/\(name)"
            let named = listener.senderGroups.map(\.policy) + [listener.defaultPolicy].compactMap(\.self)
            for missing in Set(named.filter { policies[$0] == nil }).sorted() {
                reasons.append("\(service): there is no mail flow policy \"\(missing)\"")
            }
            var identity: ServerIdentity?
            if let certificate = listener.certificate {
                identity = try self.identity(certificate, listener.serverNames, listener.tlsProfile, .inbound, for: service)
            }
            add(
                .mail(
                    MailService(
                        name: service, hostname: interface.hostname, listener: listener, policies: policies, identity: identity,
                        authorities: authorities)),
                address: interface.address, port: listener.port)
        }
    }

    private mutating func addWebServices() throws(SettingError) {
        for (name, interface) in try configuration.settings.values(InterfaceSetting.self, in: .interfaces) {
            guard let https = interface.https else { continue }
            let service = "https/\(name)"
            guard let identity = try identity(https.certificate, [], https.tlsProfile, .https, for: service) else { continue }
            add(
                .web(WebService(name: service, hostname: interface.hostname, identity: identity)), address: interface.address,
                port: https.port)
        }
    }

    private mutating func add(_ service: Service, address: String, port: Int) {
        guard let address = IPAddress(address) else {
            reasons.append("\(service.name): \"\(address)\" is not an IP address")
            return
        }
        let endpoint = Endpoint(address: address, port: port)
        if let other = services[endpoint] {
            reasons.append("\(service.name): \(other.name) has \(endpoint) already; give one of them another port")
        } else {
            services[endpoint] = service
        }
    }

    /// The certificate of a name, with those for server names; nil, and a reason more, if it cannot be served.
    private mutating func identity(
        _ name: String, _ others: [ServerName], _ profile: String?, _ direction: TLSProfileSetting.Direction, for service: String
    ) throws(SettingError) -> ServerIdentity? {
        let profileName = profile ?? direction.rawValue
        if let profile, configuration.settings[.tlsProfiles, profile] == nil {
            reasons.append("\(service): there is no TLS profile \"\(profile)\"")
            return nil
        }
        let terms: TLSTerms
        let setting = try configuration.settings.tlsProfile(profile, for: direction)
        do throws(Refusal) { terms = try TLSTerms(setting) } catch {
            reasons.append("\(service): the TLS profile \(profileName): \(error.reason)")
            return nil
        }
        let key = Identity(certificate: name, names: others, terms: terms)
        if let known = identities[key] { return known }
        guard let shown = try pair(name, terms, profileName, for: service) else { return nil }
        var named: [String: ServerIdentity.Pair] = [:]
        for other in others {
            guard let pair = try pair(other.certificate, terms, profileName, for: service) else { return nil }
            named[other.name] = pair
        }
        do throws(Refusal) {
            let identity = try ServerIdentity(shown, named: named, terms: terms)
            identities[key] = identity
            return identity
        } catch {
            reasons.append("\(service): certificate \"\(name)\": \(error.reason)")
            return nil
        }
    }

    /// The chain and the key of a certificate; nil, and a reason more, if they cannot be served under these terms.
    private mutating func pair(
        _ name: String, _ terms: TLSTerms, _ profileName: String, for service: String
    ) throws(SettingError) -> ServerIdentity.Pair? {
        guard let certificate = try configuration.settings.value(CertificateSetting.self, .certificates, name) else {
            reasons.append("\(service): there is no certificate \"\(name)\"")
            return nil
        }
        guard let chain = configuration.chains[certificate.chainBlob], let key = configuration.keys[certificate.key.fingerprint] else {
            let missing = configuration.chains[certificate.chainBlob] == nil ? "chain" : "private key"
            reasons.append("\(service): the \(missing) of certificate \"\(name)\" did not come with the configuration")
            return nil
        }
        if let objection = terms.objection(toKey: certificate.key.algorithm) {
            reasons.append("\(service): the TLS profile \(profileName) and the certificate \"\(name)\": \(objection)")
            return nil
        }
        do throws(Refusal) {
            return try ServerIdentity.Pair(chain: chain, key: key)
        } catch {
            reasons.append("\(service): certificate \"\(name)\": \(error.reason)")
            return nil
        }
    }
}
