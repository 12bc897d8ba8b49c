package import ClusterModel
import SwiftASN1
package import X509

extension CertificateFacts {
    /// What the model needs to know of a certificate.
    package init(_ certificate: Certificate) throws {
        let der = try certificate.derBytes
        let extensions = certificate.extensions
        self.init()
        fingerprint = Digest(hashing: der)
        subject = certificate.subject.text
        issuer = certificate.issuer.text
        serial = Hex.encode(minimal(certificate.serialNumber.bytes))
        notBefore = Timestamp(certificate.notValidBefore)
        notAfter = Timestamp(certificate.notValidAfter)
        names = try extensions.subjectAlternativeNames?.compactMap(text(of:)) ?? []
        if case .isCertificateAuthority = try extensions.basicConstraints { isAuthority = true }
        signature = try signatureName(inDER: der)
        commonName = certificate.subject.commonName
        let key = try KeyFacts(certificate.publicKey)
        keyAlgorithm = key.algorithm
        keyFingerprint = key.fingerprint
        keyID = Hex.encode(try extensions.subjectKeyIdentifier?.keyIdentifier ?? [])
        issuerKeyID = Hex.encode(try extensions.authorityKeyIdentifier?.keyIdentifier ?? [])
        keyUsage = try extensions.keyUsage?.names ?? []
        extendedKeyUsage = try extensions.extendedKeyUsage?.map(name(of:)) ?? []
        // What is kept is read strictly again, on every machine: a certificate whose names are absurd must fail here.
        _ = try CertificateFacts(json)
    }

    /// The facts of certificates that stand together, each with the one among them that signed it.
    static func linked(_ certificates: [Certificate]) throws -> [CertificateFacts] {
        var facts = try certificates.map { try CertificateFacts($0) }
        let subjects = Dictionary(grouping: certificates.indices) { certificates[$0].subject }
        for (index, certificate) in certificates.enumerated() {
            var candidates = subjects[certificate.issuer] ?? []
            // The key that the certificate names first; of a thousand namesakes only some are tried, for each costs a verification.
            let named = facts[index].issuerKeyID
            candidates = candidates.filter { facts[$0].keyID == named } + candidates.filter { facts[$0].keyID != named }
            let signer = candidates.prefix(Limits.signerCandidates).first { certificates[$0].signed(certificate) }
            facts[index].signer = signer.map { facts[$0].fingerprint }
        }
        return facts
    }
}

extension Certificate {
    /// Whether a certificate names this one as its issuer and carries the signature of its key.
    func signed(_ other: Certificate) -> Bool {
        other.issuer == subject && publicKey.isValidSignature(other.signature, for: other)
    }
}

extension DistinguishedName {
    /// The most specific common name, if it is one that people can read.
    fileprivate var commonName: String {
        for part in reversed() {
            for attribute in part where attribute.type == .RDNAttributeType.commonName {
                guard let text = String(attribute.value) else { return "" }
                let isPlain =
                    text.utf8.count <= Limits.textLength && !text.unicodeScalars.contains { $0.properties.generalCategory == .control }
                return isPlain ? text : ""
            }
        }
        return ""
    }
}

extension KeyUsage {
    /// What the bits stand for, by the names of RFC 5280, section 4.2.1.3.
    fileprivate var names: [String] {
        [
            (digitalSignature, "digitalSignature"), (nonRepudiation, "nonRepudiation"), (keyEncipherment, "keyEncipherment"),
            (dataEncipherment, "dataEncipherment"), (keyAgreement, "keyAgreement"), (keyCertSign, "keyCertSign"), (cRLSign, "cRLSign"),
            (encipherOnly, "encipherOnly"), (decipherOnly, "decipherOnly"),
        ].filter(\.0).map(\.1)
    }
}

private let purposes = [
    "2.5.29.37.0": "any", "1.3.6.1.5.5.7.3.1": "serverAuth", "1.3.6.1.5.5.7.3.2": "clientAuth", "1.3.6.1.5.5.7.3.3": "codeSigning",
    "1.3.6.1.5.5.7.3.4": "emailProtection", "1.3.6.1.5.5.7.3.8": "timeStamping", "1.3.6.1.5.5.7.3.9": "ocspSigning",
]

private func name(of usage: ExtendedKeyUsage.Usage) -> String {
    let identifier = ASN1ObjectIdentifier(usage).description
    return purposes[identifier] ?? identifier
}

extension Certificate {
    /// The certificate as it was read: X509 keeps the signed bytes.
    package var derBytes: [UInt8] {
        get throws {
            var coder = DER.Serializer()
            try coder.serialize(self)
            return coder.serializedBytes
        }
    }
}

/// Why something could not be read, in the library's words without the place in its sources.
func cause(_ error: any Error) -> String {
    let words = "\(error)".split(separator: " ").filter { !$0.contains(".swift:") }
    return words.joined(separator: " ").prefix(300).description
}

/// The serial number without the zero byte that only says "not negative".
private func minimal(_ serial: ArraySlice<UInt8>) -> ArraySlice<UInt8> {
    let digits = serial.drop { $0 == 0 }
    return digits.isEmpty ? [0] : digits
}

/// A name as the model keeps it; nil for one that is neither a host's nor an address's.
///
/// A host name that reads as an address is none (RFC 5280, section 4.2.1.6), and must not be taken for the address.
func text(of name: GeneralName) -> String? {
    switch name {
    case .dnsName(let host): IPAddress(host) == nil ? host : "DNS:\(host)"
    case .ipAddress(let octets): addressText(octets.bytes)
    default: nil
    }
}

/// The address in its usual form, or nil when it has neither 4 nor 16 bytes.
private func addressText(_ bytes: ArraySlice<UInt8>) -> String? {
    switch bytes.count {
    case 4: return bytes.map(String.init).joined(separator: ".")
    case 16:
        let groups = stride(from: bytes.startIndex, to: bytes.endIndex, by: 2).map { Hex.encode(bytes[$0..<$0 + 2]) }
        return IPAddress(groups.joined(separator: ":"))?.description
    default: return nil
    }
}

private let signatureNames = [
    "1.2.840.10045.4.1": "ecdsa-with-sha1", "1.2.840.10045.4.3.2": "ecdsa-with-sha256", "1.2.840.10045.4.3.3": "ecdsa-with-sha384",
    "1.2.840.10045.4.3.4": "ecdsa-with-sha512", "1.2.840.113549.1.1.2": "rsa-with-md2", "1.2.840.113549.1.1.4": "rsa-with-md5",
    "1.2.840.113549.1.1.5": "rsa-with-sha1",
    "1.2.840.113549.1.1.11": "rsa-with-sha256", "1.2.840.113549.1.1.12": "rsa-with-sha384",
    "1.2.840.113549.1.1.13": "rsa-with-sha512", "1.3.101.112": "ed25519",
]

/// The name of the signature's algorithm, or its object identifier: the second part of a certificate (RFC 5280, section 4.1.1.2).
private func signatureName(inDER der: [UInt8]) throws -> String {
    let oid = try DER.sequence(DER.parse(der), identifier: .sequence) { parts in
        _ = parts.next()
        guard let algorithm = parts.next() else { throw ASN1Error.invalidASN1Object(reason: "no signature algorithm") }
        _ = parts.next()
        return try DER.sequence(algorithm, identifier: .sequence) { parts in
            let oid = try ASN1ObjectIdentifier(derEncoded: &parts)
            while parts.next() != nil {}
            return oid.description
        }
    }
    return signatureNames[oid] ?? oid
}
