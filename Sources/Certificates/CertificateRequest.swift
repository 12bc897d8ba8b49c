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
    /// Who asks, by RFC 4514.
    package let subject: String
    /// The subject alternative names that are asked for: host names and addresses.
    package let names: [String]

    /// The request in PEM.
    package var pem: String { PEMBlock(label: "CERTIFICATE REQUEST", bytes: der).text }

    /// Asks for a certificate for this key. The name is for people: the authority decides what it issues.
    package static func make(key: PrivateKey, commonName: String) throws -> CertificateRequest {
        try make(key: key, subject: DistinguishedName { CommonName(commonName) }, names: [])
    }

    /// Asks for a certificate for this key, with the subject fields and names of a request. Its days and key algorithm are not looked at:
    /// the authority decides the one, and the key is there.
    ///
    /// A common name that is a host name or an address is asked for as a subject alternative name too, since clients look at nothing else.
    ///
    /// - Throws: `invalid` for a name that is neither a host name nor an address, `limit` for too many.
    package static func make(key: PrivateKey, asking request: SelfSignedRequest) throws -> CertificateRequest {
        try make(key: key, subject: distinguishedName(of: request), names: subjectNames(request))
    }

    /// Asks for a certificate for this key with the subject and names of a certificate that is there: a renewal.
    ///
    /// Subject and names are taken as they are, in their order and encoding; names that are neither hosts nor addresses stay behind. A
    /// certificate without names asks for its common name as one.
    package static func make(key: PrivateKey, renewing chain: CertificateChain) throws -> CertificateRequest {
        let leaf = chain.leaf
        var names = try (leaf.extensions.subjectAlternativeNames.map(Array.init) ?? []).filter { name in
            switch name {
            case .dnsName, .ipAddress: true
            default: false
            }
        }
        if names.isEmpty, let facts = chain.facts.first, speaksForHost(facts.commonName) { names = try generalNames([facts.commonName]) }
        guard names.count <= Limits.certificateNames else {
            throw Refusal(.limit, "A certificate speaks for at most \(Limits.certificateNames) names, not \(names.count).")
        }
        return try make(key: key, subject: leaf.subject, names: names)
    }

    private static func make(key: PrivateKey, subject: DistinguishedName, names: [GeneralName]) throws -> CertificateRequest {
        var attributes: [CertificateSigningRequest.Attribute] = []
        if !names.isEmpty {
            let extensions = try Certificate.Extensions { SubjectAlternativeNames(names) }
            attributes.append(try .init(ExtensionRequest(extensions: extensions)))
        }
        let request = try CertificateSigningRequest(
            version: .v1, subject: subject, privateKey: key.signer, attributes: .init(attributes))
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
            subject = request.subject.text
            names = try request.attributes.extensionRequest?.extensions.subjectAlternativeNames?.compactMap(text(of:)) ?? []
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
