import ClusterModel
import Testing

@Suite struct CertificateRuleTests {
    private static func facts(expiring notAfter: Timestamp = Timestamp(seconds: 2_000_000_000)) -> CertificateFacts {
        var facts = CertificateFacts()
        facts.subject = "CN=mx1.example.com"
        facts.issuer = "CN=Issuer"
        facts.serial = "1"
        facts.signature = "ecdsa-with-sha256"
        facts.notAfter = notAfter
        return facts
    }

    @Test(
        arguments: [
            (-200, nil), (-91, nil), (-90, .before(days: 90)), (-61, .before(days: 90)), (-60, .before(days: 60)), (-31, .before(days: 60)),
            (-30, .before(days: 30)), (-16, .before(days: 30)), (-15, .before(days: 15)), (-6, .before(days: 15)), (-5, .before(days: 5)),
            (-4, .before(days: 4)), (-3, .before(days: 3)), (-2, .before(days: 2)), (-1, .before(days: 1)), (1, .after), (100, .after),
        ] as [(Int, ExpiryStep?)])
    func `people are told at each step, counted in days of the calendar`(_ days: Int, _ step: ExpiryStep?) throws {
        let end = try #require(Timestamp("2026-11-24T09:30:00Z"))
        for moment in ["00:00:00", "09:29:59", "23:59:59"] {
            let now = try #require(Timestamp("2026-11-24T\(moment)Z")).adding(days: days)
            #expect(Self.facts(expiring: end).expiryStep(at: now) == step, "\(now)")
        }
    }

    @Test func `on the day itself a certificate is valid until its last second`() throws {
        let end = try #require(Timestamp("2026-11-24T09:30:00Z"))
        let facts = Self.facts(expiring: end)
        #expect(facts.expiryStep(at: try #require(Timestamp("2026-11-24T00:00:00Z"))) == .onTheDay)
        #expect(facts.expiryStep(at: end) == .onTheDay && facts.expiryStep(at: end.adding(seconds: 1)) == .after)
        #expect(facts.daysLeft(at: end) == 0 && facts.daysLeft(at: end.adding(seconds: -34_201)) == 1)
        #expect(Self.facts(expiring: Timestamp(seconds: -1)).daysLeft(at: Timestamp(seconds: 0)) == -1)
    }

    @Test(arguments: [1024, 2047, 2048, 4096])
    func `an RSA key is weak below 2048 bits`(_ bits: Int) {
        let setting = CertificateSetting(
            origin: .imported, key: KeyFacts(fingerprint: Digest(hashing: []), algorithm: "rsa-\(bits)"), chain: [Self.facts()],
            chainBlob: Digest(hashing: []))
        let codes = setting.findings(at: Timestamp(seconds: 1_800_000_000)).map(\.code)
        #expect(codes.contains(.weakKey) == (bits < 2048))
    }

    @Test(arguments: ["rsa-with-sha1", "rsa-with-md5", "rsa-with-md2", "ecdsa-with-sha1", "rsa-with-sha256", "1.2.3.4"])
    func `signatures with SHA-1 and older are weak`(_ signature: String) {
        var facts = Self.facts()
        facts.signature = signature
        let setting = CertificateSetting(origin: .imported, key: KeyFacts(), chain: [facts], chainBlob: Digest(hashing: []))
        let isWeak = !["rsa-with-sha256", "1.2.3.4"].contains(signature)
        #expect(setting.findings(at: Timestamp(seconds: 1_800_000_000)).map(\.code).contains(.weakSignature) == isWeak)
    }

    /// What was stored before the facts grew: it reads, is written again the same, and is judged by names.
    @Test func `facts that an older version kept still read, and keep their form`() throws {
        func stored(_ subject: String, _ issuer: String) -> JSONValue {
            [
                "fingerprint": .string(Digest(hashing: Array(subject.utf8)).hex), "subject": .string(subject), "issuer": .string(issuer),
                "serial": "01", "notBefore": "2026-01-01T00:00:00Z", "notAfter": "2036-01-01T00:00:00Z", "signature": "ecdsa-with-sha256",
            ]
        }
        let now = try #require(Timestamp("2026-11-24T09:30:00Z"))
        var chain: [CertificateFacts] = []
        for json in [stored("CN=leaf", "CN=I"), stored("CN=I", "CN=R"), stored("CN=R", "CN=R"), stored("CN=X", "CN=R")] {
            let facts = try CertificateFacts(json)
            #expect(facts.json == json && !facts.isDetailed)
            chain.append(facts)
        }
        func codes(_ places: Int...) -> [CertificateFinding.Code] {
            CertificateSetting(origin: .imported, key: KeyFacts(), chain: places.map { chain[$0] }, chainBlob: Digest(hashing: []))
                .findings(at: now, covering: ["mx1.example.com"]).map(\.code)
        }
        // Whether an issuer may sign was known before; what names a certificate without any has was not.
        #expect(codes(0).filter { $0 != .unfitIssuer } == [.missingIssuer])
        #expect(codes(0, 1).filter { $0 != .unfitIssuer } == [])
        #expect(codes(0, 2, 1).filter { $0 != .unfitIssuer } == [.outOfOrder, .rootIncluded])
        #expect(codes(0, 1, 3).filter { $0 != .unfitIssuer } == [.unrelatedCertificate])
        #expect(codes(2) == [.selfSigned])
    }

    @Test func `a finding reads as it was written, and codes of others stay what they are`() throws {
        let finding = CertificateFinding(code: .init(rawValue: "from-the-future"), severity: .error, text: "a", cure: "b")
        #expect(finding.code.description == "from-the-future" && finding.severity.rawValue == "error")
    }
}
