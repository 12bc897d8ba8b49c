import Certificates
import ClusterModel
import FoundationEssentials
import Testing

@Suite struct KeyTests {
    @Test(arguments: KeyAlgorithm.allCases)
    func `openssl reads every kind of key that is made, and finds the same public key`(_ algorithm: KeyAlgorithm) async throws {
        let key = try PrivateKey.generate(algorithm)
        let openssl = try OpenSSLTool()
        try openssl.write("key.pem", key.pem)
        try await openssl("pkey", "-in", "@key.pem", "-pubout", "-outform", "DER", "-out", "@public.der")
        #expect(Digest(hashing: try openssl.bytes("public.der")) == key.facts.fingerprint)
        #expect(key.facts.algorithm == algorithm.rawValue)
        #expect(try PrivateKey(pem: key.pem).facts == key.facts)
        #expect(try PrivateKey(der: key.der).facts == key.facts)
    }

    @Test func `keys in PKCS 8, PKCS 1 and SEC 1 are read, with parameters before them and other line ends`() async throws {
        let openssl = try OpenSSLTool()
        try await openssl("genrsa", "-traditional", "-out", "@rsa.pem", "2048")
        try await openssl("ecparam", "-name", "secp384r1", "-genkey", "-out", "@ec.pem")
        try await openssl("genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-521", "-out", "@p521.pem")
        for (name, label, algorithm) in [
            ("rsa.pem", "BEGIN RSA PRIVATE KEY", "rsa-2048"), ("ec.pem", "BEGIN EC PARAMETERS", "ecdsa-p384"),
            ("p521.pem", "BEGIN PRIVATE KEY", "ecdsa-p521"),
        ] {
            let text = try openssl.text(name)
            #expect(text.contains(label))
            let key = try PrivateKey(pem: text)
            #expect(key.facts.algorithm == algorithm)
            let other = "\u{FEFF}A key\r\n" + text.split(separator: "\n").joined(separator: " \t\r\n") + "\r\n"
            #expect(try PrivateKey(pem: other).facts == key.facts)
            try await openssl("pkey", "-in", "@\(name)", "-pubout", "-outform", "DER", "-out", "@public.der")
            #expect(Digest(hashing: try openssl.bytes("public.der")) == key.facts.fingerprint)
            try openssl.write("again.pem", key.pem)
            try await openssl("pkey", "-in", "@again.pem", "-check", "-noout")
        }
    }

    @Test func `an encrypted key is refused with the way out`() async throws {
        let openssl = try OpenSSLTool()
        try openssl.write("key.pem", try PrivateKey.generate(.ecdsaP256).pem)
        try await openssl("pkcs8", "-topk8", "-in", "@key.pem", "-passout", "pass:secret", "-out", "@pkcs8.pem")
        try await openssl("ec", "-in", "@key.pem", "-aes128", "-passout", "pass:secret", "-out", "@ec.pem")
        for name in ["pkcs8.pem", "ec.pem"] {
            let text = try openssl.text(name)
            let refusal = #expect(throws: Refusal.self) { try PrivateKey(pem: text) }
            #expect(refusal?.code == .unreadable)
            #expect(refusal?.reason.contains("encrypted") == true)
        }
    }

    @Test(arguments: [
        "", "no key", "-----BEGIN PRIVATE KEY-----\n", "-----BEGIN PRIVATE KEY-----\n!\n-----END PRIVATE KEY-----\n",
        "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n",
        "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END EC PRIVATE KEY-----\n",
    ])
    func `what is no key is refused`(_ text: String) {
        #expect(throws: Refusal(.unreadable, "")) { try PrivateKey(pem: text) }
    }

    @Test func `two keys are refused, and so is a key that is too short`() async throws {
        let (one, two) = (try PrivateKey.generate(.ecdsaP256), try PrivateKey.generate(.ed25519))
        #expect(throws: Refusal(.unreadable, "")) { try PrivateKey(pem: one.pem + two.pem) }
        let openssl = try OpenSSLTool()
        try await openssl("genrsa", "-out", "@short.pem", "1024")
        let short = try openssl.text("short.pem")
        #expect(throws: Refusal(.unreadable, "")) { try PrivateKey(pem: short) }
    }

    @Test func `no way of printing a secret shows it`() throws {
        let key = try PrivateKey.generate(.ecdsaP256)
        let authority = try ClusterAuthority.create(clusterID: "c1", clusterName: "test", now: .test)
        let master = MasterKey.generate()
        for value in [key, authority, master] as [any Sendable] {
            var dumped = ""
            dump(value, to: &dumped)
            for text in ["\(value)", String(reflecting: value), dumped] {
                #expect(text.contains("<redacted>"))
                #expect(!text.contains("PRIVATE KEY") && !text.contains("UInt8") && !text.contains("SymmetricKey"))
            }
        }
    }
}

extension Timestamp {
    /// A moment for tests that do not care which, near enough that `openssl verify` cares neither.
    static var test: Timestamp { Timestamp(.now) }
}
