import Certificates
import ClusterModel
import FoundationEssentials
import Testing

@Suite struct UploadTests {
    /// Root, two intermediates and a leaf; a stranger; the first intermediate's name with another key.
    private static func issuers() async throws -> TestIssuers {
        let issuers = try TestIssuers()
        try await issuers.root("Root")
        try await issuers.issue("Upper", by: "Root")
        try await issuers.issue("Lower", by: "Upper")
        try await issuers.issue("leaf", by: "Lower", extensions: TestIssuers.leaf)
        try await issuers.root("Stranger")
        try await issuers.issue("Stale", by: "Upper", subject: "/CN=Lower")
        return issuers
    }

    @Test func `the leaf comes first and intermediates follow as far as they link, in whatever order they came`() async throws {
        let issuers = try await Self.issuers()
        let key = try issuers.fingerprint("leaf")
        for (text, expected) in [
            (try issuers.pem("leaf"), ["leaf"]),
            (try issuers.pem("Upper", "Lower", "leaf"), ["leaf", "Lower", "Upper"]),
            (try issuers.pem("Lower", "leaf", "Lower", "Upper", "leaf"), ["leaf", "Lower", "Upper"]),
            (
                try issuers.pem("Root", "Stranger", "Stale", "Upper", "leaf", "Lower"),
                ["leaf", "Lower", "Upper", "Root", "Stranger", "Lower"]
            ),
            // A hole: what stands above it is kept behind.
            (try issuers.pem("Root", "leaf", "Upper"), ["leaf", "Root", "Upper"]),
        ] {
            let chain = try CertificateChain(upload: Array(text.utf8), forKey: key)
            #expect(chain.commonNames == expected)
            #expect(chain.leafKey.fingerprint == key)
        }
        let chain = try CertificateChain(upload: Array(issuers.pem("Upper", "Root", "Lower", "leaf").utf8), forKey: key)
        try issuers.openssl.write("chain.pem", chain.pem)
        try await issuers.openssl("verify", "-x509_strict", "-CAfile", "@Root.pem", "-untrusted", "@chain.pem", "@chain.pem")
        #expect(try chain.tidied().commonNames == ["leaf", "Lower", "Upper"])
        let der = try CertificateChain(upload: issuers.der("leaf"), forKey: key)
        #expect(der.commonNames == ["leaf"])
    }

    @Test func `a PKCS#7 file gives its certificates, in PEM and in DER, and a damaged one is refused`() async throws {
        let issuers = try await Self.issuers()
        try issuers.openssl.write("all.pem", try issuers.pem("Upper", "leaf", "Lower"))
        try await issuers.openssl("crl2pkcs7", "-nocrl", "-certfile", "@all.pem", "-out", "@text.p7b")
        try await issuers.openssl("crl2pkcs7", "-nocrl", "-certfile", "@all.pem", "-outform", "DER", "-out", "@binary.p7b")
        let key = try issuers.fingerprint("leaf")
        for name in ["text.p7b", "binary.p7b"] {
            let chain = try CertificateChain(upload: try issuers.openssl.bytes(name), forKey: key)
            #expect(chain.commonNames == ["leaf", "Lower", "Upper"])
            #expect(try AuthorityList(bundle: issuers.openssl.bytes(name)).certificates.count == 3)
        }
        let binary = try issuers.openssl.bytes("binary.p7b")
        let cut = #expect(throws: Refusal.self) { try CertificateChain(upload: Array(binary.dropLast(40)), forKey: key) }
        #expect(cut?.code == .unreadable)
        try await issuers.openssl("crl2pkcs7", "-nocrl", "-outform", "DER", "-out", "@empty.p7b")
        let empty = try issuers.openssl.bytes("empty.p7b")
        #expect(throws: Refusal(.unreadable, "The PKCS#7 file holds no certificate.")) { try CertificateChain(upload: empty, forKey: key) }
    }

    @Test func `a certificate of another key is refused with both fingerprints`() async throws {
        let issuers = try await Self.issuers()
        let (ours, theirs) = (try PrivateKey.generate(.ecdsaP256).facts.fingerprint, try issuers.fingerprint("leaf"))
        for file in [Array(try issuers.pem("leaf", "Lower").utf8), try issuers.der("leaf")] {
            let refusal = #expect(throws: Refusal.self) { try CertificateChain(upload: file, forKey: ours) }
            #expect(refusal?.code == .invalid)
            #expect(refusal?.reason.contains(ours.hex) == true && refusal?.reason.contains(theirs.hex) == true)
        }
    }

    @Test func `of an old and a renewed certificate for the key, the one that lasts longer is served`() async throws {
        let issuers = try await Self.issuers()
        let old = try issuers.pem("leaf")
        try await issuers.issue("leaf", by: "Lower", extensions: TestIssuers.leaf, days: 200)
        let renewed = try issuers.chain("leaf")
        for text in [old + renewed.pem, renewed.pem + old] {
            let chain = try CertificateChain(upload: Array(text.utf8), forKey: renewed.leafKey.fingerprint)
            #expect(chain.facts[0].fingerprint == renewed.facts[0].fingerprint)
        }
    }

    @Test func `of an authority's own certificate and one from another authority, the one that leads on is taken`() async throws {
        let issuers = try TestIssuers()
        try await issuers.root("Old")
        try await issuers.root("New")
        let own = try issuers.pem("New")
        try await issuers.issue("New", by: "Old")
        let cross = try issuers.chain("New")
        try await issuers.issue("leaf", by: "New", extensions: TestIssuers.leaf)
        for text in [own + cross.pem, cross.pem + own] {
            let chain = try CertificateChain(upload: Array((text + issuers.pem("leaf")).utf8), forKey: issuers.fingerprint("leaf"))
            #expect(chain.facts[1].fingerprint == cross.facts[0].fingerprint && chain.facts.count == 3)
        }
    }

    @Test func `intermediates may come later`() async throws {
        let issuers = try await Self.issuers()
        let bare = try issuers.chain("leaf")
        let one = try bare.adding(intermediates: issuers.der("Upper"))
        #expect(one.commonNames == ["leaf", "Upper"])
        let both = try one.adding(intermediates: Array(issuers.pem("Root", "Lower", "leaf").utf8))
        #expect(both.commonNames == ["leaf", "Lower", "Upper", "Root"])
        #expect(try both.adding(intermediates: issuers.der("Lower")).facts == both.facts)
        // The fitting intermediate takes the place of the one that is left from before.
        let stale = try issuers.chain("leaf", "Stale")
        #expect(
            try stale.adding(intermediates: issuers.der("Lower")).facts.map(\.fingerprint)
                == issuers.chain("leaf", "Lower", "Stale").facts.map(\.fingerprint))
        // Another certificate of the leaf's key is no intermediate.
        try await issuers.issue("leaf", by: "Lower", extensions: TestIssuers.leaf, days: 200)
        let renewed = try issuers.der("leaf")
        #expect(throws: Refusal(.invalid, "")) { try bare.adding(intermediates: renewed) }
    }

    @Test func `what is no certificate, too long or too much is refused`() async throws {
        let issuers = try await Self.issuers()
        let key = try issuers.fingerprint("leaf")
        let der = try issuers.der("leaf")
        for file in [[], [0x30], Array("hello".utf8), Array(der.dropLast()), der + [0], Array(try issuers.openssl.text("leaf.key").utf8)]
            as [[UInt8]]
        {
            #expect(throws: Refusal(.unreadable, "")) { try CertificateChain(upload: file, forKey: key) }
        }
        #expect(throws: Refusal(.limit, "")) {
            try CertificateChain(upload: [UInt8](repeating: 0x30, count: Limits.certificateFileBytes + 1), forKey: key)
        }
        var text = try issuers.pem("leaf")
        for _ in 0..<Limits.chainLength { text += try makeSelfSigned(SelfSignedRequest(commonName: "x.example"), now: .test).chain.pem }
        #expect(throws: Refusal(.limit, "")) { try CertificateChain(upload: Array(text.utf8), forKey: key) }
    }
}
