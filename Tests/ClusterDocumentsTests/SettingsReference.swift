import ClusterDocuments
import ClusterModel

/// Docs/reference/settings.md, made of the sections' own descriptions.
enum SettingsReference {
    static var text: String {
        let parts =
            [introduction] + Section.all.map(section) + [certificateSources, document]
        return parts.joined(separator: "\n")
    }

    private static let introduction = """
        # Settings

        Every section of a [cluster document](cluster-document.schema.json), with its fields. This page is made of the types that read them: a test
        compares it, and with `MUSTER_UPDATE_GOLDEN=1` writes it (`--filter ReferenceTests`).

        A document says `settings`, then the level (`cluster`, `group/NAME`, `machine/NAME`), the section, and the entry by its name. In place of an
        entry, `hidden` says that it does not exist from that level down; `$isolated: true` in a section says that nothing of it is inherited there.
        A field without a default may be left out unless it is required. A name has up to 63 letters, digits, `-`, `_` and `.`, and begins with a letter or
        digit.

        """

    private static func section(_ section: Section) -> String {
        let levels = section.levels.map(\.rawValue).joined(separator: ", ")
        let naming =
            switch section.naming {
            case .single: "It has one entry, written without a name."
            case .named(.plain): "Its entries have names."
            case .named(let rule): "Its entries are named by \(rule.expectation)."
            }
        let network = section.isNetwork ? " A network setting: a machine brings it along when it joins." : ""
        var text = "## \(section.name)\n\n\(section.summary) \(naming) Levels: \(levels).\(network)\n\n"
        if section.name == .certificates {
            text += "This is what `save` writes; [other forms](#forms-of-a-certificate) are what people write.\n\n"
        }
        if section.name == .authorities {
            text +=
                "A list is given as `pem: { file: FILE }` or as its text, `pem: TEXT`; the entry `system` says `trusted: true` or `false`.\n\n"
        }
        return text + table(section.schema)
    }

    private static var certificateSources: String {
        "## Forms of a certificate\n\nIn place of the fields above, a document gives a certificate in one of these ways.\n\n"
            + DocumentSchema.certificateSources.map { key, schema in
                "### \(key)\n\n\(schema["description"]?.text ?? "")\n\n\(table(schema, folding: "certificate"))"
            }.joined(separator: "\n")
    }

    private static var document: String {
        "## Sealing\n\n\(DocumentSealing.shape.summary) It stands beside `settings`, as `sealing`.\n\n\(table(DocumentSealing.shape.schema))"
    }

    private static func table(_ schema: JSONValue, folding folded: String? = nil) -> String {
        let rows = rows(schema, prefix: "", folding: folded)
        guard !rows.isEmpty else { return "No fields.\n" }
        return (["| field | type | default | meaning |", "| --- | --- | --- | --- |"] + rows).joined(separator: "\n") + "\n"
    }

    private static func rows(_ schema: JSONValue, prefix: String, folding folded: String?) -> [String] {
        let required = Set(schema["required"]?.items?.compactMap(\.text) ?? [])
        return (schema["properties"]?.members ?? [:]).sorted { $0.key < $1.key }.flatMap { name, field -> [String] in
            let path = prefix + name
            let standard = required.contains(name) ? "required" : field["default"].map { "`\($0.canonicalText)`" } ?? ""
            let row = "| `\(path)` | \(type(of: field)) | \(standard) | \(field["description"]?.text ?? "") |"
            if name == folded { return [row] }
            let inner = field["type"]?.text == "array" ? rows(field["items"] ?? .null, prefix: "\(path)[].", folding: folded) : []
            return [row] + inner + rows(field, prefix: "\(path).", folding: folded)
        }
    }

    private static func type(of field: JSONValue) -> String {
        if let words = field["enum"]?.items { return words.compactMap(\.text).map { "`\($0)`" }.joined(separator: ", ") }
        switch field["type"]?.text {
        case "boolean": return "true or false"
        case "integer": return "\(field["minimum"]?.canonicalText ?? "")–\(field["maximum"]?.canonicalText ?? "")"
        case "array":
            let items = field["items"] ?? .null
            return "list: \(items["properties"] == nil ? items["description"]?.text ?? type(of: items) : "maps")"
        case "object": return "map"
        default:
            if field["format"]?.text == "date-time" { return "a time such as 2026-11-24T09:30:00Z" }
            if field["pattern"] != nil { return "64 hexadecimal digits" }
            let comment = field["$comment"]?.text
            return comment == NameRule.plain.expectation ? "a name" : comment ?? "text"
        }
    }
}
