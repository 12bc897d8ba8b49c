import Certificates
import ClusterModel
import FoundationEssentials
import Gateways
import SMTPFixtures
import Testing

/// A mail flow policy that verifies client certificates does so by the authorities of the configuration that is in force.
@Suite(.timeLimit(.minutes(1))) struct ClientAuthorityTests {
    /// A root that is in nobody's system, and a client's certificate from it.
    private struct Partner {
        let list: AuthorityList
        let client: TestCertificate

        init(_ name: String) throws {
            let now = Timestamp(Date())
            let root = try ClusterAuthority.create(clusterID: name, clusterName: name, now: now)
            let key = try PrivateKey.generate(.ecdsaP256)
            let chain = try root.issue(.manager("m1"), for: key, names: [], lifetimeDays: 1, now: now)
            list = try AuthorityList(bundle: Array(root.certificatePEM.utf8))
            client = TestCertificate(chain: try CertificateChain([chain.leaf]).pem, key: key.pem)
        }
    }

    /// What a client with this certificate hears when it begins a mail.
    private func hears(_ client: TestCertificate, _ fixture: Fixture) async throws -> String {
        let peer = try await Peer.connect(to: fixture.address)
        _ = try await peer.secure(showing: client)
        let word = try await peer.say("MAIL FROM:<>").first?.prefix(9) ?? ""
        await peer.close()
        return String(word)
    }

    private let trusted = "250 2.1.0"
    private let refused = "550 5.7.1"

    private func fixture() async throws -> Fixture {
        Fixture(MailFlowPolicySetting(tls: .required, verifyClientCertificate: true), certificate: try await .make("mx1.example.com"))
    }

    @Test func `a list counts from the apply that brings it to the one that takes it away`() async throws {
        let (one, other) = (try Partner("one"), try Partner("other"))
        var fixture = try await fixture()
        try await withGateway(fixture) { gateway in
            #expect(try await hears(one.client, fixture) == refused)
            let waiting = try await Peer.connect(to: fixture.address)
            _ = try await waiting.reply()
            let steps: [([String: AuthorityList], String, String)] = [
                (["one": one.list], trusted, refused), (["other": other.list], refused, trusted),
                (["one": one.list, "other": other.list], trusted, trusted), ([:], refused, refused), (["one": one.list], trusted, refused),
            ]
            for (lists, word, otherWord) in steps {
                fixture.authorities = lists
                try await gateway.apply(try fixture.configuration)
                #expect(try await hears(one.client, fixture) == word, "\(lists.keys)")
                #expect(try await hears(other.client, fixture) == otherWord, "\(lists.keys)")
            }
            // A session from before meets what is in force at its handshake.
            try await waiting.say("EHLO c")
            try await waiting.say("STARTTLS")
            _ = try await waiting.handshake(showing: one.client)
            try await waiting.say("EHLO c")
            #expect(try await waiting.say("MAIL FROM:<>").first?.hasPrefix(trusted) == true)
        }
    }

    @Test func `the system's list counts beside others unless it is distrusted`() async throws {
        let (ours, systems) = (try Partner("ours"), try Partner("systems"))
        var fixture = try await fixture()
        fixture.authorities = ["ours": ours.list]
        try await withGateway(fixture, system: TrustedAuthorities([systems.list])) { gateway in
            #expect(try await hears(ours.client, fixture) == trusted)
            #expect(try await hears(systems.client, fixture) == trusted)
            fixture.trustsSystem = false
            try await gateway.apply(try fixture.configuration)
            #expect(try await hears(ours.client, fixture) == trusted)
            #expect(try await hears(systems.client, fixture) == refused)
            fixture.authorities = [:]
            try await gateway.apply(try fixture.configuration)
            #expect(try await hears(ours.client, fixture) == refused)
            #expect(try await hears(systems.client, fixture) == refused)
        }
    }

    @Test func `a list whose text is not there or not readable is refused by name, and the one before counts`() async throws {
        let one = try Partner("one")
        var fixture = try await fixture()
        fixture.authorities = ["one": one.list]
        try await withGateway(fixture) { gateway in
            for text in [nil, "no certificate"] {
                var broken = try fixture.configuration
                broken.chains[one.list.blob] = text
                let refusal = await #expect(throws: Refusal(.invalid, "")) { try await gateway.apply(broken) }
                #expect(refusal?.details.first?.contains("the authorities \"one\"") == true)
                #expect(try await hears(one.client, fixture) == trusted)
            }
        }
    }
}
