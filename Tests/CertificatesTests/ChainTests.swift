import Certificates
import ClusterModel
import FoundationEssentials
import Testing

@Suite struct ChainTests {
    @Test(arguments: KeyAlgorithm.allCases)
    func `a self-signed certificate is what was asked for, also by openssl's word`(_ algorithm: KeyAlgorithm) async throws {
        var request = SelfSignedRequest(
            commonName: "mx1.example.com", names: ["MX2.example.com", "192.0.2.1", "2001:db8::1", "*.example.org"], days: 30, key: algorithm
        )
        request.country = "DE"
        request.state = "Bavaria, Upper"
        request.locality = "Múnich"
        request.organization = "Example \"GmbH\" "
        request.organizationalUnit = "#1 <Mail>; A+B\\C"
        let now = Timestamp.test
        let made = try makeSelfSigned(request, now: now)
        let facts = try #require(made.chain.facts.first)
        #expect(facts.names == ["mx1.example.com", "mx2.example.com", "192.0.2.1", "2001:db8::1", "*.example.org"])
        #expect(facts.isSelfIssued && !facts.isAuthority)
        #expect(facts.notBefore == now.adding(seconds: -3600) && facts.notAfter == now.adding(days: 30))
        #expect(made.setting.request == request && made.setting.origin == .selfSigned)
        #expect(made.setting.key == made.key.facts && made.setting.chainBlob == Digest(hashing: made.chain.pem.utf8))

        let openssl = try OpenSSLTool()
        try openssl.write("certificate.pem", made.chain.pem)
        try openssl.write("key.pem", made.key.pem)
        try await expectFacts(facts, match: "certificate.pem", openssl)
        try await openssl("verify", "-x509_strict", "-CAfile", "@certificate.pem", "@certificate.pem")
        let text = try await openssl("x509", "-in", "@certificate.pem", "-noout", "-text")
        for part in [
            "CA:FALSE", "TLS Web Server Authentication, TLS Web Client Authentication", "Subject Key Identifier", "Digital Signature",
        ] {
            #expect(text.contains(part))
        }
        #expect(text.contains("Key Encipherment") == algorithm.rawValue.hasPrefix("rsa"))
    }

    @Test func `foreign subjects read as openssl prints them`() async throws {
        let openssl = try OpenSSLTool()
        let subjects = [
            "/C=DE/ST= Bavaria/O=#Example, Inc. /OU=A+B=C/CN=mx.example.com",
            "/DC=com/DC=example/UID=mail/emailAddress=postmaster@example.com/serialNumber=42/GN=Ann/SN=Smith/title=Dr",
            "/jurisdictionC=DE/businessCategory=Private Organization/postalCode=80331/street=Weg 1/1.2.3.4=unknown/CN=x",
            "/CN=müller.example/O=日本", "/",
        ]
        for (index, subject) in subjects.enumerated() {
            try await openssl(
                "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", "@key.pem", "-utf8",
                index == 1 ? "-multivalue-rdn" : "-sha384", "-subj", subject, "-days", "3", "-out", "@c\(index).pem", "-set_serial",
                "0xF0AB\(index)0")
            let facts = try #require(try CertificateChain(pem: openssl.text("c\(index).pem")).facts.first)
            try await expectFacts(facts, match: "c\(index).pem", openssl)
            #expect(facts.signature == (index == 1 ? "ecdsa-with-sha256" : "ecdsa-with-sha384"))
        }
    }

    /// Compares facts with what `openssl x509` says of the same certificate.
    private func expectFacts(_ facts: CertificateFacts, match file: String, _ openssl: borrowing OpenSSLTool) async throws {
        let printed = try await openssl(
            "x509", "-in", "@\(file)", "-noout", "-subject", "-issuer", "-serial", "-fingerprint", "-sha256", "-nameopt", "RFC2253,-esc_msb"
        )
        var said: [String: String] = [:]
        for line in printed.split(separator: "\n") {
            let parts = line.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            said[String(parts[0])] = String(parts[1])
        }
        #expect(said["subject"] == facts.subject)
        #expect(said["issuer"] == facts.issuer)
        #expect(said["serial"]?.lowercased() == facts.serial)
        #expect(said["sha256 Fingerprint"]?.replacing(":", with: "").lowercased() == facts.fingerprint.hex)
    }

    @Test func `the canonical text does not depend on how the file was laid out`() throws {
        let made = try makeSelfSigned(SelfSignedRequest(commonName: "a.example"), now: .test)
        let inner = made.chain.pem.split(separator: "\n").dropFirst().dropLast()
        let oneLine = "Bag Attributes\n-----BEGIN CERTIFICATE----- \r\n\(inner.joined())\r\n-----END CERTIFICATE-----\r\n"
        let read = try CertificateChain(pem: oneLine + made.key.pem)
        #expect(read.pem == made.chain.pem && read.blob == made.setting.chainBlob && read.facts == made.chain.facts)
    }

    @Test func `certificates in any order become a chain, and the key finds its leaf`() throws {
        let authority = try ClusterAuthority.create(clusterID: "c1", clusterName: "test", now: .test)
        let (key, other) = (try PrivateKey.generate(.ecdsaP256), try PrivateKey.generate(.ecdsaP256))
        let issued = try authority.issue(.manager("m"), for: key, lifetimeDays: 1, now: .test)
        let foreign = try makeSelfSigned(SelfSignedRequest(commonName: "b.example"), now: .test)
        let text = foreign.chain.pem + authority.certificatePEM + issued.pem + issued.pem
        let identity = try ImportedIdentity(keyPEM: key.pem, chainPEM: text)
        #expect(identity.chain.facts == issued.facts + foreign.chain.facts)
        #expect(identity.setting(origin: .uploaded).origin == .uploaded)
        #expect(throws: Refusal(.unreadable, "")) { try ImportedIdentity(keyPEM: other.pem, chainPEM: text) }
        #expect(throws: Refusal(.unreadable, "")) { try ImportedIdentity(key: other, chain: issued) }
    }

    @Test func `no certificate, a damaged one and too many are refused`() throws {
        let made = try makeSelfSigned(SelfSignedRequest(commonName: "a.example"), now: .test)
        #expect(throws: Refusal(.unreadable, "")) { try CertificateChain(pem: made.key.pem) }
        #expect(throws: Refusal(.unreadable, "")) {
            try CertificateChain(pem: made.chain.pem.replacing("MI", with: "AA", maxReplacements: 1))
        }
        #expect(throws: Refusal(.unreadable, "")) { try CertificateChain(pem: String(made.chain.pem.dropLast(5))) }
        let many = String(repeating: made.chain.pem, count: Limits.chainLength)
        #expect(try CertificateChain(pem: many).certificates.count == Limits.chainLength)
        #expect(throws: Refusal(.limit, "")) { try CertificateChain(pem: many + made.chain.pem) }
        #expect(throws: Refusal(.limit, "")) { try CertificateChain(pem: String(repeating: " ", count: Limits.certificateFileBytes + 1)) }
    }

    @Test func `a certificate with a key that is too short says so`() async throws {
        let openssl = try OpenSSLTool()
        try await openssl("req", "-x509", "-newkey", "rsa:1024", "-nodes", "-keyout", "@key.pem", "-subj", "/CN=x", "-out", "@short.pem")
        let text = try openssl.text("short.pem")
        let refusal = #expect(throws: Refusal.self) { try CertificateChain(pem: text) }
        #expect(refusal?.reason.contains("RSA keys of 2048 bits") == true && refusal?.reason.contains(".swift") == false)
    }

    @Test(arguments: ["", "a b", "-a.example", "*.*.example", "a..example", "mx.example\n"])
    func `a name that no certificate can have is refused`(_ name: String) {
        #expect(throws: Refusal(.invalid, "")) { try makeSelfSigned(SelfSignedRequest(commonName: "a.example", names: [name]), now: .test) }
    }

    @Test func `a common name that is no host name is no subject alternative name`() throws {
        let made = try makeSelfSigned(SelfSignedRequest(commonName: "Muster demo", names: ["a.example"]), now: .test)
        #expect(made.chain.facts.first?.names == ["a.example"])
        #expect(made.chain.facts.first?.subject == "CN=Muster demo")
    }
}
