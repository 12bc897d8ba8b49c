import Certificates
import ClusterModel
import FoundationEssentials
import Testing

@Suite struct AuthorityTests {
    static let cluster = "0123456789abcdef0123456789abcdef"
    static let now = Timestamp.test
    static let machine = Identity.machine(MembershipID(rawValue: "m-1"))

    let authority: ClusterAuthority

    init() throws {
        authority = try ClusterAuthority.create(clusterID: Self.cluster, clusterName: "Example mail", now: Self.now)
    }

    private func verify(
        _ chain: CertificateChain, trust: [TrustedAuthority]? = nil, cluster: String = Self.cluster, at now: Timestamp = Self.now
    ) throws -> Identity {
        try verifyIdentity(chainDER: chain.der, trust: trust ?? [authority.trusted], clusterID: cluster, now: now)
    }

    @Test(arguments: [machine, .manager("manager-1.example.com")])
    func `an issued certificate proves its identity, here and to openssl`(_ identity: Identity) async throws {
        let key = try PrivateKey.generate(.ecdsaP256)
        let request = try CertificateRequest.make(key: key, commonName: "anything")
        let chain = try authority.issue(identity, publicKeyOf: CertificateRequest(pem: request.pem), lifetimeDays: 30, now: Self.now)
        #expect(try verify(chain) == identity)
        #expect(chain.isServed(by: key))
        #expect(try TrustedAuthority.pinned([authority.fingerprint], in: chain.der) == [authority.trusted])

        let openssl = try OpenSSLTool()
        try openssl.write("authority.pem", authority.certificatePEM)
        try openssl.write("chain.pem", chain.pem)
        for purpose in ["sslserver", "sslclient"] {
            try await openssl("verify", "-x509_strict", "-purpose", purpose, "-CAfile", "@authority.pem", "@chain.pem")
        }
        let text = try await openssl("x509", "-in", "@chain.pem", "-noout", "-text")
        #expect(text.contains("URI:\(identity.uri(clusterID: Self.cluster))"))
        let own = try await openssl("x509", "-in", "@authority.pem", "-noout", "-text")
        #expect(own.contains("CA:TRUE, pathlen:0") && own.contains("Certificate Sign\n"))
    }

    @Test func `the authority survives being written and read`() throws {
        let again = try ClusterAuthority(certificatePEM: authority.certificatePEM, keyPEM: authority.keyPEM)
        #expect(again.fingerprint == authority.fingerprint && again.clusterID == Self.cluster)
        let chain = try again.issue(
            Self.machine, for: .generate(.ed25519), names: ["admin.example", "192.0.2.7"], lifetimeDays: 1, now: Self.now)
        #expect(try verify(chain) == Self.machine)
        #expect(chain.facts.first?.names == ["admin.example", "192.0.2.7"])
        let other = try PrivateKey.generate(.ecdsaP256)
        #expect(throws: Refusal(.unreadable, "")) { try ClusterAuthority(certificatePEM: authority.certificatePEM, keyPEM: other.pem) }
    }

    @Test func `a certificate outlives neither its days nor its authority`() throws {
        let key = try PrivateKey.generate(.ecdsaP256)
        let chain = try authority.issue(Self.machine, for: key, lifetimeDays: 30, now: Self.now)
        #expect(try verify(chain, at: Self.now.adding(days: 30)) == Self.machine)
        for moment in [Self.now.adding(days: 30).adding(seconds: 1), Self.now.adding(seconds: -3601)] {
            #expect(throws: Refusal(.unauthenticated, "")) { try verify(chain, at: moment) }
        }
        let late = Self.now.adding(days: 40)
        let returned = try verifyIdentity(
            chainDER: chain.der, trust: [authority.trusted], clusterID: Self.cluster, now: late, acceptingExpired: true)
        #expect(returned == Self.machine)
        let last = try authority.issue(Self.machine, for: key, lifetimeDays: 30, now: authority.notAfter.adding(days: -1))
        #expect(last.facts.first?.notAfter == authority.notAfter)
        #expect(throws: Refusal(.unauthenticated, "")) { try verify(last, at: authority.notAfter.adding(seconds: 1)) }
        #expect(throws: Refusal(.invalid, "")) { try authority.issue(Self.machine, for: key, lifetimeDays: 1, now: authority.notAfter) }
    }

    @Test func `foreign authorities, other clusters and authorities as leaves prove nothing`() throws {
        let key = try PrivateKey.generate(.ecdsaP256)
        // The same names throughout: only the key differs.
        let foreign = try ClusterAuthority.create(clusterID: Self.cluster, clusterName: "Example mail", now: Self.now)
        let other = try ClusterAuthority.create(clusterID: "other", clusterName: "Example mail", now: Self.now)
        let issued = try foreign.issue(Self.machine, for: key, lifetimeDays: 1, now: Self.now)
        #expect(throws: Refusal(.unauthenticated, "")) { try verify(issued) }
        #expect(try verify(issued, trust: [authority.trusted, foreign.trusted]) == Self.machine)
        let elsewhere = try other.issue(Self.machine, for: key, lifetimeDays: 1, now: Self.now)
        #expect(throws: Refusal(.unauthenticated, "")) { try verify(elsewhere, trust: [authority.trusted, other.trusted]) }
        #expect(throws: Refusal(.unauthenticated, "")) { try verify(elsewhere, trust: [other.trusted]) }
        #expect(throws: Refusal(.unauthenticated, "")) { try verify(CertificateChain(pem: authority.certificatePEM)) }
        #expect(throws: Refusal(.unauthenticated, "")) {
            try verify(makeSelfSigned(SelfSignedRequest(commonName: "a"), now: Self.now).chain)
        }
        #expect(throws: Refusal(.unauthenticated, "")) { try TrustedAuthority.pinned([authority.fingerprint], in: issued.der) }
        for der in [[], [[]], [[1, 2, 3]]] as [[[UInt8]]] {
            #expect(throws: Refusal(.unauthenticated, "")) {
                try verifyIdentity(chainDER: der, trust: [authority.trusted], clusterID: Self.cluster, now: Self.now)
            }
        }
    }

    /// What an authority of ours never issues, signed by it all the same.
    static let oddities = [
        ("one URI", "URI:spiffe://\(cluster)/machine/m-1", "", true),
        ("two URIs", "URI:spiffe://\(cluster)/machine/m-1,URI:spiffe://\(cluster)/machine/m-2", "", false),
        ("the same URI twice", "URI:spiffe://\(cluster)/machine/m-1,URI:spiffe://\(cluster)/machine/m-1", "", false),
        ("no URI", "DNS:a.example", "", false),
        ("another cluster", "URI:spiffe://other/machine/m-1", "", false),
        ("a web address", "URI:https://\(cluster)/machine/m-1", "", false),
        ("a longer path", "URI:spiffe://\(cluster)/machine/m-1/x", "", false),
        ("an authority", "URI:spiffe://\(cluster)/machine/m-1", "basicConstraints=critical,CA:TRUE", false),
        ("only a client", "URI:spiffe://\(cluster)/machine/m-1", "extendedKeyUsage=clientAuth", false),
        ("no signatures", "URI:spiffe://\(cluster)/machine/m-1", "keyUsage=critical,keyAgreement", false),
        ("an unknown demand", "URI:spiffe://\(cluster)/machine/m-1", "1.2.3.4=critical,DER:0500", false),
    ]

    @Test(arguments: oddities)
    func `only a plain leaf with one identity is accepted`(_ name: String, _ names: String, _ extra: String, _ accepted: Bool) async throws
    {
        let openssl = try OpenSSLTool()
        try openssl.write("ca.pem", authority.certificatePEM)
        try openssl.write("ca.key", authority.keyPEM)
        try openssl.write("key.pem", try PrivateKey.generate(.ecdsaP256).pem)
        let usual = ["basicConstraints=critical,CA:FALSE", "keyUsage=critical,digitalSignature", "extendedKeyUsage=serverAuth,clientAuth"]
        let field = extra.prefix { $0 != "=" } + "="
        let lines = usual.filter { !$0.hasPrefix(field) || extra.isEmpty } + [extra, "subjectAltName=\(names)"]
        try openssl.write("extensions", lines.joined(separator: "\n") + "\n")
        try await openssl("req", "-new", "-key", "@key.pem", "-subj", "/CN=x", "-out", "@request.pem")
        try await openssl(
            "x509", "-req", "-in", "@request.pem", "-CA", "@ca.pem", "-CAkey", "@ca.key", "-days", "2", "-extfile", "@extensions", "-out",
            "@leaf.pem")
        let chain = try CertificateChain(pem: openssl.text("leaf.pem"))
        // openssl's clock was read after this suite's.
        let now = Self.now.adding(seconds: 600)
        if accepted {
            #expect(try verify(chain, at: now) == Self.machine)
        } else {
            #expect(throws: Refusal(.unauthenticated, "")) { try verify(chain, at: now) }
        }
    }

    @Test func `an altered certificate is refused at whatever byte it was altered`() throws {
        let chain = try authority.issue(Self.machine, for: .generate(.ecdsaP256), lifetimeDays: 1, now: Self.now)
        let der = try #require(chain.der.first)
        for index in der.indices where index != unusedBits(in: der) {
            var altered = der
            altered[index] ^= 0x04
            #expect(throws: Refusal(.unauthenticated, ""), "byte \(index)") {
                try verifyIdentity(chainDER: [altered], trust: [authority.trusted], clusterID: Self.cluster, now: Self.now)
            }
        }
    }

    @Test(arguments: [
        "", "spiffe://", "spiffe://c", "spiffe://c/", "spiffe://c/machine", "spiffe://c/machine/", "spiffe:///machine/m",
        "SPIFFE://c/machine/m",
        "spiffe://C/machine/m", "spiffe://c/Machine/m", "spiffe://c/machine/m/", "spiffe://c/machine/..", "spiffe://c/machine/a%20b",
        "spiffe://c/machine/m?x", "spiffe://c/machine/m#x", "spiffe://c:80/machine/m", "spiffe://u@c/machine/m", "spiffe://c/user/m",
        "spiffe://c//machine/m", "spiffe://c/machine/é", " spiffe://c/machine/m",
    ])
    func `what is not exactly an identity is none`(_ uri: String) {
        #expect(Identity.parse(uri: uri) == nil)
    }

    @Test func `an identity that cannot be written is not issued`() throws {
        let key = try PrivateKey.generate(.ecdsaP256)
        for identity in [Identity.manager(""), .manager("a/b"), .manager("a b"), .machine(MembershipID(rawValue: ".."))] {
            #expect(throws: Refusal(.invalid, "")) { try authority.issue(identity, for: key, lifetimeDays: 1, now: Self.now) }
        }
        #expect(throws: Refusal(.invalid, "")) { try ClusterAuthority.create(clusterID: "A/b", clusterName: "x", now: Self.now) }
    }

    @Test func `a request is taken only with its own signature`() async throws {
        let key = try PrivateKey.generate(.ecdsaP256)
        let request = try CertificateRequest.make(key: key, commonName: "mx1")
        #expect(request.key == key.facts)
        let openssl = try OpenSSLTool()
        try openssl.write("request.pem", request.pem)
        try await openssl("req", "-in", "@request.pem", "-verify", "-noout")
        for index in request.der.indices where index != unusedBits(in: request.der) {
            var altered = request.der
            altered[index] ^= 0x04
            #expect(throws: Refusal.self, "byte \(index)") { try CertificateRequest(der: altered) }
        }
    }
}

/// Where the signature at the end of a certificate or request says how many of its last bits mean nothing: X509 accepts any number there,
/// as long as these bits are zero, and the signature stays what it is.
private func unusedBits(in der: [UInt8]) -> Int? {
    der.indices.dropLast(2).last { der[$0] == 3 && Int(der[$0 + 1]) == der.count - $0 - 2 && der[$0 + 2] == 0 }.map { $0 + 2 }
}
