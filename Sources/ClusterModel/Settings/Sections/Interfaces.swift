/// An IP interface of a machine: where its listeners and its HTTPS service are reached.
package struct InterfaceSetting: Setting {
    /// The host name by which senders reach this interface: with the MX record and the certificate it must agree.
    package var hostname = ""
    package var address = ""
    package var https: HTTPSService?

    package init() {}

    package init(hostname: String, address: String, https: HTTPSService? = nil) {
        self.hostname = hostname
        self.address = address
        self.https = https
    }

    package static let shape = Shape<InterfaceSetting>(
        "An IP interface of a machine.",
        [
            .required("hostname", \.hostname, .hostName, "The host name by which this interface is reached."),
            .required("address", \.address, .address, "The interface's IPv4 or IPv6 address."),
            .optional("https", \.https, .setting(HTTPSService.self), "The HTTPS service on this interface, if any."),
        ],
        initial: InterfaceSetting.init)
}

/// HTTPS on an interface.
package struct HTTPSService: Setting {
    package var port = 443
    package var certificate = ""
    /// The TLS profile of its connections; without one, `https` if there is such.
    package var tlsProfile: String?

    package init() {}

    package init(port: Int, certificate: String) {
        self.port = port
        self.certificate = certificate
    }

    package static let shape = Shape<HTTPSService>(
        "HTTPS on an interface.",
        [
            .standard("port", \.port, .port, 443, "The TCP port."),
            .required("certificate", \.certificate, .name, "The name of the certificate it serves."),
            .optional("tlsProfile", \.tlsProfile, .name, "The TLS profile of its connections; without one, that called https."),
        ],
        initial: HTTPSService.init)
}

extension SectionName {
    package static let interfaces = SectionName(rawValue: "interfaces")
}

extension Section {
    package static let interfaces = Section(
        .interfaces, of: InterfaceSetting.self, naming: .named(.plain), levels: [.machine],
        references: { interface in
            guard let https = interface.https else { return [] }
            let certificate = Reference("https.certificate", .certificates, https.certificate)
            return [certificate] + (https.tlsProfile.map { [Reference("https.tlsProfile", .tlsProfiles, $0)] } ?? [])
        })
}
