import Certificates
import ClusterModel
import Gateways
import NIOPosix
import NIOSSL
import Subprocess
import SMTPFixtures
import Testing

/// What the real openssl hears when it connects.
private struct Handshake {
    var isDone: Bool
    var text: String

    /// With STARTTLS to a listener, or straight to HTTPS.
    static func with(_ fixture: Fixture, port: Int = 2525, _ arguments: [String]) async throws -> Handshake {
        let result = try await run(
            .name("openssl"),
            arguments: Arguments(
                ["s_client", "-connect", "\(fixture.address):\(port)"] + (port == 2525 ? ["-starttls", "smtp"] : []) + arguments),
            input: .string("QUIT\r\n"), output: .string(limit: 1 << 16), error: .discarded)
        let text = result.standardOutput
        return Handshake(isDone: text.contains("BEGIN CERTIFICATE"), text: text)
    }
}

/// Whether a handshake with these flags comes about.
private func isSpoken(_ fixture: Fixture, port: Int = 2525, _ arguments: [String]) async throws -> Bool {
    try await Handshake.with(fixture, port: port, arguments).isDone
}

@Suite("A TLS profile is kept by every handshake, or refused whole", .timeLimit(.minutes(1)))
struct TLSProfileTests {
    private let old = TLSProfileSetting(minimum: .tls10)

    /// The clients' flags with the versions that they speak, and nothing else.
    private static let versions = ["-tls1", "-tls1_1", "-tls1_2", "-tls1_3"]

    @Test(
        arguments: [
            ([:], [false, false, true, true]), (["inbound": TLSProfileSetting(minimum: .tls13)], [false, false, false, true]),
            (["inbound": TLSProfileSetting(minimum: .tls10)], [true, true, true, true]),
            (["inbound": TLSProfileSetting(minimum: .tls11, maximum: .tls12)], [false, true, true, false]),
            (["https": TLSProfileSetting(minimum: .tls13)], [false, false, true, true]),
        ] as [([String: TLSProfileSetting], [Bool])])
    func `a listener speaks the versions of the profile called inbound, and no other`(
        _ profiles: [String: TLSProfileSetting], _ expected: [Bool]
    ) async throws {
        var fixture = Fixture(certificate: try await .make("mx1.example.com"))
        fixture.profiles = profiles
        try await withGateway(fixture) { _ in
            for (version, isSpoken) in zip(TLSProfileTests.versions, expected) {
                let handshake = try await Handshake.with(fixture, [version, "-cipher", "ALL:@SECLEVEL=0"])
                #expect(handshake.isDone == isSpoken, "\(version)")
            }
        }
    }

    @Test func `a named profile goes before that of the direction, and HTTPS has its own`() async throws {
        var fixture = Fixture(certificate: try await .make("mx1.example.com"))
        fixture.profiles = ["inbound": TLSProfileSetting(minimum: .tls13), "https": TLSProfileSetting(minimum: .tls13), "old": old]
        fixture.https = HTTPSService(port: 8443, certificate: "mail")
        try await withGateway(fixture) { gateway in
            let early = ["-tls1_1", "-cipher", "ALL:@SECLEVEL=0"]
            for port in [2525, 8443] {
                #expect(try await isSpoken(fixture, port: port, early) == false)
                #expect(try await isSpoken(fixture, port: port, ["-tls1_3"]))
            }
            fixture.listeners["public"]?.tlsProfile = "old"
            try await gateway.apply(try fixture.configuration)
            #expect(try await isSpoken(fixture, early))
            #expect(try await isSpoken(fixture, port: 8443, early) == false)
            fixture.https?.tlsProfile = "old"
            try await gateway.apply(try fixture.configuration)
            #expect(try await isSpoken(fixture, port: 8443, early))
        }
    }

    @Test func `a policy that asks for client certificates keeps the profile too`() async throws {
        var fixture = Fixture(
            MailFlowPolicySetting(tls: .preferred, verifyClientCertificate: true), certificate: try await .make("mx1.example.com"))
        fixture.profiles["inbound"] = TLSProfileSetting(minimum: .tls13)
        try await withGateway(fixture) { _ in
            let (before, now) = (try await isSpoken(fixture, ["-tls1_2"]), try await isSpoken(fixture, ["-tls1_3"]))
            #expect(!before && now)
        }
    }

    @Test func `only the ciphers of the list are spoken`() async throws {
        var fixture = Fixture(certificate: try await .make("mx1.example.com"))
        fixture.profiles["inbound"] = TLSProfileSetting(maximum: .tls12, ciphers: "ECDHE+AESGCM:!AES128:DHE-RSA-AES256-SHA")
        try await withGateway(fixture) { _ in
            #expect(try await isSpoken(fixture, ["-cipher", "ECDHE-ECDSA-AES128-GCM-SHA256"]) == false)
            #expect(try await isSpoken(fixture, ["-cipher", "ECDHE-ECDSA-CHACHA20-POLY1305"]) == false)
            let handshake = try await Handshake.with(fixture, ["-cipher", "ECDHE-ECDSA-AES256-GCM-SHA384"])
            #expect(handshake.text.contains("Cipher is ECDHE-ECDSA-AES256-GCM-SHA384"))
        }
    }

    @Test(arguments: [
        (TLSProfileSetting(ciphers: "DHE-RSA-AES256-GCM-SHA384"), "leaves none that this gateway's TLS library has"),
        (TLSProfileSetting(ciphers: "HIGH:!AES:!CHACHA20"), "leaves none"), (TLSProfileSetting(ciphers: "nonsense"), "leaves none"),
        (TLSProfileSetting(ciphers: "-ALL"), "leaves none"), (TLSProfileSetting(ciphers: "PSK"), "leaves none"),
        (TLSProfileSetting(ciphers: "HIGH:@SECLEVEL=5"), "does not know the command @SECLEVEL=5"),
        (TLSProfileSetting(cipherSuites: [.aes256GCM]), "leave it out"),
        (TLSProfileSetting(maximum: .tls12, ciphers: "kRSA"), "no cipher in the list goes with a key of the kind ecdsa-p256"),
    ])
    func `what the TLS library cannot keep is refused with the reason, and the profile before goes on`(
        _ profile: TLSProfileSetting, _ words: String
    ) async throws {
        var fixture = Fixture(certificate: try await .make("mx1.example.com"))
        fixture.profiles["inbound"] = TLSProfileSetting(minimum: .tls13)
        fixture.https = HTTPSService(port: 8443, certificate: "mail")
        try await withGateway(fixture) { gateway in
            for service in ["listener/public", "https/data1"] {
                var refused = fixture
                refused.profiles[service.hasPrefix("https") ? "https" : "inbound"] = profile
                let configuration = try refused.configuration
                let refusal = await #expect(throws: Refusal(.invalid, "")) { try await gateway.apply(configuration) }
                #expect(refusal?.details.count == 1)
                #expect(refusal?.details.first?.hasPrefix("\(service): the TLS profile ") == true)
                #expect(refusal?.details.first?.contains(words) == true, "\(refusal?.details ?? [])")
            }
            #expect(try await isSpoken(fixture, ["-tls1_2"]) == false)
            #expect(try await isSpoken(fixture, ["-tls1_3"]))
        }
    }

    @Test func `a profile that is not there is refused`() async throws {
        var fixture = Fixture(certificate: try await .make("mx1.example.com"))
        fixture.listeners["public"]?.tlsProfile = "nowhere"
        let configuration = try fixture.configuration
        #expect(throws: Refusal(.invalid, "")) { try ServicePlan(configuration, system: .system) }
    }

    @Test(arguments: [
        TLSProfileSetting(minimum: .tls10, maximum: .tls11), TLSProfileSetting(maximum: .tls12, ciphers: "ECDHE+AES256+SHA1"),
    ])
    func `a service is proved whatever its profile`(_ profile: TLSProfileSetting) async throws {
        var fixture = Fixture(certificate: try await .make("mx1.example.com"))
        fixture.profiles["inbound"] = profile
        try await withGateway(fixture) { _ in
            let service = try fixture.configuration.settings.intendedServices()
            let proof = await TLSProber(group: MultiThreadedEventLoopGroup.singleton).prove(service)
            #expect(proof.map(\.served) == service.map(\.fingerprint))
        }
    }

    // The library itself is asked: these lists name ciphers that it has, so it takes them.
    @Test(
        arguments: EmbeddedCipher.all.map(\.name) + [
            "ALL", "HIGH:!aNULL", "ECDHE+AESGCM:!aNULL", "ECDHE:RSA", "AES256:-ECDHE:ECDHE+CHACHA20", "ECDSA:+AES128", "ALL:!kRSA", "aRSA",
            "AES:@STRENGTH", "TLSv1.2:!AES128", "SHA1", "TLSv1", "AESGCM+kRSA", "TLS_RSA_WITH_AES_128_CBC_SHA", "unknown:AES128-SHA",
        ])
    func `a list means what it means to the library`(_ text: String) throws {
        var theirs = TLSConfiguration.makeClientConfiguration()
        theirs.cipherSuites = text
        var ours = theirs
        let chosen = try EmbeddedCipher.matching(try #require(CipherList(text)))
        ours.cipherSuites = chosen.map(\.name).joined(separator: ":")
        let known = theirs.cipherSuiteValues.filter { ![0x8C, 0x8D, 0xC035, 0xC036, 0xCCAC].contains($0.rawValue) }
        #expect(Set(ours.cipherSuiteValues) == Set(known))
        #expect(ours.cipherSuiteValues.count == chosen.count)
    }
}
