/// Who is told by mail when something is wrong, and how that mail leaves. One per level: an alert about a machine goes by what the
/// machine gets, one about the cluster by what is set at cluster level.
package struct AlertsSetting: Setting {
    /// The address that alerts come from; nil is `alerts` at the host name of whoever sends them.
    package var sender: String?
    /// The server that takes the mail; nil is that of each recipient's domain.
    package var relay: AlertRelay?
    package var recipients: [AlertRecipient] = []

    package init() {}

    package static let shape = Shape<AlertsSetting>(
        "Who is told by mail when something is wrong.",
        [
            .optional("sender", \.sender, .mailAddress, "The address alerts come from; without one, alerts at the sender's host name."),
            .optional(
                "relay", \.relay, .setting(AlertRelay.self), "The server that takes them; without one, that of each recipient's domain."),
            .standard(
                "recipients", \.recipients, .list(of: .setting(AlertRecipient.self), limit: Limits.alertRecipients), [],
                "Who gets them, each address once."),
        ],
        initial: AlertsSetting.init)
}

/// What alerts are about, in the ESA's words where it has them.
package enum AlertClass: String, CaseIterable, Sendable {
    /// The machine at work: a required TLS connection that failed (mission E4), a service that cannot be reached.
    case system
    /// Certificates that expire, are expired, or are not served.
    case certificates
    /// The fleet: machines that are offline, reject a revision, or drift.
    case cluster
    /// Who may do what: logins refused in a row, a second machine with one identity.
    case security
}

/// How much an alert matters.
package enum AlertSeverity: String, CaseIterable, Sendable, Comparable {
    case info
    case warning
    case critical

    private var rank: Int { AlertSeverity.allCases.firstIndex(of: self) ?? 0 }

    package static func < (left: AlertSeverity, right: AlertSeverity) -> Bool { left.rank < right.rank }
}

/// Somebody who gets alerts.
package struct AlertRecipient: Setting {
    package var address = ""
    /// What they are told of.
    package var classes = AlertClass.allCases
    /// The least that they are told of.
    package var severity = AlertSeverity.info

    package init() {}

    package init(address: String, classes: [AlertClass] = AlertClass.allCases, severity: AlertSeverity = .info) {
        self.address = address
        self.classes = classes
        self.severity = severity
    }

    /// Whether an alert is for them.
    package func wants(_ alert: AlertClass, _ severity: AlertSeverity) -> Bool {
        classes.contains(alert) && severity >= self.severity
    }

    package static let shape = Shape<AlertRecipient>(
        "Somebody who gets alerts.",
        [
            .required("address", \.address, .mailAddress, "The mail address."),
            .standard(
                "classes", \.classes, .choices(AlertClass.self), AlertClass.allCases, "What they are told of; without it, everything."),
            .standard("severity", \.severity, .choice(AlertSeverity.self), .info, "The least they are told of: info, warning or critical."),
        ],
        initial: AlertRecipient.init)
}

/// A server that takes alert mail.
package struct AlertRelay: Setting {
    /// What becomes of the mail when the relay's TLS is not as it should be; the words of destinations.
    package enum TLS: String, CaseIterable, Sendable {
        case none
        case preferred
        case required
        case requiredVerify = "required-verify"
    }

    package var host = ""
    package var port = 25
    package var tls = TLS.preferred

    package init() {}

    package static let shape = Shape<AlertRelay>(
        "A server that takes alert mail.",
        [
            .required("host", \.host, .server, "Its host name or address."),
            .standard("port", \.port, .port, 25, "The TCP port."),
            .standard("tls", \.tls, .choice(TLS.self), .preferred, "none, preferred, required or required-verify."),
        ],
        initial: AlertRelay.init)
}

extension SectionName {
    package static let alerts = SectionName(rawValue: "alerts")
}

extension Section {
    package static let alerts = Section(
        .alerts, of: AlertsSetting.self, naming: .single,
        rule: { alerts, path throws(SettingError) in
            var seen: Set<String> = []
            for (index, recipient) in alerts.recipients.enumerated() where !seen.insert(recipient.address).inserted {
                throw SettingError(
                    path.appending("recipients").appending(index), "\(recipient.address) is there twice", expected: "each address once")
            }
        })
}
