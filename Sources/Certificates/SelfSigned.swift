package import ClusterModel
import SwiftASN1
import X509

/// A certificate that Muster made: the setting that names it, and what the setting names.
package struct MadeCertificate: Sendable {
    package let setting: CertificateSetting
    package let key: PrivateKey
    package let chain: CertificateChain
}

/// Makes a key and a certificate that it signs itself.
///
/// Valid from an hour before `now`, so that a machine whose clock is behind accepts it too, until `request.days` after `now`.
///
/// - Throws: a ``Refusal`` of code `invalid` for a name that is neither a host name nor an address.
package func makeSelfSigned(
    _ request: SelfSignedRequest, origin: CertificateSetting.Origin = .selfSigned, now: Timestamp
) throws -> MadeCertificate {
    guard (1...Limits.certificateDays).contains(request.days) else {
        throw Refusal(.invalid, "A certificate is valid for 1 to \(Limits.certificateDays) days, not \(request.days).")
    }
    let names = try subjectNames(request)
    let key = try PrivateKey.generate(request.key)
    let subject = try distinguishedName(of: request)
    let certificate = try Certificate(
        version: .v3, serialNumber: randomSerialNumber(), publicKey: key.publicKey,
        notValidBefore: now.adding(seconds: -backdatingSeconds).date, notValidAfter: now.adding(days: request.days).date,
        issuer: subject, subject: subject,
        extensions: Certificate.Extensions {
            Critical(BasicConstraints.notCertificateAuthority)
            // RSA key exchange, which TLS 1.2 still knows, encrypts to the key.
            Critical(KeyUsage(digitalSignature: true, keyEncipherment: key.facts.algorithm.hasPrefix("rsa")))
            try ExtendedKeyUsage([.serverAuth, .clientAuth])
            SubjectKeyIdentifier(hash: key.publicKey)
            if !names.isEmpty { SubjectAlternativeNames(names) }
        },
        issuerPrivateKey: key.signer)
    let made = try ImportedIdentity(key: key, chain: CertificateChain([certificate]))
    return MadeCertificate(setting: made.setting(origin: origin, request: request), key: key, chain: made.chain)
}

/// Makes the ready-made certificate of a cluster or a standalone machine, with a key of its own: none ships with the product (mission D6).
///
/// It encrypts, and nobody can verify it: it speaks for no host, and its subject says so to whoever looks.
package func makeDemoCertificate(now: Timestamp) throws -> MadeCertificate {
    var request = SelfSignedRequest(commonName: "Muster demo certificate", days: Limits.certificateDays)
    request.organizationalUnit = "encrypts and cannot be verified"
    return try makeSelfSigned(request, origin: .demo, now: now)
}

/// How far back a new certificate's validity begins: an hour of clock difference is forgiven.
let backdatingSeconds: Int64 = 3600

/// A positive number of 16 bytes with 126 random bits (RFC 5280, section 4.1.2.2, allows 20 bytes).
func randomSerialNumber() -> Certificate.SerialNumber {
    var bytes = (0..<16).map { _ in UInt8.random(in: .min ... .max) }
    bytes[0] = bytes[0] & 0x7F | 0x40
    return Certificate.SerialNumber(bytes: bytes)
}

/// Subject alternative names for host names, `*.` names and addresses.
func generalNames(_ names: [String]) throws(Refusal) -> [GeneralName] {
    guard names.count <= Limits.certificateNames else {
        throw Refusal(.limit, "A certificate speaks for at most \(Limits.certificateNames) names, not \(names.count).")
    }
    var result: [GeneralName] = []
    for name in names {
        let made: GeneralName
        if let address = IPAddress(name) {
            made = .ipAddress(ASN1OctetString(contentBytes: address.bytes[...]))
        } else if isDNSName(name) {
            made = .dnsName(name.lowercased())
        } else {
            throw Refusal(.invalid, "\"\(name.prefix(Limits.domainLength))\" is neither a host name nor an address.")
        }
        if !result.contains(made) { result.append(made) }
    }
    return result
}

/// Whether a certificate can speak for it: a host name, or all names right below one.
private func isDNSName(_ name: String) -> Bool {
    HostName.accepts(name.hasPrefix("*.") ? name.dropFirst(2) : name[...])
}

/// Whether a common name is also a name that a certificate can speak for.
func speaksForHost(_ commonName: String) -> Bool { IPAddress(commonName) != nil || isDNSName(commonName) }

/// The names that a request asks for, its common name first if it is one.
func subjectNames(_ request: SelfSignedRequest) throws(Refusal) -> [GeneralName] {
    try generalNames((speaksForHost(request.commonName) ? [request.commonName] : []) + request.names)
}

/// The subject, widest part first as certificates have it.
func distinguishedName(of request: SelfSignedRequest) throws -> DistinguishedName {
    try DistinguishedName {
        if let country = request.country { CountryName(country) }
        if let state = request.state { StateOrProvinceName(state) }
        if let locality = request.locality { LocalityName(locality) }
        if let organization = request.organization { OrganizationName(organization) }
        if let unit = request.organizationalUnit { OrganizationalUnitName(unit) }
        CommonName(request.commonName)
    }
}
