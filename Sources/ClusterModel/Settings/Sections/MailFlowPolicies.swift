/// What TLS means for a group of senders (mission E1).
package struct MailFlowPolicySetting: Setting {
    /// Whether a sender may, must or cannot use TLS.
    package enum TLS: String, CaseIterable, Sendable {
        /// STARTTLS is not offered.
        case off
        /// STARTTLS is offered; mail is taken without it.
        case preferred
        /// Before TLS only NOOP, EHLO, STARTTLS and QUIT are answered (RFC 3207, section 4).
        case required
    }

    package var tls = TLS.off
    /// Whether the sender's certificate is asked for and checked.
    package var verifyClientCertificate = false
    /// Senders of this policy that must use TLS whatever `tls` says: domains or addresses of envelope senders.
    package var tlsMandatorySenders: [String] = []

    package init() {}

    package init(tls: TLS, verifyClientCertificate: Bool = false) {
        self.tls = tls
        self.verifyClientCertificate = verifyClientCertificate
    }

    package static let shape = Shape<MailFlowPolicySetting>(
        "What TLS means for the senders that get this policy.",
        [
            .standard("tls", \.tls, .choice(TLS.self), .off, "off, preferred or required."),
            .standard(
                "verifyClientCertificate", \.verifyClientCertificate, .boolean, false, "Whether the sender's certificate is checked."),
            .standard(
                "tlsMandatorySenders", \.tlsMandatorySenders,
                .list(of: .text("a domain or a mail address", limit: Limits.domainLength)), [],
                "Envelope senders (addresses or domains) that must use TLS."),
        ],
        initial: MailFlowPolicySetting.init)
}

extension SectionName {
    package static let mailFlowPolicies = SectionName(rawValue: "mailFlowPolicies")
}

extension Section {
    package static let mailFlowPolicies = Section(
        .mailFlowPolicies, of: MailFlowPolicySetting.self, naming: .named(.plain))
}
