/// An appliance that the machine hands mail or files to, as a TLS client: the DLP enterprise manager, the malware analysis.
package struct ServiceSetting: Setting {
    package var host = ""
    package var port = 443
    /// The certificate shown to the appliance.
    package var certificate: String?

    package init() {}

    /// The services there are. Machines know what to say to each, so there can be no others.
    package static let names = ["dlp-enterprise-manager", "malware-analysis"]

    package static let shape = Shape<ServiceSetting>(
        "An appliance that the machine connects to.",
        [
            .required("host", \.host, .server, "Its host name or address."),
            .standard("port", \.port, .port, 443, "The TCP port."),
            .optional("certificate", \.certificate, .name, "The certificate shown to it."),
        ],
        initial: ServiceSetting.init)
}

extension SectionName {
    package static let services = SectionName(rawValue: "services")
}

extension Section {
    package static let services = Section(
        .services, of: ServiceSetting.self, naming: .named(.oneOf(ServiceSetting.names)),
        client: ClientService(
            { "service/\($0)" }, unprovable: "a client: shown to the appliance, so there is nothing here to connect to",
            certificate: \ServiceSetting.certificate),
        references: { service in
            service.certificate.map { [Reference("certificate", .certificates, $0)] } ?? []
        })
}
