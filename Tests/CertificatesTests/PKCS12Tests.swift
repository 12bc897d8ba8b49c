import Certificates
import ClusterModel
import FoundationEssentials
import SeededRandomness
import Testing

/// A key with a leaf, its issuer and the root, made by `openssl`, once for all tests.
struct Material: Sendable {
    let key: PrivateKey
    let rootKey: PrivateKey
    /// Leaf, issuer, root.
    let chain: CertificateChain

    static let shared = Task { try await Material() }

    private init() async throws {
        let openssl = try OpenSSLTool()
        for name in ["root", "issuer", "leaf"] { try openssl.write("\(name).key", try PrivateKey.generate(.ecdsaP256).pem) }
        try openssl.write("authority", "basicConstraints=critical,CA:TRUE\n")
        try await openssl("req", "-x509", "-key", "@root.key", "-subj", "/CN=Root", "-days", "9", "-out", "@root.pem")
        try await openssl("req", "-new", "-key", "@issuer.key", "-subj", "/CN=Issuer", "-out", "@issuer.csr")
        try await openssl(
            "x509", "-req", "-in", "@issuer.csr", "-CA", "@root.pem", "-CAkey", "@root.key", "-days", "9", "-extfile", "@authority", "-out",
            "@issuer.pem")
        try await openssl("req", "-new", "-key", "@leaf.key", "-subj", "/CN=mx1.example.com", "-out", "@leaf.csr")
        try await openssl(
            "x509", "-req", "-in", "@leaf.csr", "-CA", "@issuer.pem", "-CAkey", "@issuer.key", "-days", "9", "-out", "@leaf.pem")
        key = try PrivateKey(pem: openssl.text("leaf.key"))
        rootKey = try PrivateKey(pem: openssl.text("root.key"))
        chain = try CertificateChain(pem: openssl.text("leaf.pem") + openssl.text("issuer.pem") + openssl.text("root.pem"))
    }
}

/// A directory with the material, where `openssl` exports PKCS#12 files of it.
struct Exporter: ~Copyable {
    let openssl: OpenSSLTool
    let key: PrivateKey
    let chain: CertificateChain

    init() async throws {
        let material = try await Material.shared.value
        let openssl = try OpenSSLTool()
        try openssl.write("leaf.key", material.key.pem)
        try openssl.write("root.key", material.rootKey.pem)
        let pems = try material.chain.certificates.map { try CertificateChain([$0]).pem }
        for (name, pem) in zip(["leaf.pem", "issuer.pem", "root.pem"], pems) { try openssl.write(name, pem) }
        // The root stands before the issuer, as no server should send it.
        try openssl.write("rest.pem", pems[2] + pems[1])
        self.openssl = openssl
        key = material.key
        chain = material.chain
    }

    /// A file with everything, by `openssl pkcs12 -export` and these options.
    func export(_ options: [String], password: String = "secret") async throws -> [UInt8] {
        try await run(["-inkey", "@leaf.key", "-in", "@leaf.pem", "-certfile", "@rest.pem"] + options, password: password)
    }

    func run(_ options: [String], password: String = "secret") async throws -> [UInt8] {
        try await openssl(arguments: ["pkcs12", "-export"] + options + ["-passout", "pass:\(password)", "-out", "@file.p12"])
        return try openssl.bytes("file.p12")
    }
}

/// The ways in which programs have protected these files over the years.
struct Protection: Sendable, CustomTestStringConvertible {
    let options: [String]
    var testDescription: String { options.joined(separator: " ") }
    var isLegacy: Bool { options.contains { $0 == "-legacy" || $0.contains("DES") || $0.contains("RC2") || $0.contains("RC4") } }

    static let all: [Protection] = [
        [], ["-legacy"], ["-legacy", "-certpbe", "PBE-SHA1-RC4-128", "-keypbe", "PBE-SHA1-RC4-40"],
        ["-legacy", "-certpbe", "PBE-SHA1-RC2-128", "-keypbe", "PBE-SHA1-2DES"],
        ["-keypbe", "PBE-SHA1-3DES", "-certpbe", "PBE-SHA1-3DES", "-macalg", "sha1"],
        ["-keypbe", "AES-128-CBC", "-certpbe", "AES-192-CBC", "-macalg", "sha512"], ["-keypbe", "DES-EDE3-CBC", "-macalg", "md5"],
        ["-nomac"], ["-legacy", "-nomac"], ["-keypbe", "NONE", "-certpbe", "NONE"], ["-keypbe", "NONE", "-certpbe", "NONE", "-nomac"],
        ["-noiter", "-nomaciter"], ["-keysig"], ["-name", "Größe 1", "-caname", "Root"],
    ].map(Protection.init)
}

@Suite struct PKCS12Tests {
    @Test(arguments: Protection.all, ["secret", "", "Pässwörd 日本"])
    func `every file that openssl exports is read`(_ protection: Protection, _ password: String) async throws {
        let exporter = try await Exporter()
        let bytes = try await exporter.export(protection.options, password: password)
        let content = try PKCS12.open(bytes, password: password)
        let identity = content.identity
        #expect(identity.key.facts == exporter.key.facts)
        #expect(identity.chain.facts == exporter.chain.facts)
        #expect(content.hasLegacyEncryption == protection.isLegacy)
        #expect(content.isAuthenticated == !protection.options.contains("-nomac"))
        #expect(content.friendlyNames == (protection.options.contains("-name") ? ["Größe 1", "Größe 1", "Root"] : []))
        #expect(identity.setting().origin == .imported)
        // A file without MAC and encryption has no password to be wrong.
        guard !protection.options.contains("-nomac") || !protection.options.contains("NONE") else { return }
        let refusal = #expect(throws: Refusal.self) { try PKCS12.read(bytes, password: password + "x") }
        #expect(refusal?.code == .unreadable && refusal?.reason.contains("password is wrong") == true)
    }

    @Test(arguments: KeyAlgorithm.allCases)
    func `what is written, openssl and we read`(_ algorithm: KeyAlgorithm) async throws {
        let made = try makeSelfSigned(SelfSignedRequest(commonName: "mx1.example.com", key: algorithm), now: .test)
        let name = "Gateway 1"
        for password in ["Pässwörd", ""] {
            let bytes = try PKCS12.write(key: made.key, chain: made.chain, password: password, friendlyName: name)
            let read = try PKCS12.read(bytes, password: password)
            #expect(read.key.pem == made.key.pem && read.chain.pem == made.chain.pem)
            let openssl = try OpenSSLTool()
            try openssl.write("file.p12", bytes)
            let text = try await openssl(arguments: ["pkcs12", "-in", "@file.p12", "-passin", "pass:\(password)", "-noenc"])
            #expect(text.contains("friendlyName: \(name)"))
            #expect(try PrivateKey(pem: text).facts == made.key.facts)
            #expect(try CertificateChain(pem: text).facts == made.chain.facts)
        }
    }

    @Test func `a file that lacks something says what`() async throws {
        let exporter = try await Exporter()
        func expectRefusal(_ bytes: [UInt8], naming part: String) {
            let refusal = #expect(throws: Refusal.self) { try PKCS12.read(bytes, password: "secret") }
            #expect(refusal?.code == .unreadable && refusal?.reason.contains(part) == true, "\(refusal?.reason ?? "")")
        }
        expectRefusal(try await exporter.run(["-nokeys", "-in", "@leaf.pem"]), naming: "no private key")
        expectRefusal(try await exporter.run(["-nocerts", "-inkey", "@leaf.key", "-in", "@leaf.key"]), naming: "no certificate")
        // Two keys, and a key with the certificate of another: safes of two files in one.
        let plain = ["-nomac", "-keypbe", "NONE", "-certpbe", "NONE"]
        let ours = TLV.safes(inFile: try await exporter.export(plain))
        let other = TLV.safes(inFile: try await exporter.run(["-inkey", "@root.key", "-in", "@root.pem"] + plain))
        #expect(ours.count == 2 && other.count == 2)
        #expect(try PKCS12.read(TLV.file(safes: ours).bytes, password: "secret").chain.facts == exporter.chain.facts)
        expectRefusal(TLV.file(safes: ours + other).bytes, naming: "2 private keys")
        expectRefusal(TLV.file(safes: [other[0], ours[1]]).bytes, naming: "No certificate matches")
        expectRefusal(TLV.file(safes: []).bytes, naming: "no private key")
        expectRefusal(Array("no file".utf8), naming: "not in PKCS#12 format")
        expectRefusal([], naming: "not in PKCS#12 format")
        #expect(throws: Refusal(.limit, "")) {
            try PKCS12.read([UInt8](repeating: 0, count: Limits.certificateFileBytes + 1), password: "")
        }
        let longest = String(repeating: "x", count: Limits.passwordBytes)
        let bytes = try PKCS12.write(key: exporter.key, chain: exporter.chain, password: longest)
        #expect(try PKCS12.read(bytes, password: longest).key.facts == exporter.key.facts)
        #expect(throws: Refusal(.limit, "")) { try PKCS12.read(bytes, password: longest + "x") }
    }

    @Test func `indefinite lengths and strings in pieces are read`() async throws {
        let exporter = try await Exporter()
        let bytes = try await exporter.export([])
        let broken = TLV.read(bytes)[0].indefinite
        #expect(broken.count > bytes.count)
        #expect(try PKCS12.read(broken, password: "secret").chain.facts == exporter.chain.facts)
        let plain = try await exporter.export(["-nomac", "-keypbe", "NONE", "-certpbe", "NONE"])
        let safes = TLV.safes(inFile: plain).map { safe in
            TLV.sequence(.data, .explicit(.octets(TLV.read(safe.parts[1].parts[0].content)[0].indefinite)))
        }
        let all = TLV(0x30, Array(TLV.read(TLV.file(safes: safes).bytes)[0].parts)).indefinite
        #expect(try PKCS12.read(all, password: "").key.facts == exporter.key.facts)
    }

    @Test func `an empty password opens a file that was made with none`() async throws {
        let exporter = try await Exporter()
        let safes = TLV.safes(inFile: try await exporter.export(["-nomac", "-keypbe", "NONE", "-certpbe", "NONE"]))
        let content = TLV(0x30, safes).bytes
        // RFC 7292, appendix B.2, for one iteration, no password and a salt of one block.
        let salt = [UInt8](repeating: 7, count: 64)
        let key = Digest(hashing: [UInt8](repeating: 3, count: 64) + salt).bytes + [UInt8](repeating: 0, count: 32)
        let inner = Digest(hashing: key.map { $0 ^ 0x36 } + content)
        let mac = Digest(hashing: key.map { $0 ^ 0x5C } + inner.bytes)
        let macData = TLV.sequence(.sequence(.sequence(.sha256, TLV(0x05, [UInt8]())), .octets(mac.bytes)), .octets(salt))
        let file = TLV.sequence(.integer(3), .sequence(.data, .explicit(.octets(content))), macData).bytes
        #expect(try PKCS12.read(file, password: "").chain.facts == exporter.chain.facts)
        #expect(throws: Refusal(.unreadable, "")) { try PKCS12.read(file, password: "x") }
    }
}

/// Files made to cost or to crash.
@Suite struct HostilePKCS12Tests {
    /// 100,000 and 8,388,607 as DER integers.
    static let few: [UInt8] = [0x02, 0x03, 0x01, 0x86, 0xA0]
    static let many: [UInt8] = [0x02, 0x03, 0x7F, 0xFF, 0xFF]

    @Test(arguments: [["-iter", "100000"], [], ["-legacy", "-iter", "100000"], ["-nomac", "-iter", "100000"]])
    func `a file that asks for too many iterations is refused before any is done`(_ options: [String]) async throws {
        let exporter = try await Exporter()
        let bytes = try await exporter.export(options)
        let maciter: [UInt8] = [0x02, 0x02, 0x08, 0x00]
        if options.contains("100000") {
            let (bomb, count) = bytes.replacing(Self.few, with: Self.many)
            #expect(count >= 2)
            #expect(throws: Refusal(.limit, "")) { try PKCS12.read(bomb, password: "secret") }
            // The counts are limited in sum.
            let (halves, _) = bytes.replacing(Self.few, with: [0x02, 0x03, 0x30, 0x00, 0x00])
            #expect(throws: Refusal(.limit, "")) { try PKCS12.read(halves, password: "secret") }
        } else {
            #expect(bytes.suffix(4) == maciter)
            var file = TLV.read(bytes)[0].parts
            let last = file[2].parts
            for count in [[0x7F, 0xFF, 0xFF], [0x7F, 0xFF, 0xFF, 0xFF], [0x7F] + [UInt8](repeating: 0xFF, count: 40)] as [[UInt8]] {
                file[2] = TLV(0x30, [last[0], last[1], TLV(0x02, count)])
                #expect(throws: Refusal(.limit, "")) { try PKCS12.read(TLV(0x30, file).bytes, password: "secret") }
            }
            for count in [[0], [0xFF], []] as [[UInt8]] {
                file[2] = TLV(0x30, [last[0], last[1], TLV(0x02, count)])
                #expect(throws: Refusal(.unreadable, "")) { try PKCS12.read(TLV(0x30, file).bytes, password: "secret") }
            }
        }
    }

    @Test func `a bomb inside an encrypted safe is found when the safe is open`() async throws {
        let exporter = try await Exporter()
        let openssl = try OpenSSLTool()
        let safes = TLV.safes(inFile: try await exporter.export(["-nomac", "-iter", "100000"]))
        let keys = safes[1].parts[1].parts[0].content
        for (content, code) in [(keys, nil), (keys.replacing(Self.few, with: Self.many).bytes, Refusal.Code.limit)] {
            try openssl.write("safe", content)
            let derived = try await openssl(
                "kdf", "-keylen", "32", "-kdfopt", "digest:SHA1", "-kdfopt", "pass:secret", "-kdfopt", "hexsalt:0102030405060708",
                "-kdfopt",
                "iter:1", "-binary", "-out", "@key", "PBKDF2")
            #expect(derived.isEmpty)
            try await openssl(
                "enc", "-aes-256-cbc", "-K", Hex.encode(try openssl.bytes("key")), "-iv", "000102030405060708090a0b0c0d0e0f", "-in",
                "@safe", "-out",
                "@encrypted")
            let derivation = TLV.sequence(
                .object([0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 0x01, 0x05, 0x0C]), .sequence(.octets(Array(1...8)), .integer(1)))
            let cipher = TLV.sequence(.object([0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x01, 0x2A]), .octets(Array(0...15)))
            let algorithm = TLV.sequence(
                .object([0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 0x01, 0x05, 0x0D]), .sequence(derivation, cipher))
            let hidden = TLV.sequence(
                .encryptedData,
                .explicit(.sequence(.integer(0), .sequence(.data, algorithm, TLV(0x80, try openssl.bytes("encrypted"))))))
            let file = TLV.file(safes: [safes[0], hidden]).bytes
            if let code {
                #expect(throws: Refusal(code, "")) { try PKCS12.read(file, password: "secret") }
            } else {
                #expect(try PKCS12.read(file, password: "secret").key.facts == exporter.key.facts)
            }
        }
    }

    @Test(.timeLimit(.minutes(1))) func `a file with thousands of certificates of one name is refused`() throws {
        let request = SelfSignedRequest(commonName: "a.example")
        let key = try PrivateKey.generate(.ecdsaP256)
        let certificate = TLV.object([0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 0x01, 0x09, 0x16, 0x01])
        let bagType = [UInt8]([0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 0x01, 0x0C, 0x0A, 0x01])
        let ders = try (0..<1500).map { _ in try makeSelfSigned(request, now: .test).chain.der[0] }
        let certificates = ders.map { TLV.sequence(.object(bagType + [3]), .explicit(.sequence(certificate, .explicit(.octets($0))))) }
        let bags = certificates + [.sequence(.object(bagType + [1]), .explicit(TLV.read(key.der)[0]))]
        let file = TLV.file(safes: [.sequence(.data, .explicit(.octets(TLV(0x30, bags).bytes)))]).bytes
        #expect(throws: Refusal(.limit, "")) { try PKCS12.read(file, password: "") }
    }

    @Test(arguments: [[], ["-legacy"], ["-nomac", "-keypbe", "NONE", "-certpbe", "NONE"]])
    func `a file that is cut off at any byte is refused`(_ options: [String]) async throws {
        let exporter = try await Exporter()
        let bytes = try await exporter.export(options + ["-iter", "1"])
        for count in bytes.indices {
            #expect(throws: Refusal(.unreadable, ""), "cut at \(count)") { try PKCS12.read(Array(bytes[..<count]), password: "secret") }
        }
    }

    @Test(arguments: [["-nomac"], ["-legacy", "-nomac"], ["-nomac", "-keypbe", "NONE", "-certpbe", "NONE"], ["-nomaciter"]])
    func `altered bytes end in a refusal or in a key that fits its certificate`(_ options: [String]) async throws {
        let exporter = try await Exporter()
        let bytes = try await exporter.export(options + ["-iter", "1"])
        var generator = SplitMix64(seed: 12)
        for round in 0..<4000 {
            var altered = bytes
            for _ in 0...(round % 3) {
                altered[Int.random(in: altered.indices, using: &generator)] = .random(in: 0...255, using: &generator)
            }
            do throws(Refusal) {
                let identity = try PKCS12.read(altered, password: "secret")
                #expect(identity.chain.isServed(by: identity.key))
            } catch {
                #expect(error.code == .unreadable || error.code == .limit)
            }
        }
    }

    @Test func `random bytes are refused`() {
        var generator = SplitMix64(seed: 7)
        for round in 0..<5000 {
            var bytes = (0..<Int.random(in: 0...200, using: &generator)).map { _ in UInt8.random(in: 0...255, using: &generator) }
            // Half of them begin like a file.
            if round.isMultiple(of: 2) { bytes = TLV(0x30, TLV.integer(3).bytes + bytes).bytes }
            #expect(throws: Refusal(.unreadable, "")) { try PKCS12.read(bytes, password: "secret") }
        }
    }
}
