import ClusterModel
import SwiftASN1
import X509

/// Authorities that are trusted to sign the certificates of others.
package struct TrustedAuthorities: Sendable {
    let roots: CertificateStore
    /// What leads on to a root that a peer left out of its chain.
    let intermediates: [Certificate]

    /// The authorities that this machine's operating system trusts, read when they are first needed.
    package static let system = TrustedAuthorities(roots: .systemTrustRoots)

    init(roots: CertificateStore, intermediates: [Certificate] = []) {
        self.roots = roots
        self.intermediates = intermediates
    }

    /// Whether a chain, leaf first, each certificate in DER, leads to one of these authorities and is valid now (RFC 5280, section 6).
    ///
    /// Names and purposes are not looked at: mail servers show as clients the certificates that they have as servers.
    package func trust(_ chain: [[UInt8]]) async -> Bool {
        guard (1...Limits.chainLength).contains(chain.count) else { return false }
        // Bytes that are no certificate make a chain that is not trusted.
        let certificates = chain.compactMap { try? Certificate(derEncoded: $0) }
        guard certificates.count == chain.count, let leaf = certificates.first else { return false }
        var verifier = Verifier(rootCertificates: roots) { RFC5280Policy() }
        switch await verifier.validate(leaf: leaf, intermediates: CertificateStore(certificates.dropFirst() + intermediates)) {
        case .validCertificate: return true
        case .couldNotValidate: return false
        }
    }
}
