import ClusterModel
import Testing

@Suite("The expiry watch over the whole fleet")
struct ExpiryWatchTests {
    private static let end = Timestamp(seconds: 1_800_000_000)

    private static func certificate(_ name: String, until end: Timestamp = end) -> JSONValue {
        var facts = CertificateFacts()
        facts.fingerprint = Digest(hashing: Array(name.utf8))
        facts.subject = "CN=\(name)"
        facts.issuer = facts.subject
        facts.serial = "01"
        facts.signature = "ecdsa-with-sha256"
        facts.notAfter = end
        return CertificateSetting(
            origin: .imported, key: KeyFacts(fingerprint: Digest(hashing: []), algorithm: "ecdsa-p256"), chain: [facts],
            chainBlob: Digest(hashing: [])
        ).json
    }

    private static func machines(_ conditions: [AlertCondition]) -> [String] {
        conditions.map {
            "\($0.machine ?? "") \($0.expiry?.certificate ?? "") at \($0.expiry?.level.description ?? ""): \($0.expiry?.services ?? [])"
        }
        .sorted()
    }

    @Test func `each machine whose services use a certificate has a condition, with the level it comes from`() throws {
        var story = try Story()
        let mx2 = MembershipID(rawValue: "m2")
        try story.join("mx2", as: mx2, invitation: "i2")
        try story.join("mx3", as: MembershipID(rawValue: "m3"), invitation: "i3")
        try story.commit([
            story.set(.certificates, "mail", Self.certificate("mail")), story.set(.certificates, "idle", Self.certificate("idle")),
            story.set(.certificates, "far", Self.certificate("far", until: Self.end.adding(days: 400))),
            story.set(.certificates, "mail", Self.certificate("own"), at: .machine(mx2)),
            story.set(.listeners, "public", ["interface": "data1", "certificate": "mail"]),
            story.set(.delivery, "settings", ["certificate": "mail"]),
            story.set(.listeners, "public", ["interface": "data1", "certificate": "far"], at: .machine(MembershipID(rawValue: "m3"))),
        ])
        let now = Self.end.adding(days: -10)
        #expect(
            Self.machines(story.state.expiryConditions(at: now)) == [
                #"mx1 mail at cluster: ["delivery", "listener/public"]"#, #"mx2 mail at machine/mx2: ["delivery", "listener/public"]"#,
                #"mx3 mail at cluster: ["delivery"]"#,
            ])
        #expect(Set(story.state.expiryConditions(at: now).map(\.subject)).count == 3)
        #expect(story.state.expiryConditions(at: Self.end.adding(days: -91)).isEmpty)
        // A listener that a machine does not open uses nothing there.
        try story.commit([
            story.set(.delivery, "settings", [:]), story.set(.listeners, "public", ["interface": "nowhere", "certificate": "mail"]),
        ])
        #expect(story.state.expiryConditions(at: now).isEmpty)
    }

    @Test(
        arguments: [
            (-91, nil), (-90, (90, .notice)), (-16, (30, .notice)), (-15, (15, .warning)), (-1, (1, .warning)), (0, (0, .warning)),
            (1, (-1, .error)),
        ] as [(Int, (Int, Alert.Severity)?)])
    func `the severity grows with the steps`(_ days: Int, _ expected: (Int, Alert.Severity)?) throws {
        var story = try Story()
        try story.commit([
            story.set(.certificates, "mail", Self.certificate("mail")),
            story.set(.listeners, "public", ["interface": "data1", "certificate": "mail"]),
        ])
        let found = story.state.expiryConditions(at: Self.end.adding(days: days)).first
        #expect(found?.expiry?.threshold == expected?.0)
        #expect(found?.severity == expected?.1)
    }

    @Test func `the next turn is midnight in UTC, or the moment after an end`() throws {
        var story = try Story()
        let noon = try #require(Timestamp("2026-11-24T12:00:00Z"))
        #expect(story.state.nextExpiryTurn(after: noon) == Timestamp("2026-11-25T00:00:00Z"))
        #expect(story.state.nextExpiryTurn(after: try #require(Timestamp("2026-11-24T00:00:00Z"))) == Timestamp("2026-11-25T00:00:00Z"))
        try story.commit([story.set(.certificates, "mail", Self.certificate("mail", until: noon.adding(seconds: 60)))])
        #expect(story.state.nextExpiryTurn(after: noon) == noon.adding(seconds: 61))
        #expect(story.state.nextExpiryTurn(after: noon.adding(seconds: 60)) == noon.adding(seconds: 61))
        #expect(story.state.nextExpiryTurn(after: noon.adding(seconds: 61)) == Timestamp("2026-11-25T00:00:00Z"))
    }
}
