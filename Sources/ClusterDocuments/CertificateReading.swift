import ClusterModel

extension DocumentReading {
    /// The ways in which a document gives a certificate, besides the masked form that `save` writes.
    private static let sources = ["selfSigned", "pkcs12", "pem", "sealed"]

    /// Reads `selfSigned`, `pkcs12`, `pem` or `sealed` and loads the files, or takes a stored certificate as it is.
    mutating func certificate(_ node: DocumentNode, _ section: Section, _ path: SettingPath) -> CertificateSource? {
        let expected = "one of selfSigned, pkcs12, pem and sealed"
        guard let members = map(node, path, expected: expected) else { return nil }
        let given = members.filter { DocumentReading.sources.contains($0.key) }
        guard let source = given.first else {
            return storedCertificate(node, members, section, path)
        }
        guard members.count == 1 else {
            let other = members.first { $0.key != source.key } ?? source
            errors.add(other.keyPosition, path.appending(other.key), "\"\(source.key)\" stands alone", expected: expected + ", alone")
            return nil
        }
        let inner = path.appending(source.key)
        switch source.key {
        case "selfSigned":
            return strictly(source.value, schema: SelfSignedRequest.shape.schema, inner, read: SelfSignedRequest.init)
                .map(CertificateSource.selfSigned)
        case "pkcs12": return pkcs12(source.value, inner)
        case "sealed": return sealed(source.value, section, inner)
        default: return pem(source.value, inner)
        }
    }

    /// A certificate that no source gives is one that `save` wrote.
    private mutating func storedCertificate(
        _ node: DocumentNode, _ members: [DocumentNode.Member], _ section: Section, _ path: SettingPath
    ) -> CertificateSource? {
        let stored = CertificateSetting.shape.fields.map(\.name)
        guard members.contains(where: { stored.contains($0.key) }) else {
            if let stranger = members.first {
                addUnknown("source of a certificate", stranger, path, among: DocumentReading.sources)
            } else {
                errors.add(node.position, path, "here is an empty map", expected: "one of selfSigned, pkcs12, pem and sealed")
            }
            return nil
        }
        return normalForm(node, section, path).map(CertificateSource.masked)
    }

    private mutating func sealed(_ node: DocumentNode, _ section: Section, _ path: SettingPath) -> CertificateSource? {
        guard
            let sealed = strictly(
                node, schema: SealedCertificate.shape.schema, path,
                read: { json, path throws(SettingError) in
                    // What is stored keeps the section's own rule, too.
                    _ = try section.normalize(json["certificate"] ?? .null, path.appending("certificate"))
                    return try SealedCertificate(json, at: path)
                })
        else { return nil }
        return .sealed(sealed)
    }

    private mutating func pkcs12(_ node: DocumentNode, _ path: SettingPath) -> CertificateSource? {
        guard let named = strictly(node, schema: PKCS12Files.shape.schema, path, read: PKCS12Files.init),
            let bytes = contents(of: "file", named.file, node, path),
            let password = text(of: "passwordFile", named.passwordFile, node, path)
        else { return nil }
        return .pkcs12(bytes: bytes, password: withoutLineEnd(password))
    }

    private mutating func pem(_ node: DocumentNode, _ path: SettingPath) -> CertificateSource? {
        guard let named = strictly(node, schema: PEMFiles.shape.schema, path, read: PEMFiles.init),
            let chain = text(of: "file", named.file, node, path),
            let key = text(of: "keyFile", named.keyFile, node, path)
        else { return nil }
        return .pem(chain: chain, key: key)
    }

    /// An editor ends the last line of a password file; that is no part of the password.
    private func withoutLineEnd(_ password: String) -> String {
        password.last?.isNewline == true ? String(password.dropLast()) : password
    }

    private mutating func text(of field: String, _ file: String, _ node: DocumentNode, _ path: SettingPath) -> String? {
        guard let bytes = contents(of: field, file, node, path) else { return nil }
        guard let text = String(validating: bytes, as: UTF8.self) else {
            errors.add(position(of: field, node), path.appending(field), "\"\(file)\" is no text in UTF-8")
            return nil
        }
        return text
    }

    mutating func contents(of field: String, _ file: String, _ node: DocumentNode, _ path: SettingPath) -> [UInt8]? {
        do {
            let bytes = try load(file)
            let limit = min(Limits.certificateFileBytes, room)
            guard bytes.count <= limit else {
                let problem = "\"\(file)\" has \(bytes.count) bytes"
                errors.add(position(of: field, node), path.appending(field), problem, expected: "at most \(limit)")
                return nil
            }
            room -= bytes.count
            return bytes
        } catch {
            errors.add(position(of: field, node), path.appending(field), "\"\(file)\" cannot be read: \(error)")
            return nil
        }
    }

    private func position(of field: String, _ node: DocumentNode) -> DocumentPosition {
        node[field]?.position ?? node.position
    }
}

/// The files of a `pkcs12` source.
struct PKCS12Files: Setting {
    var file = ""
    var passwordFile = ""

    static let shape = Shape<PKCS12Files>(
        "A PKCS#12 file and the file with its password.",
        [
            .required("file", \.file, .path, "The PKCS#12 file, relative to the document."),
            .required("passwordFile", \.passwordFile, .path, "The file whose only line is the password."),
        ],
        initial: PKCS12Files.init)
}

/// The files of a `pem` source.
struct PEMFiles: Setting {
    var file = ""
    var keyFile = ""

    static let shape = Shape<PEMFiles>(
        "A certificate with its chain, and its key, as PEM files.",
        [
            .required("file", \.file, .path, "The chain, the leaf first, relative to the document."),
            .required("keyFile", \.keyFile, .path, "The private key."),
        ],
        initial: PEMFiles.init)
}

extension ValueType {
    static var path: ValueType<String> { .text("the path of a file", limit: 4096) }
}
