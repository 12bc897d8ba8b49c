/// How mail leaves: the outbound certificate, the interface, the alert. One per level.
package struct DeliverySetting: Setting {
    /// The certificate shown to servers that ask for one; one for all destinations (ESA).
    package var certificate: String?
    /// The interface mail leaves by; nil is the automatic choice.
    package var interface: String?
    /// The TLS profile of outgoing connections; without one, `outbound` if there is such.
    package var tlsProfile: String?
    /// Whether a failed required TLS connection raises an alert; one switch for all destinations (mission E4).
    package var alertOnRequiredTLSFailure = false

    package init() {}

    package static let shape = Shape<DeliverySetting>(
        "How mail leaves the machine.",
        [
            .optional("certificate", \.certificate, .name, "The certificate shown to servers that ask for one."),
            .optional("interface", \.interface, .name, "The interface mail leaves by; without it, the machine chooses."),
            .optional("tlsProfile", \.tlsProfile, .name, "The TLS profile of outgoing connections; without one, that called outbound."),
            .standard(
                "alertOnRequiredTLSFailure", \.alertOnRequiredTLSFailure, .boolean, false,
                "Whether a failed required TLS connection raises an alert."),
        ],
        initial: DeliverySetting.init)
}

extension SectionName {
    package static let delivery = SectionName(rawValue: "delivery")
}

extension Section {
    package static let delivery = Section(
        .delivery, of: DeliverySetting.self, naming: .single,
        client: ClientService(
            { _ in "delivery" }, unprovable: "outbound: shown to other servers, so there is nothing here to connect to",
            certificate: \DeliverySetting.certificate),
        references: { delivery in
            var references: [Reference] = []
            if let certificate = delivery.certificate {
                references.append(Reference("certificate", .certificates, certificate))
            }
            if let interface = delivery.interface {
                references.append(Reference("interface", .interfaces, interface))
            }
            if let profile = delivery.tlsProfile {
                references.append(Reference("tlsProfile", .tlsProfiles, profile))
            }
            return references
        })
}
