import ClusterModel
import SwiftASN1

/// The certificates of a PKCS#7 file, as authorities hand out a certificate with its chain (`.p7b`): signed data that nobody need have
/// signed (RFC 5652, section 5.1, "certs-only"; RFC 2315, section 9.1).
///
/// Signatures and revocation lists in the file are passed over: what a certificate is worth is told by the certificate.
enum PKCS7 {
    /// What stands in the markers of such a file in PEM; the second is what newer programs write.
    static let labels = ["PKCS7", "CMS"]

    /// The certificates of a file in DER or BER, each in DER; nil for a file of another kind.
    ///
    /// - Throws: `unreadable` for PKCS#7 that is damaged or holds no certificate, `limit` for more than ``Limits/authorities``.
    static func certificates(in file: [UInt8]) throws(Refusal) -> [[UInt8]]? {
        // What is no structure at all is refused by whoever reads certificates.
        guard let node = try? BER.parse(file), let content = try? node.parts(), let kind = try? content.part(0).objectIdentifier() else {
            return nil
        }
        guard kind == .pkcs7SignedData else {
            throw Refusal(
                .unreadable, "This is a PKCS#7 file, and not one with certificates. Ask for the certificate in PEM, DER or PKCS#7 (.p7b).")
        }
        let certificates: [[UInt8]]
        do {
            let data = try content.part(1).explicit().parts()
            certificates = try data.first { $0.identifier == .tagged0 }?.parts(.tagged0).map { Array($0.encodedBytes) } ?? []
        } catch {
            throw Refusal(.unreadable, "The PKCS#7 file cannot be read: \(cause(error)).")
        }
        guard !certificates.isEmpty else { throw Refusal(.unreadable, "The PKCS#7 file holds no certificate.") }
        guard certificates.count <= Limits.authorities else {
            throw Refusal(.limit, "The PKCS#7 file holds \(certificates.count) certificates; at most \(Limits.authorities) are read.")
        }
        return certificates
    }
}

extension ASN1ObjectIdentifier {
    /// `signedData` (RFC 5652, section 5.1).
    fileprivate static let pkcs7SignedData: ASN1ObjectIdentifier = [1, 2, 840, 113_549, 1, 7, 2]
}
