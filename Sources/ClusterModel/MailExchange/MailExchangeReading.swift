/// Whether those who send mail to a domain can verify whom they reach: MX records, the interfaces' host names and the certificates held
/// against one another, and which of the three does not agree (mission D9). A pure function of what was looked up and what is known.
package struct MailExchangeReading: Hashable, Sendable {
    /// One of the three names that must be the same.
    package enum Part: String, Hashable, Sendable, Codable, CaseIterable {
        case record = "mx"
        case interface
        case certificate
    }

    /// A host of the MX records at one of the interfaces, or what has no counterpart.
    package struct Line: Hashable, Sendable {
        /// The host of the MX record; nil for an interface that none names.
        package var host: MailExchangers.Host?
        /// The interface; nil for a host that no machine is.
        package var entrance: MailEntrance?
        /// Which of the three does not agree with the others; all three where no two agree.
        package var disagreeing: [Part]
        /// One sentence for people.
        package var verdict: String
        package var findings: [CertificateFinding]
    }

    package var domain: String
    package var source: MailExchangers.Source
    /// The hosts in the order in which senders try them; then the interfaces that no record names.
    package var lines: [Line]
    /// What there is to say of the domain as a whole.
    package var findings: [CertificateFinding]

    package var hasErrors: Bool { (findings + lines.flatMap(\.findings)).contains { $0.severity == .error } }

    package init(of exchangers: MailExchangers, at entrances: [MailEntrance], now: Timestamp) {
        let comparison = NameComparison(exchangers: exchangers, entrances: entrances, now: now)
        domain = exchangers.domain
        source = exchangers.source
        lines = exchangers.hosts.flatMap(comparison.lines)
        let shown = Set(lines.compactMap { $0.entrance?.place })
        let unnamed = comparison.unnamed.filter { !shown.contains($0.place) }
        let within = unnamed.filter { comparison.isWithin($0.hostname) }
        lines += within.prefix(Limits.mailExchangers).map(comparison.unnamedLine)
        // A cluster takes mail for other domains, too: interfaces outside this one are a matter for a single remark, as are too many.
        let others = unnamed.filter { !comparison.isWithin($0.hostname) } + within.dropFirst(Limits.mailExchangers)
        findings = exchangers.findings + CertificateFinding.remark(onUnnamed: others, exchangers)
    }
}

/// Holds one domain's MX records against the interfaces of a cluster.
private struct NameComparison {
    let exchangers: MailExchangers
    let entrances: [MailEntrance]
    let now: Timestamp
    /// The places with a public listener whose names no MX record has.
    let unnamed: [MailEntrance]
    private let knowsSome: Bool

    init(exchangers: MailExchangers, entrances: [MailEntrance], now: Timestamp) {
        self.exchangers = exchangers
        self.entrances = entrances
        self.now = now
        let hosts = Set(exchangers.hosts.map { hostKey($0.name) })
        unnamed = entrances.filter { $0.listener != nil && !hosts.contains(hostKey($0.hostname)) }
        knowsSome = entrances.contains { hosts.contains(hostKey($0.hostname)) }
    }

    func isWithin(_ host: String) -> Bool {
        hostKey(host) == exchangers.domain || hostKey(host).hasSuffix("." + exchangers.domain)
    }

    func lines(of host: MailExchangers.Host) -> [MailExchangeReading.Line] {
        let called = entrances.filter { $0.isCalled(host.name) }
        let served = called.filter { $0.listener != nil }
        if !called.isEmpty { return (served.isEmpty ? called : served).map { line(of: host, at: $0) } }
        // The address says best which interface was meant; then what the certificate speaks for.
        let byAddress = unnamed.filter { entrance in host.addresses?.contains { $0 == IPAddress(entrance.address) } ?? false }
        let meant = byAddress.isEmpty ? unnamed.filter { $0.speaks(for: host.name) } : byAddress
        // A certificate for all names of a domain points at many.
        return meant.isEmpty ? [strange(host)] : meant.prefix(Limits.mailExchangers).map { misnamed(host, at: $0) }
    }

    /// MX record and interface agree: what of the certificate?
    private func line(of host: MailExchangers.Host, at entrance: MailEntrance) -> MailExchangeReading.Line {
        var line = MailExchangeReading.Line(host: host, entrance: entrance, disagreeing: [], verdict: "", findings: [])
        let same = "\(entrance.place) is called \(host.name) as the MX record says"
        if let certificate = entrance.listener?.certificate {
            if entrance.speaks(for: host.name) {
                line.verdict = "MX record, interface and certificate say \(host.name)"
            } else {
                line.disagreeing = [.certificate]
                line.verdict = "\(same); \(certificate.words)"
                line.findings.append(.uncovered(host.name, certificate, line.verdict))
            }
        } else if let listener = entrance.listener {
            line.disagreeing = [.certificate]
            line.verdict = "\(same); \(listener.service) has no certificate"
            line.findings.append(.withoutCertificate(listener, line.verdict))
        } else {
            line.verdict = "\(same); no public listener is on it"
            line.findings.append(.notServed(entrance, line.verdict))
        }
        line.findings += entrance.findings(at: now) + host.findings(at: entrance)
        return line
    }

    /// No interface has the host's name, and this one was probably meant.
    private func misnamed(_ host: MailExchangers.Host, at entrance: MailEntrance) -> MailExchangeReading.Line {
        let certificate = entrance.listener?.certificate
        let parts: [MailExchangeReading.Part]
        let verdict: String
        if let certificate, entrance.speaks(for: host.name) {
            parts = [.interface]
            verdict = "MX record and certificate \"\(certificate.name)\" say \(host.name); \(entrance.placeAndName)"
        } else if let certificate, entrance.speaks(for: entrance.hostname) {
            parts = [.record]
            verdict =
                "The MX record says \(host.name), an address of \(entrance.place); this interface and its certificate \"\(certificate.name)\" say \(entrance.hostname)"
        } else {
            parts = MailExchangeReading.Part.allCases
            let words = certificate?.words ?? "its listener has no certificate"
            verdict =
                "The MX record says \(host.name), an address of \(entrance.place); this interface is called \(entrance.hostname); \(words)"
        }
        return MailExchangeReading.Line(
            host: host, entrance: entrance, disagreeing: parts, verdict: verdict,
            findings: [.misnamed(host.name, entrance, parts, exchangers.domain, verdict)] + entrance.findings(at: now)
                + host.findings(at: entrance))
    }

    /// Nothing here has to do with the host. One outside of the domain, beside others that are known, may well be somebody else's.
    private func strange(_ host: MailExchangers.Host) -> MailExchangeReading.Line {
        let names = unnamed.map(\.placeAndName)
        let others = names.isEmpty ? "" : "; \(names.shortList)"
        let verdict = "No machine has an interface of the name \(host.name)\(others)"
        return MailExchangeReading.Line(
            host: host, entrance: nil, disagreeing: [.record], verdict: verdict,
            findings: [.unknownHost(host.name, exchangers, isForeign: knowsSome && !isWithin(host.name), verdict)] + host.findings(at: nil))
    }

    func unnamedLine(_ entrance: MailEntrance) -> MailExchangeReading.Line {
        let speaks = entrance.speaks(for: entrance.hostname)
        let both =
            speaks
            ? "Certificate and interface say \(entrance.hostname)"
            : "\(entrance.placeAndName), for which its certificate does not speak either"
        let verdict = "\(both), and no MX record of \(exchangers.domain) names it"
        return MailExchangeReading.Line(
            host: nil, entrance: entrance, disagreeing: speaks ? [.record] : MailExchangeReading.Part.allCases, verdict: verdict,
            findings: [.unnamed(entrance, exchangers.domain, verdict)] + entrance.findings(at: now))
    }
}
