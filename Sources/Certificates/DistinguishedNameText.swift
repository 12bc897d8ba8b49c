import ClusterModel
import SwiftASN1
import X509

extension DistinguishedName {
    /// The name by RFC 4514, most specific part first: what `openssl x509 -subject -nameopt RFC2253,-esc_msb` prints.
    ///
    /// Letters outside ASCII stay readable; control and invisible formatting characters are escaped.
    var text: String {
        reversed().map { part in
            part.reversed().map(\.text).joined(separator: "+")
        }.joined(separator: ",")
    }
}

extension RelativeDistinguishedName.Attribute {
    /// `CN=mx1.example.com`, or the object identifier with the value's DER for a type that has no short name.
    fileprivate var text: String {
        let oid = type.description
        let name = shortNames[oid] ?? oid
        var coder = DER.Serializer()
        do {
            try coder.serialize(ASN1Any(value))
            let node = try DER.parse(coder.serializedBytes)
            if shortNames[oid] != nil, let characters = characters(of: node) { return "\(name)=\(escaped(characters))" }
        } catch {
            // What does not parse is shown as its bytes, as any unknown value is.
        }
        return "\(name)=#\(Hex.encode(coder.serializedBytes).uppercased())"
    }
}

/// The short names that OpenSSL gives to the attributes met in certificates.
private let shortNames = [
    "2.5.4.3": "CN", "2.5.4.4": "SN", "2.5.4.5": "serialNumber", "2.5.4.6": "C", "2.5.4.7": "L", "2.5.4.8": "ST", "2.5.4.9": "street",
    "2.5.4.10": "O", "2.5.4.11": "OU", "2.5.4.12": "title", "2.5.4.13": "description", "2.5.4.15": "businessCategory",
    "2.5.4.16": "postalAddress", "2.5.4.17": "postalCode", "2.5.4.18": "postOfficeBox", "2.5.4.20": "telephoneNumber",
    "2.5.4.41": "name", "2.5.4.42": "GN", "2.5.4.43": "initials", "2.5.4.44": "generationQualifier",
    "2.5.4.46": "dnQualifier", "2.5.4.65": "pseudonym", "2.5.4.97": "organizationIdentifier",
    "0.9.2342.19200300.100.1.1": "UID", "0.9.2342.19200300.100.1.25": "DC", "1.2.840.113549.1.9.1": "emailAddress",
    "1.2.840.113549.1.9.2": "unstructuredName", "1.3.6.1.4.1.311.60.2.1.1": "jurisdictionL",
    "1.3.6.1.4.1.311.60.2.1.2": "jurisdictionST", "1.3.6.1.4.1.311.60.2.1.3": "jurisdictionC",
]

/// The characters of a string node; nil when it is no string, or not a valid one.
private func characters(of node: ASN1Node) -> [Unicode.Scalar]? {
    guard node.identifier.tagClass == .universal, case .primitive(let bytes) = node.content else { return nil }
    switch node.identifier.tagNumber {
    case 12: return String(validating: bytes, as: UTF8.self).map { Array($0.unicodeScalars) }
    // Numeric, Printable, T61 (which everybody fills with Latin-1), IA5, the two times, Visible: a byte each.
    case 18, 19, 20, 22, 23, 24, 26: return bytes.map { Unicode.Scalar($0) }
    case 28: return scalars(of: bytes, width: 4)
    case 30: return scalars(of: bytes, width: 2)
    default: return nil
    }
}

private func scalars(of bytes: ArraySlice<UInt8>, width: Int) -> [Unicode.Scalar]? {
    guard bytes.count.isMultiple(of: width) else { return nil }
    var scalars: [Unicode.Scalar] = []
    for start in stride(from: bytes.startIndex, to: bytes.endIndex, by: width) {
        let value = bytes[start..<start + width].reduce(UInt32(0)) { $0 << 8 | UInt32($1) }
        guard let scalar = Unicode.Scalar(value) else { return nil }
        scalars.append(scalar)
    }
    return scalars
}

/// RFC 4514, section 2.4, and what nobody could see or would be misled by in hexadecimal digits.
private func escaped(_ characters: [Unicode.Scalar]) -> String {
    var text = ""
    for (index, scalar) in characters.enumerated() {
        let isEdge = index == 0 || index == characters.count - 1
        switch scalar {
        case ",", "+", "\"", "\\", "<", ">", ";": text += "\\\(scalar)"
        case "#" where index == 0: text += "\\#"
        case " " where isEdge: text += "\\ "
        default:
            switch scalar.properties.generalCategory {
            case .control, .format, .lineSeparator, .paragraphSeparator, .privateUse, .unassigned:
                text += String(scalar).utf8.map { "\\" + Hex.encode([$0]).uppercased() }.joined()
            default: text.unicodeScalars.append(scalar)
            }
        }
    }
    return text
}
