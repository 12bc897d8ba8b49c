import Certificates
import ClusterModel
import FoundationEssentials
import Testing

/// Authorities and leaves that `openssl` issues in a directory of its own. Names of files are the names of certificates.
struct TestIssuers: ~Copyable {
    let openssl: OpenSSLTool
    static let authority =
        "basicConstraints=critical,CA:TRUE\nkeyUsage=critical,keyCertSign,cRLSign\nsubjectKeyIdentifier=hash\nauthorityKeyIdentifier=keyid\n"
    static let leaf = "basicConstraints=critical,CA:FALSE\nsubjectKeyIdentifier=hash\nauthorityKeyIdentifier=keyid\n"

    init() throws { openssl = try OpenSSLTool() }

    /// A root named `CN=name`, made by its own key.
    func root(_ name: String, subject: String? = nil, options: [String] = []) async throws {
        try key(name)
        try openssl.write("extensions", "[req]\ndistinguished_name=dn\nx509_extensions=x\n[dn]\n[x]\n" + Self.authority)
        try await openssl(
            arguments: [
                "req", "-x509", "-key", "@\(name).key", "-subj", subject ?? "/CN=\(name)", "-days", "900", "-config", "@extensions", "-out",
                "@\(name).pem",
            ] + options)
    }

    /// A certificate named `CN=name`, signed by another. A key that is there already is kept.
    func issue(
        _ name: String, by issuer: String, subject: String? = nil, extensions: String = authority, days: Int = 90, options: [String] = []
    ) async throws {
        if !openssl.has("\(name).key") { try key(name) }
        try openssl.write("extensions", extensions)
        try await openssl("req", "-new", "-key", "@\(name).key", "-subj", subject ?? "/CN=\(name)", "-out", "@\(name).csr")
        try await sign(name, by: issuer, days: days, options: ["-extfile", "@extensions"] + options)
    }

    /// Signs the request `name.csr`.
    func sign(_ name: String, by issuer: String, days: Int = 90, options: [String] = []) async throws {
        try await openssl(
            arguments: [
                "x509", "-req", "-in", "@\(name).csr", "-CA", "@\(issuer).pem", "-CAkey", "@\(issuer).key", "-days", "\(days)", "-out",
                "@\(name).pem",
            ] + options)
    }

    func key(_ name: String) throws { try openssl.write("\(name).key", try PrivateKey.generate(.ecdsaP256).pem) }

    func pem(_ names: String...) throws -> String { try names.map { try openssl.text("\($0).pem") }.joined() }

    func chain(_ names: String...) throws -> CertificateChain {
        try CertificateChain(pem: names.map { try openssl.text("\($0).pem") }.joined())
    }

    /// A certificate in DER.
    func der(_ name: String) throws -> [UInt8] { try CertificateChain(pem: openssl.text("\(name).pem")).der[0] }

    /// The public key's fingerprint.
    func fingerprint(_ name: String) throws -> Digest { try PrivateKey(pem: openssl.text("\(name).key")).facts.fingerprint }
}

extension CertificateChain {
    /// The common names of its certificates in order.
    var commonNames: [String] { facts.map(\.commonName) }

    var setting: CertificateSetting { CertificateSetting(origin: .uploaded, key: leafKey, chain: facts, chainBlob: blob) }
}
