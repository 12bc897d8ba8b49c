import Certificates
import ClusterModel
import FoundationEssentials
import Testing

@Suite struct RequestTests {
    static var asking: SelfSignedRequest {
        var request = SelfSignedRequest(
            commonName: "mx1.example.com", names: ["MX2.example.com", "192.0.2.1", "2001:db8::1", "*.example.org"])
        request.country = "DE"
        request.state = "Bavaria, Upper"
        request.locality = "Múnich"
        request.organization = "Example \"GmbH\""
        request.organizationalUnit = "Mail+More"
        return request
    }

    @Test(arguments: KeyAlgorithm.allCases)
    func `a request says what was asked, and openssl verifies it`(_ algorithm: KeyAlgorithm) async throws {
        let key = try PrivateKey.generate(algorithm)
        let request = try CertificateRequest.make(key: key, asking: Self.asking)
        #expect(request.key == key.facts)
        let names = ["mx1.example.com", "mx2.example.com", "192.0.2.1", "2001:db8::1", "*.example.org"]
        #expect(request.names == names)
        #expect(try CertificateRequest(pem: request.pem).names == names)
        let openssl = try OpenSSLTool()
        try openssl.write("request.pem", request.pem)
        let printed = try await openssl(
            "req", "-in", "@request.pem", "-verify", "-noout", "-text", "-subject", "-nameopt", "RFC2253,-esc_msb")
        #expect(printed.contains("subject=\(request.subject)\n"))
        #expect(
            printed.contains(
                "DNS:mx1.example.com, DNS:mx2.example.com, IP Address:192.0.2.1, IP Address:2001:DB8:0:0:0:0:0:1, DNS:*.example.org"))
        try await openssl("req", "-in", "@request.pem", "-noout", "-pubkey", "-out", "@public.pem")
        try await openssl("pkey", "-pubin", "-in", "@public.pem", "-outform", "DER", "-out", "@public.der")
        #expect(Digest(hashing: try openssl.bytes("public.der")) == key.facts.fingerprint)
    }

    @Test func `a renewal asks for the subject and names that a certificate has`() async throws {
        let issuers = try TestIssuers()
        try await issuers.root("Root")
        try await issuers.issue(
            "leaf", by: "Root", subject: "/DC=com/O=Ex, Inc./CN=Mail gateway",
            extensions: "subjectAltName=DNS:b.example,IP:192.0.2.7,email:a@b.example,DNS:a.example")
        let key = try PrivateKey(pem: issuers.openssl.text("leaf.key"))
        let request = try CertificateRequest.make(key: key, renewing: issuers.chain("leaf", "Root"))
        #expect(request.subject == "CN=Mail gateway,O=Ex\\, Inc.,DC=com")
        #expect(request.names == ["b.example", "192.0.2.7", "a.example"])
        try issuers.openssl.write("leaf.csr", request.pem)
        try await issuers.openssl("req", "-in", "@leaf.csr", "-verify", "-noout")
        try await issuers.sign("leaf", by: "Root", options: ["-copy_extensions", "copy"])
        let renewed = try issuers.chain("leaf", "Root")
        #expect(renewed.isServed(by: key) && renewed.facts[0].names == request.names && renewed.facts[0].subject == request.subject)

        // A certificate that has its host in the common name only asks for it properly.
        try await issuers.issue("leaf", by: "Root", subject: "/CN=mx1.example.com", extensions: "basicConstraints=CA:FALSE")
        #expect(try CertificateRequest.make(key: key, renewing: issuers.chain("leaf")).names == ["mx1.example.com"])
        try await issuers.issue("leaf", by: "Root", subject: "/CN=Mail gateway", extensions: "basicConstraints=CA:FALSE")
        #expect(try CertificateRequest.make(key: key, renewing: issuers.chain("leaf")).names == [])
    }

    @Test func `a request that nobody could grant is refused`() throws {
        let key = try PrivateKey.generate(.ecdsaP256)
        for names in [["a b"], ["*.*.example"], [""]] {
            #expect(throws: Refusal(.invalid, "")) {
                try CertificateRequest.make(key: key, asking: SelfSignedRequest(commonName: "a.example", names: names))
            }
        }
        let many = (0...Limits.certificateNames).map { "h\($0).example" }
        #expect(throws: Refusal(.limit, "")) {
            try CertificateRequest.make(key: key, asking: SelfSignedRequest(commonName: "Mail gateway", names: many))
        }
        let most = try CertificateRequest.make(
            key: key, asking: SelfSignedRequest(commonName: "Mail gateway", names: Array(many.dropLast())))
        #expect(most.names == many.dropLast())
    }

    @Test func `foreign requests read as openssl wrote them`() async throws {
        let issuers = try TestIssuers()
        try issuers.key("a")
        try await issuers.openssl(
            "req", "-new", "-key", "@a.key", "-subj", "/CN=a.example", "-addext", "subjectAltName=DNS:a.example,URI:x:y,IP:::1", "-addext",
            "keyUsage=digitalSignature", "-out", "@a.csr")
        let request = try CertificateRequest(pem: issuers.openssl.text("a.csr"))
        #expect(request.names == ["a.example", "::1"] && request.subject == "CN=a.example")
    }
}
