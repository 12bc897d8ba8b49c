/// How the machine speaks to LDAP servers over TLS. One per level.
package struct LDAPSetting: Setting {
    /// The certificate shown to LDAP servers that ask for one; one for all servers (ESA).
    package var certificate: String?
    /// The interface queries leave by; nil is the automatic choice.
    package var interface: String?
    /// Whether the server's certificate is checked against the trusted authorities.
    package var verifyServerCertificate = true

    package init() {}

    package static let shape = Shape<LDAPSetting>(
        "How the machine speaks to LDAP servers.",
        [
            .optional("certificate", \.certificate, .name, "The certificate shown to LDAP servers that ask for one."),
            .optional("interface", \.interface, .name, "The interface queries leave by; without it, the machine chooses."),
            .standard(
                "verifyServerCertificate", \.verifyServerCertificate, .boolean, true, "Whether the server's certificate is checked."),
        ],
        initial: LDAPSetting.init)
}

extension SectionName {
    package static let ldap = SectionName(rawValue: "ldap")
}

extension Section {
    package static let ldap = Section(
        .ldap, of: LDAPSetting.self, naming: .single,
        client: ClientService(
            { _ in "ldap" }, unprovable: "a client: shown to LDAP servers, so there is nothing here to connect to",
            certificate: \LDAPSetting.certificate),
        references: { ldap in
            var references: [Reference] = []
            if let certificate = ldap.certificate {
                references.append(Reference("certificate", .certificates, certificate))
            }
            if let interface = ldap.interface {
                references.append(Reference("interface", .interfaces, interface))
            }
            return references
        })
}
