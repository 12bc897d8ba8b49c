package import Certificates
package import ClusterModel
import Foundation
package import SMTPFixtures
import X509

/// An authority of a test, and what it signs.
package struct Issuer: Sendable {
    private let certificate: Certificate
    private let key: PrivateKey

    package init(_ name: String) throws {
        key = try PrivateKey.generate(.ecdsaP256)
        certificate = try Issuer.certificate(
            name, key: key.publicKey, issuer: name, signer: key, days: 2,
            try Certificate.Extensions {
                Critical(BasicConstraints.isCertificateAuthority(maxPathLength: nil))
                Critical(KeyUsage(keyCertSign: true))
            })
    }

    /// The authority as a list that is trusted.
    package var list: AuthorityList {
        get throws { try AuthorityList(bundle: Array(try CertificateChain([certificate]).pem.utf8)) }
    }

    /// A certificate for a name; with days below zero one that has expired.
    package func issue(_ name: String, days: Int = 2) throws -> TestCertificate {
        let leaf = try PrivateKey.generate(.ecdsaP256)
        let certificate = try Issuer.certificate(
            name, key: leaf.publicKey, issuer: self.certificate.subject.commonName, signer: key, days: days,
            try Certificate.Extensions { SubjectAlternativeNames([.dnsName(name)]) })
        return TestCertificate(chain: try CertificateChain([certificate, self.certificate]).pem, key: leaf.pem)
    }

    /// A certificate that nobody but itself vouches for.
    package static func selfSigned(_ name: String) throws -> TestCertificate {
        let key = try PrivateKey.generate(.ecdsaP256)
        let certificate = try certificate(
            name, key: key.publicKey, issuer: name, signer: key, days: 2,
            try Certificate.Extensions { SubjectAlternativeNames([.dnsName(name)]) })
        return TestCertificate(chain: try CertificateChain([certificate]).pem, key: key.pem)
    }

    private static func certificate(
        _ name: String, key: Certificate.PublicKey, issuer: String, signer: PrivateKey, days: Int,
        _ extensions: Certificate.Extensions
    ) throws -> Certificate {
        let end = Date().addingTimeInterval(Double(days) * 86_400)
        return try Certificate(
            version: .v3, serialNumber: .init(), publicKey: key, notValidBefore: end.addingTimeInterval(-4 * 86_400), notValidAfter: end,
            issuer: DistinguishedName { CommonName(issuer) }, subject: DistinguishedName { CommonName(name) },
            signatureAlgorithm: .ecdsaWithSHA256, extensions: extensions, issuerPrivateKey: signer.signer)
    }
}

extension DistinguishedName {
    fileprivate var commonName: String {
        for part in self {
            for attribute in part where attribute.type == .RDNAttributeType.commonName { return "\(attribute.value)" }
        }
        return ""
    }
}

extension TestCertificate {
    /// SHA-256 of the leaf.
    package var leaf: Digest {
        get throws { try CertificateChain(pem: chain).facts[0].fingerprint }
    }
}
