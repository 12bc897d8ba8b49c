extension CertificateFinding.Code {
    /// An MX record names a host that no interface is called.
    package static let unknownExchanger = Self(rawValue: "mx-unknown-host")
    /// An MX host is an interface on which no public listener is.
    package static let unservedExchanger = Self(rawValue: "mx-not-served")
    /// An interface with a public listener that no MX record names.
    package static let unnamedInterface = Self(rawValue: "mx-not-named")
    /// A listener that senders reach has no certificate.
    package static let withoutCertificate = Self(rawValue: "mx-without-certificate")
    /// A service that the prober cannot look at.
    package static let unseen = Self(rawValue: "not-seen")
    package static let otherPort = Self(rawValue: "mx-other-port")
    package static let otherAddress = Self(rawValue: "mx-other-address")
    package static let withoutAddress = Self(rawValue: "mx-no-address")
    package static let aliasedExchanger = Self(rawValue: "mx-alias")
    package static let unusableExchanger = Self(rawValue: "mx-unusable")
    package static let tooManyExchangers = Self(rawValue: "mx-too-many")
    package static let noMail = Self(rawValue: "mx-null")
    package static let implicitExchanger = Self(rawValue: "mx-implicit")
}

extension MailExchangers {
    /// What the records say of themselves.
    var findings: [CertificateFinding] {
        var findings: [CertificateFinding] = []
        if source == .none {
            findings.append(
                .init(
                    .noMail, .error, "\(domain) says in DNS that it takes no mail (a null MX record): senders give up at once.",
                    cure: "If it is to take mail, put MX records with the interfaces' host names in its place."))
        }
        if source == .implicit {
            findings.append(
                .init(
                    .implicitExchanger, .notice, "\(domain) has no MX record: senders go to the host \(domain) itself.",
                    cure: "Publish MX records with the host names of the interfaces that take its mail."))
        }
        if unusable > 0 {
            let (what, name) = unusable == 1 ? ("An MX record", "names") : ("\(unusable) MX records", "name")
            findings.append(
                .init(
                    .unusableExchanger, .error,
                    "\(what) of \(domain) \(name) no host: an address, or what cannot be a host name. Senders pass it over.",
                    cure: "Name hosts in MX records, and give the hosts address records."))
        }
        if leftOut > 0 {
            findings.append(
                .init(
                    .tooManyExchangers, .warning,
                    "\(domain) has \(hosts.count + leftOut) MX hosts; only the first \(hosts.count) were looked at.",
                    cure: "Few senders try as many: keep the hosts that take mail."))
        }
        return findings
    }
}

extension MailExchangers.Host {
    /// What DNS says of the host itself.
    func findings(at entrance: MailEntrance?) -> [CertificateFinding] {
        var findings: [CertificateFinding] = []
        if isAlias {
            findings.append(
                .init(
                    .aliasedExchanger, .warning, "\(name) is an alias (CNAME), which an MX record may not name; some senders refuse it.",
                    cure: "Give \(name) address records of its own."))
        }
        guard let addresses else { return findings }
        if addresses.isEmpty {
            findings.append(
                .init(
                    .withoutAddress, .error, "\(name) has no address in DNS: no sender reaches it.",
                    cure: "Publish an A or AAAA record for \(name)."))
        } else if let entrance, !addresses.contains(where: { $0 == IPAddress(entrance.address) }) {
            findings.append(
                .init(
                    .otherAddress, .notice,
                    "\(name) is at \(addresses.map(\.description).shortList), and \(entrance.place) at \(entrance.address).",
                    cure: "Right where addresses are translated on the way; otherwise correct the address record or the interface."))
        }
        return findings
    }
}

extension MailEntrance {
    /// What there is to say of the listener and its certificate, names aside.
    func findings(at now: Timestamp) -> [CertificateFinding] {
        guard let listener else { return [] }
        var findings: [CertificateFinding] = []
        if let certificate = listener.certificate {
            if let reason = listener.unprovable {
                findings.append(
                    .init(
                        .unseen, .warning, "What \(listener.service) of \(machine) serves cannot be seen: \(reason).",
                        cure: "Give senders in no group a policy that offers TLS: muster listener set --default-policy."))
            } else if listener.served != certificate.setting.leaf?.fingerprint {
                findings.append(.notServed(listener.served))
            }
            findings += certificate.setting.findings(at: now)
        }
        if listener.port != 25 {
            findings.append(
                .init(
                    .otherPort, .notice, "\(listener.service) of \(machine) is on port \(listener.port), and senders come to port 25.",
                    cure: "Right where port 25 is redirected to it; otherwise: muster listener set --port 25."))
        }
        return findings
    }
}

extension MailEntrance.Certificate {
    /// What it speaks for.
    var words: String {
        let names = setting.leaf?.names ?? []
        guard !names.isEmpty else { return "certificate \"\(name)\" speaks for no name" }
        return "certificate \"\(name)\" speaks for \(names.shortList)" + (names.count == 1 ? " only" : "")
    }
}

extension CertificateFinding {
    /// A service that was seen to serve something else, or nothing.
    package static func notServed(_ served: Digest?) -> CertificateFinding {
        CertificateFinding(
            code: .notServed, severity: .error,
            text: served.map { "The service was seen to serve another certificate (\($0.short))." }
                ?? "The service was not seen to serve it.",
            cure: "Look at muster machine show, and at the agent's status on that machine.")
    }

    static func uncovered(_ host: String, _ certificate: MailEntrance.Certificate, _ verdict: String) -> CertificateFinding {
        .init(
            .nameMismatch, .error, verdict + ".",
            cure:
                "Request a certificate that has \(host) among its names (muster cert create --san \(host), then muster cert csr), or give the listener one that has it."
        )
    }

    static func withoutCertificate(_ listener: MailEntrance.Listener, _ verdict: String) -> CertificateFinding {
        .init(
            .withoutCertificate, .error, verdict + ": it cannot offer TLS.",
            cure: "Give it one: muster listener set \(listener.service.drop { $0 != "/" }.dropFirst()) --certificate NAME")
    }

    static func notServed(_ entrance: MailEntrance, _ verdict: String) -> CertificateFinding {
        .init(
            .unservedExchanger, .error, verdict + ": nobody takes the mail that comes there.",
            cure:
                "Put a listener there (muster listener set NAME --interface \(entrance.interface)), or take the host out of the MX records."
        )
    }

    static func misnamed(
        _ host: String, _ entrance: MailEntrance, _ parts: [MailExchangeReading.Part], _ domain: String, _ verdict: String
    ) -> CertificateFinding {
        let rename = "muster interface set \(entrance.interface) --machine \(entrance.machine) --hostname \(host)"
        let cure =
            switch parts {
            case [.interface]: "Call the interface as the MX record does: \(rename)"
            case [.record]:
                "Name \(entrance.hostname) in the MX record of \(domain), or call the interface \(host) and request a certificate with that name."
            default: "Choose one name for all three: \(rename), and request a certificate with that name."
            }
        return .init(.unknownExchanger, .error, verdict + ".", cure: cure)
    }

    static func unknownHost(_ host: String, _ exchangers: MailExchangers, isForeign: Bool, _ verdict: String) -> CertificateFinding {
        .init(
            .unknownExchanger, isForeign ? .warning : .error, verdict + ".",
            cure: isForeign
                ? "Right if \(host) belongs to somebody who takes mail for you; otherwise correct the MX record."
                : "Name an interface's host name in the MX records of \(exchangers.domain), or call the interface that is meant \(host).")
    }

    static func unnamed(_ entrance: MailEntrance, _ domain: String, _ verdict: String) -> CertificateFinding {
        .init(
            .unnamedInterface, .warning, verdict + ": no sender will come to \(entrance.place) by that name.",
            cure: "Add an MX record of \(domain) that names \(entrance.hostname), if mail is to come there.")
    }

    /// Public listeners on interfaces that no record names, in one remark.
    static func remark(onUnnamed entrances: [MailEntrance], _ exchangers: MailExchangers) -> [CertificateFinding] {
        guard !entrances.isEmpty else { return [] }
        return [
            .init(
                .unnamedInterface, .notice,
                "No MX record of \(exchangers.domain) names these interfaces with public listeners: \(entrances.map(\.placeAndName).shortList).",
                cure: "Right if they take mail for other domains only.")
        ]
    }
}
