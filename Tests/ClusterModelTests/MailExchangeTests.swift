import ClusterModel
import Testing

/// MX record, interface and certificate, held against one another.
@Suite struct MailExchangeTests {
    private static let now = Timestamp(seconds: 1_800_000_000)

    private static func certificate(_ names: [String], _ change: (inout CertificateSetting) -> Void = { _ in }) -> MailEntrance.Certificate
    {
        var leaf = CertificateFacts()
        leaf.fingerprint = Digest(hashing: names.flatMap(\.utf8))
        leaf.subject = "CN=x"
        leaf.issuer = "CN=Issuer"
        leaf.names = names
        leaf.keyAlgorithm = "ecdsa-p256"
        leaf.signature = "ecdsa-with-sha256"
        leaf.notAfter = Timestamp(seconds: 2_000_000_000)
        var issuer = leaf
        issuer.subject = "CN=Issuer"
        issuer.fingerprint = Digest(hashing: [1])
        issuer.isAuthority = true
        issuer.issuer = "CN=Root"
        leaf.signer = issuer.fingerprint
        var setting = CertificateSetting(
            origin: .uploaded, key: KeyFacts(fingerprint: Digest(hashing: []), algorithm: "ecdsa-p256"), chain: [leaf, issuer],
            chainBlob: Digest(hashing: []))
        change(&setting)
        return .init(name: "mail", level: .cluster, setting: setting)
    }

    /// An interface `data1` that serves what it should, on port 25.
    private static func entrance(_ machine: String, _ hostname: String, speaksFor names: [String]?, address: String = "192.0.2.1")
        -> MailEntrance
    {
        let certificate = names.map { Self.certificate($0) }
        return MailEntrance(
            machine: machine, interface: "data1", hostname: hostname, address: address,
            listener: .init(service: "listener/public", certificate: certificate, served: certificate?.setting.leaf?.fingerprint))
    }

    private static func read(
        _ hosts: [String], _ entrances: [MailEntrance], addresses: [String]? = nil
    ) -> MailExchangeReading {
        let known = addresses?.compactMap { IPAddress($0) }
        let exchangers = MailExchangers(
            domain: "example.com", hosts: hosts.enumerated().map { .init($1, preference: $0 * 10, addresses: known) })
        return MailExchangeReading(of: exchangers, at: entrances, now: now)
    }

    @Test(
        arguments: [
            // The record says mx1: what do interface and certificate say, and which of the three is alone?
            ("mx1.example.com", ["mx1.example.com"], [], []),
            ("MX1.Example.COM", ["*.example.com"], [], []),
            ("mx1.example.com", ["mail.example.com"], [.certificate], ["name-mismatch"]),
            ("mx1.example.com", ["*.mx1.example.com", "*"], [.certificate], ["name-mismatch"]),
            ("mail.example.com", ["mx1.example.com"], [.interface], ["mx-unknown-host"]),
            ("mail.example.com", ["mx1.example.com", "mail.example.com"], [.interface], ["mx-unknown-host"]),
            ("mail.example.com", ["mail.example.com"], [.record], ["mx-unknown-host"]),
            ("mail.example.com", ["www.example.com"], [.record, .interface, .certificate], ["mx-unknown-host"]),
            ("mail.example.com", nil, [.record, .interface, .certificate], ["mx-unknown-host"]),
            ("mx1.example.com", nil, [.certificate], ["mx-without-certificate"]),
        ] as [(String, [String]?, [MailExchangeReading.Part], [String])])
    func `which of the three does not agree`(
        _ hostname: String, _ names: [String]?, _ parts: [MailExchangeReading.Part], _ codes: [String]
    ) {
        // The host's address is the interface's, so that it is known which one is meant.
        let reading = Self.read(["mx1.example.com"], [Self.entrance("mx1", hostname, speaksFor: names)], addresses: ["192.0.2.1"])
        #expect(reading.lines.map(\.disagreeing) == [parts])
        #expect(reading.lines.flatMap(\.findings).map(\.code.rawValue) == codes)
        #expect(reading.findings.isEmpty && reading.hasErrors == !codes.isEmpty)
        let words = (reading.lines.map(\.verdict) + reading.lines.flatMap(\.findings).map { $0.cure }).joined(separator: " ")
        #expect(words.contains("mx1.example.com"))
        if parts == [.interface] { #expect(words.contains("muster interface set data1 --machine mx1 --hostname mx1.example.com")) }
        if parts == [.certificate], names != nil { #expect(words.contains("--san mx1.example.com")) }
    }

    @Test func `a host that no machine is, with the names that there are`() {
        let served = Self.entrance("mx2", "mx2.example.com", speaksFor: ["mx2.example.com"])
        let reading = Self.read(["mx9.example.com"], [Self.entrance("mx1", "mail.example.com", speaksFor: ["mail.example.com"]), served])
        #expect(
            reading.lines.first?.verdict
                == "No machine has an interface of the name mx9.example.com; mx1 data1 is called mail.example.com, mx2 data1 is called mx2.example.com"
        )
        #expect(reading.lines.first?.entrance == nil && reading.lines.first?.disagreeing == [.record])
        // And what senders will not find.
        #expect(reading.lines.dropFirst().map { $0.host == nil } == [true, true])
        #expect(reading.lines.last?.verdict == "Certificate and interface say mx2.example.com, and no MX record of example.com names it")
        #expect(reading.lines.last?.findings.map(\.code) == [.unnamedInterface])
        #expect(reading.lines.last?.findings.first?.severity == .warning)
    }

    @Test func `somebody else's host beside one's own is a warning, and without one an error`() {
        let own = Self.entrance("mx1", "mx1.example.com", speaksFor: ["mx1.example.com"])
        let beside = Self.read(["mx1.example.com", "mx.provider.example"], [own])
        #expect(beside.lines.last?.findings.map(\.severity) == [.warning] && !beside.hasErrors)
        #expect(Self.read(["mx.provider.example"], [own]).lines.first?.findings.map(\.severity) == [.error])
        #expect(Self.read(["mx1.example.com", "mx2.example.com"], [own]).hasErrors)
    }

    @Test func `interfaces for other domains are one remark`() {
        let own = Self.entrance("mx1", "mx1.example.com", speaksFor: ["mx1.example.com"])
        let others = (2...9).map { Self.entrance("mx\($0)", "mx\($0).example.org", speaksFor: ["mx\($0).example.org"]) }
        let reading = Self.read(["mx1.example.com"], [own] + others)
        #expect(reading.lines.count == 1 && !reading.hasErrors)
        #expect(reading.findings.map(\.code) == [.unnamedInterface] && reading.findings.map(\.severity) == [.notice])
        #expect(reading.findings.first?.text.contains("and 3 more") == true)
        // Of very many within the domain, too, a table's worth is shown.
        let many = (1...100).map { Self.entrance("mx\($0)", "mx\($0).example.com", speaksFor: ["*.example.com"]) }
        let table = Self.read(["mx1.example.com", "mx999.example.com"], many)
        #expect(table.lines.count == 1 + Limits.mailExchangers + Limits.mailExchangers && table.findings.count == 1)
    }

    @Test func `an interface without a public listener takes no mail, unless another of its name does`() {
        let bare = MailEntrance(machine: "mx1", interface: "management", hostname: "mx1.example.com", address: "192.0.2.7")
        let alone = Self.read(["mx1.example.com"], [bare])
        #expect(alone.lines.flatMap(\.findings).map(\.code) == [.unservedExchanger] && alone.hasErrors)
        let both = Self.read(["mx1.example.com"], [bare, Self.entrance("mx1", "mx1.example.com", speaksFor: ["mx1.example.com"])])
        #expect(both.lines.map(\.entrance?.interface) == ["data1"] && !both.hasErrors)
        // Nor is it missed by senders whom no record sends there.
        #expect(Self.read([], [bare]).lines.isEmpty)
    }

    @Test func `what was not seen to be served, or cannot be, is said`() {
        var entrance = Self.entrance("mx1", "mx1.example.com", speaksFor: ["mx1.example.com"])
        func codes() -> [CertificateFinding.Code] { Self.read(["mx1.example.com"], [entrance]).lines.flatMap(\.findings).map(\.code) }
        entrance.listener?.served = Digest(hashing: [7])
        #expect(codes() == [.notServed])
        entrance.listener?.served = nil
        #expect(codes() == [.notServed])
        entrance.listener?.unprovable = "the policy offers no TLS"
        #expect(codes() == [.unseen])
        entrance.listener?.port = 2525
        #expect(codes() == [.unseen, .otherPort])
        entrance.listener?.certificate = Self.certificate(["mx1.example.com"]) { $0.chain.removeLast() }
        #expect(codes() == [.unseen, .missingIssuer, .otherPort])
    }

    @Test func `what DNS says of a host and of the domain is said`() {
        let entrance = Self.entrance("mx1", "mx1.example.com", speaksFor: ["mx1.example.com", "example.com"])
        func codes(_ exchangers: MailExchangers) -> [String] {
            let reading = MailExchangeReading(of: exchangers, at: [entrance], now: Self.now)
            return (reading.findings + reading.lines.flatMap(\.findings)).map(\.code.rawValue)
        }
        func host(_ addresses: [String]?, isAlias: Bool = false) -> MailExchangers {
            MailExchangers(
                domain: "example.com",
                hosts: [.init("mx1.example.com", preference: 1, addresses: addresses?.compactMap { IPAddress($0) }, isAlias: isAlias)])
        }
        #expect(codes(host(nil)) == [] && codes(host(["2001:db8::1", "192.0.2.1"])) == [])
        #expect(codes(host([])) == ["mx-no-address"])
        #expect(codes(host(["198.51.100.1"])) == ["mx-other-address"])
        #expect(codes(host(["192.0.2.1"], isAlias: true)) == ["mx-alias"])
        var many = host(nil)
        (many.unusable, many.leftOut) = (2, 3)
        #expect(codes(many) == ["mx-unusable", "mx-too-many"])
        #expect(codes(MailExchangers(domain: "example.com", source: .none, hosts: [])) == ["mx-null", "mx-not-named"])
        let implicit = codes(MailExchangers(domain: "example.com", source: .implicit, hosts: [.init("example.com")]))
        #expect(implicit == ["mx-implicit", "mx-unknown-host"])
    }

    @Test(
        arguments: [
            ("192.0.2.53", "192.0.2.53"), ("127.0.0.1:5353", "127.0.0.1:5353"), ("192.0.2.53:53", "192.0.2.53"),
            ("2001:db8::53", "2001:db8::53"), ("[2001:db8::53]:53", "2001:db8::53"), ("[::1]:5353", "[::1]:5353"),
            ("127.9.9.9:1", "127.9.9.9:1"),
            ("192.0.2.53:25", nil), ("[2001:db8::53]:8461", nil), ("[::ffff:10.0.0.1]:22", nil), ("127.0.0.1:0", nil),
            ("127.0.0.1:65536", nil),
            ("127.0.0.1:", nil), ("localhost", nil), ("dns.example.com:53", nil), ("0.0.0.0:5353", nil), ("[127.0.0.1]:5353", nil),
            ("", nil),
            ("128.0.0.1:5353", nil),
        ] as [(String, String?)])
    func `a resolver is an address, on the port of DNS unless it is on the machine itself`(_ text: String, _ written: String?) throws {
        if let written {
            #expect(try NameServer(parsing: text).description == written)
        } else {
            #expect(throws: Refusal(.invalid, "")) { try NameServer(parsing: text) }
        }
    }
}

/// The outbound certificate against the interface that mail leaves by.
@Suite struct DeliveryNameTests {
    private static func findings(_ names: [String], _ places: [DeliveryPlace], origin: CertificateSetting.Origin = .uploaded)
        -> [CertificateFinding]
    {
        var leaf = CertificateFacts()
        leaf.names = names
        leaf.keyAlgorithm = "ecdsa-p256"
        return CertificateSetting(origin: origin, key: KeyFacts(), chain: [leaf], chainBlob: Digest(hashing: [])).findings(
            leavingBy: places)
    }

    private static func place(_ machine: String, chosen: Bool, _ hosts: String...) -> DeliveryPlace {
        DeliveryPlace(
            machine: machine, isChosen: chosen, interfaces: hosts.enumerated().map { .init(name: "data\($0 + 1)", hostname: $1) })
    }

    @Test func `the chosen interface's name is looked for, or that of any when the choice is the machine's`() {
        let chosen = Self.place("mx1", chosen: true, "out.example.com")
        #expect(Self.findings(["out.example.com"], [chosen]).isEmpty && Self.findings(["*.example.com"], [chosen]).isEmpty)
        let warning = Self.findings(["mail.example.com"], [chosen])
        #expect(warning.map(\.code) == [.deliveryMismatch] && warning.map(\.severity) == [.warning])
        #expect(warning.first?.text.contains("mx1 data1 (out.example.com)") == true)
        let automatic = Self.place("mx1", chosen: false, "a.example.com", "b.example.com")
        #expect(Self.findings(["b.example.com"], [automatic]).isEmpty)
        let notice = Self.findings(["mail.example.com"], [automatic])
        #expect(notice.map(\.code) == [.deliveryMismatch] && notice.map(\.severity) == [.notice])
        #expect(notice.first?.text.contains("mx1 data1 (a.example.com), data2 (b.example.com)") == true)
    }

    @Test func `many machines are one finding, and the ready-made certificate none`() {
        let places = (1...9).map { Self.place("mx\($0)", chosen: true, "mx\($0).example.com") }
        let findings = Self.findings(["mx1.example.com"], places)
        #expect(findings.count == 1 && findings.first?.text.contains("and 3 more") == true)
        #expect(findings.first?.text.contains("mx1 data1") == false)
        #expect(Self.findings([], places, origin: .demo).isEmpty)
    }
}
