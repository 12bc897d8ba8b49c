package import ClusterModel

/// Asks whether those who send mail to a domain can verify whom they reach.
package struct MailExchangeRequest: Hashable, Sendable, Codable {
    package var domain: String
    /// The DNS server that the manager asks, as ``NameServer`` reads it; without one, the system's own.
    package var resolver: String?

    package init(domain: String, resolver: String? = nil) {
        self.domain = domain
        self.resolver = resolver
    }
}

/// MX records, interfaces and certificates held against one another (mission D9).
package struct MailExchangeView: Hashable, Sendable, Codable {
    package var domain: String
    package var source: MailExchangers.Source
    /// The hosts in the order in which senders try them; then the interfaces that no record names.
    package var lines: [MailExchangeLine]
    /// What there is to say of the domain as a whole.
    package var findings: [CertificateFinding]

    package init(_ reading: MailExchangeReading) {
        domain = reading.domain
        source = reading.source
        lines = reading.lines.map(MailExchangeLine.init)
        findings = reading.findings
    }
}

/// A host of the MX records at one of the cluster's interfaces, or one of the two without the other.
package struct MailExchangeLine: Hashable, Sendable, Codable {
    /// The host of the MX record; null for an interface that none names.
    @OrNull package var host: String?
    @OrNull package var preference: Int?
    /// The host's addresses; null where they were not learned.
    @OrNull package var addresses: [String]?
    /// The machine and its interface; null for a host that none is.
    @OrNull package var machine: String?
    @OrNull package var interface: String?
    @OrNull package var hostname: String?
    /// The public listener on the interface; null without one.
    @OrNull package var service: String?
    @OrNull package var certificate: String?
    @OrNull package var level: Level?
    /// The certificate's subject alternative names.
    package var names: [String]
    /// What the listener should serve.
    @OrNull package var fingerprint: Digest?
    /// What the last proof saw.
    @OrNull package var served: Digest?
    /// Why it cannot be seen.
    @OrNull package var unprovable: String?
    /// Which of `mx`, `interface` and `certificate` does not agree with the others.
    package var disagreeing: [MailExchangeReading.Part]
    package var verdict: String
    package var findings: [CertificateFinding]

    package init(_ line: MailExchangeReading.Line) {
        let listener = line.entrance?.listener
        let certificate = listener?.certificate
        host = line.host?.name
        preference = line.host?.preference
        addresses = line.host?.addresses?.map(\.description)
        machine = line.entrance?.machine
        interface = line.entrance?.interface
        hostname = line.entrance?.hostname
        service = listener?.service
        self.certificate = certificate?.name
        level = certificate?.level
        names = certificate?.setting.leaf?.names ?? []
        fingerprint = certificate?.setting.leaf?.fingerprint
        served = listener?.served
        unprovable = listener?.unprovable
        disagreeing = line.disagreeing
        verdict = line.verdict
        findings = line.findings
    }
}
