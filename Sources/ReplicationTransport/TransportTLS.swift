import Certificates
import ClusterModel
import NIOCore
import NIOSSL
import Replication

/// The TLS of the member port: 1.3 only, one ALPN protocol, certificates of the cluster's own authority.
enum TransportTLS {
    /// What `wire.proto` is called in the handshake.
    static let applicationProtocol = "muster/1"

    static func server(_ identity: ManagerIdentity) throws(Refusal) -> NIOSSLContext {
        var configuration = TLSConfiguration.makeServerConfiguration(
            certificateChain: try certificates(identity.certificate).map { .certificate($0) }, privateKey: try privateKey(identity.key))
        // Asks for a certificate and goes on without one: what a peer may do then is decided after the handshake.
        configuration.certificateVerification = .optionalVerification
        return try context(configuration)
    }

    static func client(_ identity: MemberIdentity?) throws(Refusal) -> NIOSSLContext {
        var configuration = TLSConfiguration.makeClientConfiguration()
        if let identity {
            configuration.certificateChain = try certificates(identity.certificate).map { .certificate($0) }
            configuration.privateKey = try privateKey(identity.key)
        }
        // The host name says nothing here; the manager's SPIFFE ID is judged by ``ManagerJudge``.
        configuration.certificateVerification = .noHostnameVerification
        return try context(configuration)
    }

    private static func context(_ configuration: TLSConfiguration) throws(Refusal) -> NIOSSLContext {
        var configuration = configuration
        configuration.minimumTLSVersion = .tlsv13
        configuration.applicationProtocols = [applicationProtocol]
        // Trust is judged by hand; the system's roots would be read from disk for nothing.
        configuration.trustRoots = .certificates([])
        // A peer that is gone must not hold up the end for long.
        configuration.shutdownTimeout = .seconds(1)
        do {
            return try NIOSSLContext(configuration: configuration)
        } catch {
            throw Refusal(.unreadable, "The certificate and the key for the member port do not belong together or cannot be used for TLS.")
        }
    }

    private static func privateKey(_ pem: String) throws(Refusal) -> NIOSSLPrivateKeySource {
        do {
            return .privateKey(try NIOSSLPrivateKey(bytes: Array(pem.utf8), format: .pem))
        } catch {
            // The library's error is left out: it must not be able to show anything of a key.
            throw Refusal(.unreadable, "The key for the member port is not readable PEM text.")
        }
    }

    private static func certificates(_ pem: String) throws(Refusal) -> [NIOSSLCertificate] {
        do {
            let certificates = try NIOSSLCertificate.fromPEMBytes(Array(pem.utf8))
            if !certificates.isEmpty { return certificates }
        } catch {
            // The library's error says no more than the refusal below.
        }
        throw Refusal(.unreadable, "The certificates for the member port are not readable PEM text.")
    }

    /// The authorities of a PEM text with one or more certificates.
    static func authorities(_ pem: String) throws(Refusal) -> [TrustedAuthority] {
        var authorities: [TrustedAuthority] = []
        for certificate in try certificates(pem) { authorities.append(try TrustedAuthority(der: der(certificate))) }
        return authorities
    }

    static func der(_ certificate: NIOSSLCertificate) throws(Refusal) -> [UInt8] {
        do {
            return try certificate.toDERBytes()
        } catch {
            throw Refusal(.unreadable, "A certificate cannot be read.")
        }
    }
}

/// A manager's certificate chain (leaf, then the authority) and key, PEM. Its description shows neither.
package struct ManagerIdentity: Hashable, Sendable, CustomStringConvertible, CustomDebugStringConvertible {
    package var certificate: String
    package var key: String

    package init(certificate: String, key: String) {
        self.certificate = certificate
        self.key = key
    }

    package var description: String { "<redacted>" }
    package var debugDescription: String { description }
}
