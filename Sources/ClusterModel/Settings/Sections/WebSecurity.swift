/// Filtering of the links in mail, which asks a service outside. One per level.
package struct WebSecuritySetting: Setting {
    package var urlFiltering = false
    /// The certificate by which the machine shows the URL filtering service who it is.
    package var certificate: String?

    package init() {}

    package static let shape = Shape<WebSecuritySetting>(
        "Filtering of the links in mail.",
        [
            .standard("urlFiltering", \.urlFiltering, .boolean, false, "Whether links in mail are judged."),
            .optional("certificate", \.certificate, .name, "The certificate shown to the URL filtering service."),
        ],
        initial: WebSecuritySetting.init)
}

extension SectionName {
    package static let webSecurity = SectionName(rawValue: "webSecurity")
}

extension Section {
    package static let webSecurity = Section(
        .webSecurity, of: WebSecuritySetting.self, naming: .single,
        client: ClientService(
            { _ in "web-security" }, unprovable: "a client: shown to the URL filtering service, so there is nothing here to connect to",
            certificate: \WebSecuritySetting.certificate),
        references: { webSecurity in
            webSecurity.certificate.map { [Reference("certificate", .certificates, $0)] } ?? []
        })
}
