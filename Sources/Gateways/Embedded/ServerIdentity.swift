package import ClusterModel
import NIOCore
package import NIOSSL

/// A certificate chain and its key, read and found to belong together: what a service shows in a handshake.
package struct ServerIdentity: Sendable {
    /// For handshakes that ask for no client certificate.
    package let context: NIOSSLContext
    private let asking: TLSConfiguration

    /// A chain and its key.
    package struct Pair: Sendable {
        fileprivate let certificates: [NIOSSLCertificateSource]
        fileprivate let key: NIOSSLPrivateKeySource

        /// Reads PEM text. Throws a refusal that says which of the two is at fault, and nothing of a key.
        package init(chain: String, key: String) throws(Refusal) {
            certificates = try ServerIdentity.certificates(chain).map { .certificate($0) }
            self.key = .privateKey(try ServerIdentity.privateKey(key))
            var configuration = TLSConfiguration.makeServerConfiguration(certificateChain: certificates, privateKey: self.key)
            // As below.
            configuration.trustRoots = .certificates([])
            do {
                _ = try NIOSSLContext(configuration: configuration)
            } catch NIOSSLError.failedToLoadPrivateKey {
                throw Refusal(.invalid, "the private key does not belong to the certificate")
            } catch {
                throw Refusal(.invalid, "certificate and key cannot be used for TLS: \(error)")
            }
        }
    }

    /// `named` are those for clients that ask for a server by these names, in lower case.
    package init(_ pair: Pair, named: [String: Pair] = [:], terms: TLSTerms) throws(Refusal) {
        var configuration = TLSConfiguration.makeServerConfiguration(certificateChain: pair.certificates, privateKey: pair.key)
        terms.set(&configuration)
        // A peer that is gone must not hold up the end of a session for long.
        configuration.shutdownTimeout = .seconds(1)
        // No roots: whom a sender's certificate must lead to is the settings' to say, and system roots would be read from disk for nothing.
        configuration.trustRoots = .certificates([])
        if !named.isEmpty {
            configuration.sslContextCallback = { values, promise in
                var shown = NIOSSLContextConfigurationOverride()
                if let pair = values.serverHostname.flatMap({ named[$0.lowercased()] }) {
                    (shown.certificateChain, shown.privateKey) = (pair.certificates, pair.key)
                }
                promise.succeed(shown)
            }
        }
        do {
            context = try NIOSSLContext(configuration: configuration)
            configuration.certificateVerification = .optionalVerification
            configuration.verifySignatureAlgorithms = SignatureAlgorithm.understood
            asking = configuration
        } catch {
            throw Refusal(.invalid, "certificate and key cannot be used for TLS: \(error)")
        }
    }

    /// A context for one handshake that asks for a client certificate.
    ///
    /// It is not shared, so that no session can be resumed: resumption skips the callback that judges the certificate.
    package func contextAskingForCertificate() throws -> NIOSSLContext {
        try NIOSSLContext(configuration: asking)
    }

    private static func certificates(_ text: String) throws(Refusal) -> [NIOSSLCertificate] {
        // The library's error says no more than ours does.
        guard text.contains("-----BEGIN"), let certificates = try? NIOSSLCertificate.fromPEMBytes(Array(text.utf8)),
            !certificates.isEmpty
        else {
            throw Refusal(.invalid, "the certificate chain is not readable PEM text")
        }
        return certificates
    }

    private static func privateKey(_ text: String) throws(Refusal) -> NIOSSLPrivateKey {
        guard text.contains("-----BEGIN"), let key = try? NIOSSLPrivateKey(bytes: Array(text.utf8), format: .pem) else {
            // The library's error is left out: it must not be able to show anything of a key.
            throw Refusal(.invalid, "the private key is not readable PEM text without a passphrase")
        }
        return key
    }
}

extension SignatureAlgorithm {
    /// What a peer may sign with. BoringSSL's own list lacks Ed25519 and P-521, with which Muster's certificates may come.
    static let understood: [SignatureAlgorithm] = [
        .ecdsaSecp256R1Sha256, .ecdsaSecp384R1Sha384, .ecdsaSecp521R1Sha512, .ed25519,
        .rsaPssRsaeSha256, .rsaPssRsaeSha384, .rsaPssRsaeSha512,
        .rsaPkcs1Sha256, .rsaPkcs1Sha384, .rsaPkcs1Sha512,
    ]
}
