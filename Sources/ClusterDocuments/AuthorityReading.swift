import ClusterModel

extension DocumentReading {
    /// Reads a list of authorities (`pem: { file: FILE }` or `pem: TEXT`), the word on the operating system's, or the form that `save`
    /// writes.
    mutating func authorities(_ node: DocumentNode, _ section: Section, _ path: SettingPath) -> DocumentEntry? {
        let isSystem = path.name == AuthoritySetting.systemName
        let expected = isSystem ? "trusted: true or false" : "pem: { file: FILE }"
        if node.text == ClusterDocument.hiddenWord {
            guard isSystem else { return .hidden }
            errors.add(
                node.position, path, "the operating system's list cannot be hidden: where nobody speaks of it, it is trusted",
                expected: "trusted: false")
            return nil
        }
        guard let members = map(node, path, expected: expected) else { return nil }
        guard let source = members.first(where: { $0.key == "pem" }) else {
            return storedAuthorities(node, members, section, path, expected: expected)
        }
        guard !isSystem else {
            errors.add(source.keyPosition, path.appending("pem"), "this is the operating system's list", expected: expected)
            return nil
        }
        guard members.count == 1 else {
            let other = members.first { $0.key != source.key } ?? source
            errors.add(other.keyPosition, path.appending(other.key), "\"pem\" stands alone", expected: expected + ", alone")
            return nil
        }
        return bundle(source.value, path.appending("pem")).map(DocumentEntry.authorities)
    }

    private mutating func storedAuthorities(
        _ node: DocumentNode, _ members: [DocumentNode.Member], _ section: Section, _ path: SettingPath, expected: String
    ) -> DocumentEntry? {
        let fields = AuthoritySetting.shape.fields.map(\.name)
        guard members.contains(where: { fields.contains($0.key) }) else {
            if let stranger = members.first {
                addUnknown("way to give authorities", stranger, path, among: ["pem", "trusted"])
            } else {
                errors.add(node.position, path, "here is an empty map", expected: expected)
            }
            return nil
        }
        return normalForm(node, section, path).map(DocumentEntry.value)
    }

    /// The bytes of a list: a text in the document, or a file beside it.
    private mutating func bundle(_ node: DocumentNode, _ path: SettingPath) -> [UInt8]? {
        if let text = node.text {
            guard text.utf8.count <= Limits.certificateFileBytes else {
                let problem = "the list has \(text.utf8.count) bytes"
                errors.add(node.position, path, problem, expected: "at most \(Limits.certificateFileBytes)")
                return nil
            }
            return Array(text.utf8)
        }
        guard let named = strictly(node, schema: AuthorityFile.shape.schema, path, read: AuthorityFile.init) else { return nil }
        return contents(of: "file", named.file, node, path)
    }
}

/// The file of a list of authorities.
struct AuthorityFile: Setting {
    var file = ""

    static let shape = Shape<AuthorityFile>(
        "A list of authorities as a file.",
        [.required("file", \.file, .path, "Certificates in PEM, or one in DER, relative to the document.")],
        initial: AuthorityFile.init)
}
