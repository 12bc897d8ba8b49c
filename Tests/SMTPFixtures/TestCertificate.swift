package import Certificates
package import ClusterModel
package import NIOSSL
import Subprocess

/// A throw-away certificate with its key, made by the real openssl.
package struct TestCertificate: Sendable {
    package var chain: String
    package var key: String

    package init(chain: String, key: String) {
        self.chain = chain
        self.key = key
    }

    /// SHA-256 of the certificate, as a proof has it.
    package var fingerprint: Digest {
        get throws { Digest(hashing: try certificate.toDERBytes()) }
    }

    package var certificate: NIOSSLCertificate {
        get throws { try NIOSSLCertificate(bytes: Array(chain.utf8), format: .pem) }
    }

    /// A list of authorities with this certificate alone.
    package var list: AuthorityList {
        get throws { try AuthorityList(bundle: Array(chain.utf8)) }
    }

    package static func make(_ name: String, algorithm: [String] = ["ec", "-pkeyopt", "ec_paramgen_curve:P-256"]) async throws
        -> TestCertificate
    {
        let result = try await run(
            .name("openssl"),
            arguments: Arguments(
                ["req", "-x509", "-nodes", "-days", "2", "-subj", "/CN=\(name)", "-addext", "subjectAltName=DNS:\(name)", "-newkey"]
                    + algorithm + ["-keyout", "-", "-out", "-"]),
            output: .string(limit: 1 << 16))
        let text = result.standardOutput
        return TestCertificate(chain: block("CERTIFICATE", of: text), key: block("PRIVATE KEY", of: text))
    }

    private static func block(_ label: String, of text: String) -> String {
        let lines = text.split(separator: "\n", omittingEmptySubsequences: false)
        let block = lines.drop { $0 != "-----BEGIN \(label)-----" }
        return block.prefix { $0 != "-----END \(label)-----" }.joined(separator: "\n") + "\n-----END \(label)-----\n"
    }
}
