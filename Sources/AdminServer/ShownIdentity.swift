import ClusterModel
import NIOCore
import NIOSSL
import Synchronization

/// The certificate and key of the admin port, which may be exchanged while it serves: each handshake takes the newest.
final class ShownIdentity: Sendable {
    /// What the first handshakes take, and all that is the same for later ones.
    let configuration: TLSConfiguration
    private let newest: Newest

    private final class Newest: Sendable {
        let identity: Mutex<NIOSSLContextConfigurationOverride>

        init(_ identity: NIOSSLContextConfigurationOverride) { self.identity = Mutex(identity) }
    }

    static let unusable = Refusal(
        .unreadable, "The admin port's certificate or private key cannot be used: neither can be read as PEM, or they do not match.")

    init(_ tls: AdminServer.TLS) throws(Refusal) {
        var (configuration, first) = try ShownIdentity.read(tls)
        let newest = Newest(first)
        configuration.sslContextCallback = { _, promise in promise.succeed(newest.identity.withLock { $0 }) }
        self.configuration = configuration
        self.newest = newest
    }

    func replace(_ tls: AdminServer.TLS) throws(Refusal) {
        let (_, next) = try ShownIdentity.read(tls)
        newest.identity.withLock { $0 = next }
    }

    /// Refuses what TLS could not use: a handshake is too late to find that out.
    private static func read(
        _ tls: AdminServer.TLS
    ) throws(Refusal) -> (configuration: TLSConfiguration, identity: NIOSSLContextConfigurationOverride) {
        do {
            var identity = NIOSSLContextConfigurationOverride()
            let chain = try NIOSSLCertificate.fromPEMBytes(Array(tls.chainPEM.utf8)).map { NIOSSLCertificateSource.certificate($0) }
            let key = NIOSSLPrivateKeySource.privateKey(try NIOSSLPrivateKey(bytes: Array(tls.keyPEM.utf8), format: .pem))
            (identity.certificateChain, identity.privateKey) = (chain, key)
            var configuration = TLSConfiguration.makeServerConfiguration(certificateChain: chain, privateKey: key)
            configuration.minimumTLSVersion = .tlsv12
            // A peer that is gone must not hold up the end for long.
            configuration.shutdownTimeout = .seconds(1)
            _ = try NIOSSLContext(configuration: configuration)
            return (configuration, identity)
        } catch {
            throw unusable
        }
    }
}
