import Certificates
import ClusterModel
import FoundationEssentials
import Testing

/// The findings over certificates that `openssl` made.
@Suite struct FindingTests {
    private static func codes(
        _ chain: CertificateChain, at now: Timestamp = .test, covering hosts: [String] = [], anchors: [CertificateFacts]? = nil
    ) -> [String] {
        chain.setting.findings(at: now, covering: hosts, anchors: anchors).map { "\($0.severity) \($0.code)" }
    }

    /// Root, Upper, Lower, leaf; a second certificate of Lower, and one with its name and another key.
    private static func issuers() async throws -> TestIssuers {
        let issuers = try TestIssuers()
        try await issuers.root("Root")
        try await issuers.issue("Upper", by: "Root", days: 800)
        try await issuers.issue("Lower", by: "Upper", days: 800)
        try issuers.openssl.write("Again.key", try issuers.openssl.text("Lower.key"))
        try await issuers.issue("Again", by: "Upper", subject: "/CN=Lower", days: 700)
        try await issuers.issue("Stale", by: "Upper", subject: "/CN=Lower", days: 700)
        try await issuers.issue("Stranger", by: "Root", days: 700)
        try await issuers.issue(
            "leaf", by: "Lower", extensions: TestIssuers.leaf + "subjectAltName=DNS:mx.example.com,DNS:*.example.org,IP:192.0.2.1",
            days: 600)
        return issuers
    }

    @Test func `a chain in order has no findings, and each fault has its own`() async throws {
        let issuers = try await Self.issuers()
        #expect(try Self.codes(issuers.chain("leaf", "Lower", "Upper")) == [])
        #expect(try Self.codes(issuers.chain("leaf", "Lower")) == [])
        #expect(try Self.codes(issuers.chain("leaf", "Lower", "Upper", "Root")) == ["notice root-included"])
        #expect(try Self.codes(issuers.chain("leaf", "Upper", "Lower")) == ["warning out-of-order"])
        #expect(try Self.codes(issuers.chain("leaf", "Lower", "Lower", "Upper")) == ["warning duplicate-intermediate"])
        #expect(try Self.codes(issuers.chain("leaf", "Lower", "Again", "Upper")) == ["warning duplicate-intermediate"])
        #expect(try Self.codes(issuers.chain("leaf", "Lower", "leaf", "Upper")) == ["warning duplicate-intermediate"])
        #expect(try Self.codes(issuers.chain("leaf", "Stale", "Lower", "Upper")) == ["warning stale-intermediate"])
        #expect(try Self.codes(issuers.chain("leaf", "Stale", "Upper")).first == "warning stale-intermediate")
        #expect(try Self.codes(issuers.chain("leaf", "Stale")) == ["warning stale-intermediate", "warning missing-issuer"])
        #expect(try Self.codes(issuers.chain("leaf")) == ["warning missing-issuer"])
        #expect(
            try Self.codes(issuers.chain("leaf", "Lower", "Root")) == ["warning unrelated-certificate", "warning missing-issuer"])
        #expect(try Self.codes(issuers.chain("leaf", "Lower", "Upper", "Stranger")).first == "warning unrelated-certificate")
    }

    @Test func `with the trusted authorities it is known whether the chain reaches one`() async throws {
        let issuers = try await Self.issuers()
        let (root, other) = (try issuers.chain("Root").facts, try issuers.chain("Stranger").facts)
        #expect(try Self.codes(issuers.chain("leaf", "Lower", "Upper"), anchors: root) == [])
        #expect(try Self.codes(issuers.chain("leaf", "Lower", "Upper", "Root"), anchors: other) == ["notice root-included"])
        #expect(try Self.codes(issuers.chain("leaf", "Lower", "Upper"), anchors: other) == ["warning missing-issuer"])
        #expect(try Self.codes(issuers.chain("leaf", "Lower"), anchors: root) == ["warning missing-issuer"])
        // Another authority of the same name does not do.
        try await issuers.root("Namesake", subject: "/CN=Root")
        #expect(
            try Self.codes(issuers.chain("leaf", "Lower", "Upper"), anchors: issuers.chain("Namesake").facts)
                == ["warning missing-issuer"])
    }

    @Test func `moments are judged by the given time`() async throws {
        let issuers = try await Self.issuers()
        let chain = try issuers.chain("leaf", "Lower", "Upper")
        let end = chain.facts[0].notAfter
        #expect(Self.codes(chain, at: end.adding(days: -91)) == [])
        #expect(Self.codes(chain, at: end.adding(days: -90)) == ["notice expires-soon"])
        #expect(Self.codes(chain, at: end.adding(days: -15)) == ["warning expires-soon"])
        #expect(Self.codes(chain, at: end) == ["warning expires-soon"])
        #expect(Self.codes(chain, at: end.adding(seconds: 1)) == ["error expired"])
        #expect(Self.codes(chain, at: end.adding(days: 400)) == ["error expired", "error expired", "error expired"])
        #expect(Self.codes(chain, at: chain.facts[0].notBefore.adding(days: -2)).allSatisfy { $0 == "error not-yet-valid" })
    }

    /// What the leaf says of itself, and what is found.
    static let leaves: [(extensions: String, subject: String, codes: [String])] = [
        ("basicConstraints=CA:FALSE\nsubjectAltName=DNS:mx.example.com", "/CN=mx", []),
        ("basicConstraints=CA:TRUE\nsubjectAltName=DNS:mx.example.com", "/CN=mx", ["warning authority-as-leaf"]),
        ("extendedKeyUsage=clientAuth\nsubjectAltName=DNS:mx.example.com", "/CN=mx", ["error no-server-purpose"]),
        ("extendedKeyUsage=anyExtendedKeyUsage\nsubjectAltName=DNS:mx.example.com", "/CN=mx", []),
        ("extendedKeyUsage=1.2.3.4,serverAuth\nsubjectAltName=DNS:mx.example.com", "/CN=mx", []),
        ("keyUsage=keyAgreement\nsubjectAltName=DNS:mx.example.com", "/CN=mx", ["error unfit-key-usage"]),
        ("keyUsage=digitalSignature,keyEncipherment\nsubjectAltName=DNS:mx.example.com", "/CN=mx", []),
        ("basicConstraints=CA:FALSE", "/CN=mx.example.com", ["warning common-name-only"]),
        ("basicConstraints=CA:FALSE", "/CN=other.example.com", ["warning common-name-only", "error name-mismatch"]),
        ("basicConstraints=CA:FALSE", "/CN=Mail gateway", ["error name-mismatch"]),
        ("subjectAltName=DNS:other.example.com", "/CN=mx.example.com", ["error name-mismatch"]),
    ]

    @Test(arguments: leaves)
    func `what a leaf may do and whom it names is found`(_ leaf: (extensions: String, subject: String, codes: [String])) async throws {
        let issuers = try TestIssuers()
        try await issuers.root("Root")
        try await issuers.issue("leaf", by: "Root", subject: leaf.subject, extensions: leaf.extensions, days: 400)
        let anchors = try issuers.chain("Root").facts
        #expect(try Self.codes(issuers.chain("leaf"), covering: ["mx.example.com"], anchors: anchors) == leaf.codes)
    }

    @Test func `an issuer that may not sign is found`() async throws {
        let issuers = try TestIssuers()
        try await issuers.root("Root")
        try await issuers.issue("Lower", by: "Root", extensions: TestIssuers.leaf, days: 400)
        try await issuers.issue("Mute", by: "Root", extensions: "basicConstraints=critical,CA:TRUE\nkeyUsage=cRLSign", days: 400)
        for name in ["Lower", "Mute"] {
            try await issuers.issue("leaf", by: name, subject: "/CN=A leaf", extensions: TestIssuers.leaf, days: 400)
            #expect(try Self.codes(issuers.chain("leaf", name)) == ["error unfit-issuer"])
        }
    }

    @Test func `a weak signature is found, and a root's own does not count`() async throws {
        let issuers = try TestIssuers()
        try await issuers.openssl("genrsa", "-out", "@Old.key", "2048")
        try await issuers.openssl(
            "req", "-x509", "-key", "@Old.key", "-sha1", "-subj", "/CN=Old", "-days", "900", "-addext", "basicConstraints=critical,CA:TRUE",
            "-out", "@Old.pem")
        try await issuers.issue("leaf", by: "Old", subject: "/CN=A leaf", extensions: TestIssuers.leaf, days: 400, options: ["-sha1"])
        #expect(try Self.codes(issuers.chain("leaf", "Old")) == ["notice root-included", "error weak-signature"])
    }

    @Test func `what Muster makes itself is found to be what it is`() throws {
        let own = try makeSelfSigned(SelfSignedRequest(commonName: "mx.example.com"), now: .test)
        #expect(own.setting.findings(at: .test, covering: ["mx.example.com"]).map(\.code) == [.selfSigned])
        #expect(own.setting.findings(at: .test, covering: ["mx2.example.com"]).map(\.code) == [.selfSigned, .nameMismatch])
        let demo = try makeDemoCertificate(now: .test)
        #expect(demo.setting.findings(at: .test, covering: ["mx.example.com"]) == [.demo])
    }

    @Test func `facts say what openssl says of the extensions`() async throws {
        let issuers = try await Self.issuers()
        try await issuers.issue(
            "full", by: "Lower",
            extensions: TestIssuers.leaf + "keyUsage=digitalSignature,keyEncipherment\nextendedKeyUsage=serverAuth,1.2.3.4\n"
                + "subjectAltName=DNS:192.0.2.9,DNS:a.example")
        let facts = try issuers.chain("full", "Lower").facts
        #expect(facts[0].keyUsage == ["digitalSignature", "keyEncipherment"] && facts[0].extendedKeyUsage == ["serverAuth", "1.2.3.4"])
        #expect(facts[0].keyAlgorithm == "ecdsa-p256" && facts[0].commonName == "full")
        #expect(try facts[0].keyFingerprint == issuers.fingerprint("full"))
        #expect(facts[0].signer == facts[1].fingerprint && facts[1].signer == nil)
        #expect(facts[0].issuerKeyID == facts[1].keyID && facts[1].keyID.count == 40)
        let text = try await issuers.openssl("x509", "-in", "@Lower.pem", "-noout", "-ext", "subjectKeyIdentifier")
        #expect(text.replacing(":", with: "").lowercased().contains(facts[1].keyID))
        // A host name that reads as an address is not taken for the address.
        #expect(!facts[0].covers("192.0.2.9") && facts[0].covers("a.example"))
        #expect(try CertificateFacts(facts[0].json) == facts[0])
    }

    static let names = ["mx.example.com", "*.example.org", "*.com", "192.0.2.1", "2001:db8::1", "MX2.Example.NET"]
    static let hosts = [
        "mx.example.com", "MX.EXAMPLE.COM", "x.mx.example.com", "example.com", "a.example.org", "a.b.example.org", "example.org",
        "x.com", "192.0.2.1", "192.0.2.2", "2001:DB8:0::1", "mx2.example.net", "mx2.example.net.evil.example",
    ]

    @Test func `what is no host is covered by nothing`() {
        var facts = CertificateFacts()
        facts.names = ["*.example.org", "*", "", ".", "192.0.2.1"]
        for host in ["", ".", ".example.org", "a..example.org", "*"] { #expect(!facts.covers(host), "\(host)") }
        // A name may be written with the final dot of the root.
        #expect(facts.covers("a.example.org."))
    }

    @Test func `names cover what openssl finds them to cover`() async throws {
        let issuers = try TestIssuers()
        try await issuers.root("Root")
        for name in Self.names {
            let kind = name.contains(":") || name.hasPrefix("192") ? "IP" : "DNS"
            try await issuers.issue("leaf", by: "Root", extensions: "subjectAltName=\(kind):\(name)")
            let facts = try issuers.chain("leaf").facts[0]
            for host in Self.hosts {
                let isAddress = host.contains(":") || host.hasPrefix("192")
                let said = try await issuers.openssl("x509", "-in", "@leaf.pem", "-noout", isAddress ? "-checkip" : "-checkhost", host)
                #expect(facts.covers(host) == said.contains("does match"), "\(name) for \(host)")
            }
        }
    }
}
