import Certificates
import ClusterModel
import FoundationEssentials
import Subprocess
import Testing

/// What is exported, by the word of other programs.
@Suite struct ExportTests {
    @Test(arguments: PKCS12.Protection.allCases, ["secret phrase", "Pässwörd 日本"])
    func `openssl opens an export, and says how it is protected`(_ protection: PKCS12.Protection, _ password: String) async throws {
        let material = try await Material.shared.value
        let bytes = try PKCS12.write(
            key: material.key, chain: material.chain, password: password, friendlyName: "Gateway ü", protection: protection)
        let openssl = try OpenSSLTool()
        try openssl.write("file.p12", bytes)
        let text = try await openssl("pkcs12", "-in", "@file.p12", "-passin", "pass:\(password)", "-noenc")
        let key = try PrivateKey(pem: text)
        #expect(key.facts == material.key.facts)
        #expect(try CertificateChain(pem: text).facts == material.chain.facts)
        let info = try await openssl.errors("pkcs12", "-in", "@file.p12", "-passin", "pass:\(password)", "-info", "-noout")
        switch protection {
        case .modern:
            #expect(info.contains("MAC: sha256") && info.contains("PBES2, PBKDF2, AES-256-CBC, Iteration 100000, PRF hmacWithSHA256"))
            #expect(!info.contains("3-KeyTripleDES"))
        case .legacy: #expect(info.contains("MAC: sha1") && info.contains("pbeWithSHA1And3-KeyTripleDES-CBC") && !info.contains("PBES2"))
        }
        let content = try PKCS12.open(bytes, password: password)
        #expect(content.hasLegacyEncryption == (protection == .legacy) && content.isAuthenticated)
        #expect(content.findings.map(\.code) == (protection == .legacy ? [.legacyEncryption] : []))
        #expect(content.friendlyNames == ["Gateway ü", "Gateway ü"])
        #expect(content.identity.chain.facts == material.chain.facts)
    }

    private static let keytool = "/usr/bin/keytool"

    /// Where Java is not installed, as it is in CI, it is skipped: it is large, and nothing else here needs it.
    @Test(
        .enabled(
            if: FileManager.default.isExecutableFile(atPath: keytool) || ProcessInfo.processInfo.environment["CI"] != nil,
            "keytool is not installed"),
        arguments: PKCS12.Protection.allCases)
    func `keytool opens an export`(_ protection: PKCS12.Protection) async throws {
        let material = try await Material.shared.value
        let openssl = try OpenSSLTool()
        try openssl.write(
            "file.p12",
            try PKCS12.write(
                key: material.key, chain: material.chain, password: "secret phrase", friendlyName: "gateway", protection: protection))
        let result = try await run(
            .name("keytool"),
            arguments: [
                "-J-Duser.language=en", "-list", "-v", "-storetype", "PKCS12", "-keystore", "\(openssl.directory)/file.p12", "-storepass",
                "secret phrase",
            ],
            output: .string(limit: 1 << 20), error: .string(limit: 1 << 16))
        let listed = result.standardOutput
        #expect(result.terminationStatus.isSuccess)
        for part in ["Alias name: gateway", "Entry type: PrivateKeyEntry", "Certificate chain length: 3"] { #expect(listed.contains(part)) }
        for facts in material.chain.facts {
            let fingerprint = facts.fingerprint.bytes.map { Hex.encode([$0]).uppercased() }.joined(separator: ":")
            #expect(listed.contains("SHA256: \(fingerprint)"))
        }
    }

    @Test func `a file without a MAC is said to be one`() async throws {
        let exporter = try await Exporter()
        let content = try PKCS12.open(try await exporter.export(["-nomac"]), password: "secret")
        #expect(content.findings.map(\.code) == [.unauthenticatedFile])
    }
}
