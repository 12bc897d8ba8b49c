import Certificates
import ClusterModel
import FoundationEssentials
import Testing

@Suite struct EncryptedKeyTests {
    static let protections: [[String]] = [
        [], ["-v2", "aes-128-cbc", "-v2prf", "hmacWithSHA1"], ["-v2", "aes-192-cbc", "-v2prf", "hmacWithSHA512"], ["-v2", "des3"],
        ["-v2", "aes256", "-iter", "100000"], ["-scrypt"], ["-scrypt", "-scrypt_N", "1024", "-scrypt_r", "4", "-scrypt_p", "3"],
        ["-v1", "PBE-SHA1-3DES"], ["-v1", "PBE-SHA1-RC4-128", "-provider", "legacy", "-provider", "default"],
    ]

    @Test(arguments: protections, ["secret", "Pässwörd 日本"])
    func `encrypted keys are read with their password and with no other`(_ options: [String], _ password: String) async throws {
        let key = try PrivateKey.generate(.rsa2048)
        let openssl = try OpenSSLTool()
        try openssl.write("key.pem", key.pem)
        try await openssl(
            arguments: ["pkcs8", "-topk8", "-in", "@key.pem", "-passout", "pass:\(password)", "-out", "@encrypted.pem"] + options)
        let text = try openssl.text("encrypted.pem")
        #expect(try PrivateKey(pem: text, password: password).facts == key.facts)
        for wrong in [password + "x", ""] {
            let refusal = #expect(throws: Refusal.self) { try PrivateKey(pem: text, password: wrong) }
            #expect(refusal?.code == .unreadable && refusal?.reason.contains("password is wrong") == true)
        }
        let refusal = #expect(throws: Refusal.self) { try PrivateKey(pem: text) }
        #expect(refusal?.reason.contains("Give the password") == true)
        let made = try makeSelfSigned(SelfSignedRequest(commonName: "a.example"), now: .test)
        #expect(throws: Refusal(.unreadable, "")) {
            try ImportedIdentity(keyPEM: text, chainPEM: made.chain.pem, keyPassword: password)
        }
    }

    @Test func `an encrypted key goes with its certificate`() async throws {
        let made = try makeSelfSigned(SelfSignedRequest(commonName: "a.example"), now: .test)
        let openssl = try OpenSSLTool()
        try openssl.write("key.pem", made.key.pem)
        try await openssl("pkcs8", "-topk8", "-scrypt", "-in", "@key.pem", "-passout", "pass:secret", "-out", "@encrypted.pem")
        let both = try openssl.text("encrypted.pem") + made.chain.pem
        #expect(try ImportedIdentity(keyPEM: both, chainPEM: both, keyPassword: "secret").chain.facts == made.chain.facts)
    }

    /// An encrypted key whose derivation has these parameters, with nothing behind it.
    private func file(derivation: TLV) throws -> String {
        let cipher = TLV.sequence(.object([0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x01, 0x2A]), .octets(Array(0...15)))
        let algorithm = TLV.sequence(.object([0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 0x01, 0x05, 0x0D]), .sequence(derivation, cipher))
        let bytes = TLV.sequence(algorithm, .octets([UInt8](repeating: 7, count: 64))).bytes
        return "-----BEGIN ENCRYPTED PRIVATE KEY-----\n\(Data(bytes).base64EncodedString())\n-----END ENCRYPTED PRIVATE KEY-----\n"
    }

    private static let scrypt: [UInt8] = [0x2B, 0x06, 0x01, 0x04, 0x01, 0xDA, 0x47, 0x04, 0x0B]
    private static let pbkdf2: [UInt8] = [0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 0x01, 0x05, 0x0C]

    @Test(
        .timeLimit(.minutes(1)),
        arguments: [
            // N, r, p: memory, work, and numbers that overflow.
            ([0x01, 0x00, 0x00], [8], [1], Refusal.Code.limit), ([0x40, 0, 0, 0, 0, 0, 0], [8], [1], .limit),
            ([0x04, 0x00], [8], [0x7F, 0xFF, 0xFF], .limit), ([0x04, 0x00], [0x7F] + [UInt8](repeating: 0xFF, count: 20), [1], .limit),
            ([0x40, 0x00], [8], [0x10], .limit), ([0x03], [8], [1], .unreadable), ([0x01], [8], [1], .unreadable),
            ([0x00], [8], [1], .unreadable),
            ([0x04, 0x00], [0], [1], .unreadable), ([0x40, 0x00], [8], [1], .unreadable),
        ] as [([UInt8], [UInt8], [UInt8], Refusal.Code)])
    func `the cost of scrypt is limited before it is paid`(
        _ cost: [UInt8], _ block: [UInt8], _ parallel: [UInt8], _ code: Refusal.Code
    ) throws {
        let text = try file(
            derivation: .sequence(
                .object(Self.scrypt), .sequence(.octets(Array(1...8)), TLV(0x02, cost), TLV(0x02, block), TLV(0x02, parallel))))
        let refusal = #expect(throws: Refusal.self) { try PrivateKey(pem: text, password: "x") }
        #expect(refusal?.code == code, "\(refusal?.reason ?? "")")
    }

    @Test(
        .timeLimit(.minutes(1)),
        arguments: [([0x7F, 0xFF, 0xFF], Refusal.Code.limit), ([0x7F, 0xFF, 0xFF, 0xFF, 0xFF], .limit), ([0x01], .unreadable)]
            as [([UInt8], Refusal.Code)])
    func `the iterations of PBKDF2 are limited before they are done`(_ iterations: [UInt8], _ code: Refusal.Code) throws {
        let text = try file(derivation: .sequence(.object(Self.pbkdf2), .sequence(.octets(Array(1...8)), TLV(0x02, iterations))))
        let refusal = #expect(throws: Refusal.self) { try PrivateKey(pem: text, password: "x") }
        #expect(refusal?.code == code)
    }

    @Test func `a long password and a cut file are refused`() async throws {
        let text = try file(derivation: .sequence(.object(Self.pbkdf2), .sequence(.octets(Array(1...8)), .integer(1))))
        #expect(throws: Refusal(.limit, "")) {
            try PrivateKey(pem: text, password: String(repeating: "x", count: Limits.passwordBytes + 1))
        }
        let cut = "-----BEGIN ENCRYPTED PRIVATE KEY-----\nMAMCAQA=\n-----END ENCRYPTED PRIVATE KEY-----\n"
        #expect(throws: Refusal(.unreadable, "")) { try PrivateKey(pem: cut, password: "x") }
    }
}
