package import ClusterModel
import SwiftASN1
package import X509

/// A request for a certificate (PKCS#10, RFC 2986) whose own signature holds: who made it has the private key.
package struct CertificateRequest: Sendable {
    /// The request in DER.
    package let der: [UInt8]
    /// The key that the certificate is asked for.
    package let publicKey: Certificate.PublicKey
    /// What is known of that key.
    package let key: KeyFacts

    /// The request in PEM.
    package var pem: String { PEMBlock(label: "CERTIFICATE REQUEST", bytes: der).text }

    /// Asks for a certificate for this key. The name is for people: the authority decides what it issues.
    package static func make(key: PrivateKey, commonName: String) throws -> CertificateRequest {
        let request = try CertificateSigningRequest(
            version: .v1, subject: DistinguishedName { CommonName(commonName) }, privateKey: key.signer, attributes: .init())
        var coder = DER.Serializer()
        try coder.serialize(request)
        return try CertificateRequest(der: coder.serializedBytes)
    }

    /// Reads a request and checks its signature.
    package init(der: [UInt8]) throws(Refusal) {
        guard der.count <= Limits.strangerFrameBytes else {
            throw Refusal(.limit, "The certificate request has \(der.count) bytes; at most \(Limits.strangerFrameBytes) are read.")
        }
        let request: CertificateSigningRequest
        do {
            request = try CertificateSigningRequest(derEncoded: der)
            key = try KeyFacts(request.publicKey)
        } catch {
            throw Refusal(.unreadable, "The certificate request cannot be read: \(cause(error)).")
        }
        guard request.publicKey.isValidSignature(request.signature, for: request) else {
            throw Refusal(.unreadable, "The certificate request is not signed by the key that it names.")
        }
        self.der = der
        publicKey = request.publicKey
    }

    /// Reads the one request of a PEM text.
    package init(pem: String) throws(Refusal) {
        let blocks = try PEMReader.blocks(in: pem, of: "The certificate request")
        guard let block = blocks.first, blocks.count == 1, ["CERTIFICATE REQUEST", "NEW CERTIFICATE REQUEST"].contains(block.label) else {
            throw Refusal(.unreadable, "The text is not one certificate request in PEM.")
        }
        try self.init(der: block.bytes)
    }
}
