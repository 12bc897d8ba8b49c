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
    }
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

private func text(of name: GeneralName) -> String? {
    switch name {
    case .dnsName(let host): host
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
    "1.2.840.10045.4.3.4": "ecdsa-with-sha512", "1.2.840.113549.1.1.4": "rsa-with-md5", "1.2.840.113549.1.1.5": "rsa-with-sha1",
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
