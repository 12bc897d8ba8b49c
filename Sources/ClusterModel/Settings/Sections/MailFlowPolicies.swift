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
    /// Envelope senders that must use TLS, although others need not: it goes with `preferred` only.
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
                .list(of: .envelopeSender), [],
                "Where TLS is preferred: envelope senders (addresses or domains) that must use it."),
        ],
        initial: MailFlowPolicySetting.init)
}

extension SectionName {
    package static let mailFlowPolicies = SectionName(rawValue: "mailFlowPolicies")
}

extension Section {
    package static let mailFlowPolicies = Section(
        .mailFlowPolicies, of: MailFlowPolicySetting.self, naming: .named(.plain),
        rule: { policy, path throws(SettingError) in
            guard policy.tlsMandatorySenders.isEmpty || policy.tls == .preferred else {
                throw SettingError(
                    path.appending("tlsMandatorySenders"), "some senders must use TLS, and tls is \(policy.tls.rawValue) for all",
                    expected: "tls preferred, or no such list")
            }
            guard !policy.verifyClientCertificate || policy.tls != .off else {
                throw SettingError(
                    path.appending("verifyClientCertificate"), "certificates are checked, and tls is off",
                    expected: "tls preferred or required, or false")
            }
        })
}
