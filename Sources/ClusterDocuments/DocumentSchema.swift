package import ClusterModel

/// The JSON Schema (2020-12) of a cluster document, made of the types that read it; `Docs/reference/cluster-document.schema.json` is
/// its text.
///
/// It knows the form. What the reader knows besides, it does not say: rules between fields, and names that must exist.
package enum DocumentSchema {
    /// The ways in which a document gives a certificate, by key; the masked form has none.
    package static let certificateSources: [(key: String, schema: JSONValue)] = [
        ("selfSigned", SelfSignedRequest.shape.schema), ("pkcs12", PKCS12Files.shape.schema), ("pem", PEMFiles.shape.schema),
        ("sealed", SealedCertificate.shape.schema),
    ]

    package static var json: JSONValue {
        let name = reference("name")
        return [
            "$schema": "https://json-schema.org/draft/2020-12/schema", "title": "A cluster document of Muster",
            "description": "What muster save writes and muster apply reads. Only what it names is replaced.", "type": "object",
            "properties": [
                "cluster": described(name, "The cluster that the document is meant for; left out, for any."),
                "groups": [
                    "type": "array", "items": name, "uniqueItems": true, "maxItems": .integer(Int64(Limits.groups)),
                    "description": "Groups that are to exist.",
                ],
                "sealing": DocumentSealing.shape.schema, "settings": settings,
            ],
            "additionalProperties": false, "$defs": .object(definitions),
        ]
    }

    private static var settings: JSONValue {
        let plain = "[A-Za-z0-9][-A-Za-z0-9_.]{0,\(Limits.nameLength - 1)}"
        return [
            "type": "object", "description": "Settings by level: cluster, group/NAME, machine/NAME.",
            "properties": ["cluster": reference("cluster")],
            "patternProperties": [
                "^group/\(plain)$": reference("group"), "^machine/\(plain)$": reference("machine"),
            ], "additionalProperties": false,
        ]
    }

    private static var definitions: [String: JSONValue] {
        var definitions: [String: JSONValue] = [
            "name": ["type": "string", "pattern": .string(pattern(of: .plain))],
            "hidden": ["const": .string(ClusterDocument.hiddenWord), "description": "It does not exist from this level down."],
        ]
        for level in Level.Kind.allCases {
            var sections: [String: JSONValue] = [:]
            for section in Section.all where section.levels.contains(level) {
                sections[section.name.rawValue] = reference(section.name.rawValue)
            }
            definitions[level.rawValue] = ["type": "object", "properties": .object(sections), "additionalProperties": false]
        }
        for section in Section.all { definitions[section.name.rawValue] = schema(of: section) }
        return definitions
    }

    private static func schema(of section: Section) -> JSONValue {
        let isolated: JSONValue = ["type": "boolean", "description": "Whether nothing of the section is inherited at this level."]
        let entry =
            switch section.name {
            case .certificates: certificate(section)
            case .authorities: authorities(section)
            default: section.schema
            }
        switch section.naming {
        case .named(let rule):
            return [
                "type": "object", "description": .string(section.summary), "properties": [ClusterDocument.isolatedKey: isolated],
                "patternProperties": [pattern(of: rule): ["anyOf": [reference("hidden"), entry]]], "additionalProperties": false,
                "maxProperties": .integer(Int64(Limits.entries + 1)),
            ]
        case .single:
            var members = entry.members ?? [:]
            members["properties"] = .object((entry["properties"]?.members ?? [:]).merging([ClusterDocument.isolatedKey: isolated]) { $1 })
            let byName: JSONValue = [
                "type": "object", "minProperties": 1, "additionalProperties": false,
                "properties": [ClusterDocument.isolatedKey: isolated, EntryNaming.onlyEntry: ["anyOf": [reference("hidden"), entry]]],
            ]
            return ["anyOf": [["type": "null"], reference("hidden"), .object(members), byName]]
        }
    }

    private static func certificate(_ section: Section) -> JSONValue {
        let sources = certificateSources.map { key, schema -> JSONValue in
            ["type": "object", "properties": [key: schema], "required": [.string(key)], "additionalProperties": false]
        }
        return ["anyOf": .array(sources + [section.schema])]
    }

    private static func authorities(_ section: Section) -> JSONValue {
        let text: JSONValue = ["type": "string", "description": "The certificates in PEM."]
        let source: JSONValue = [
            "type": "object", "properties": ["pem": ["anyOf": [text, AuthorityFile.shape.schema]]], "required": ["pem"],
            "additionalProperties": false,
        ]
        return ["anyOf": [source, section.schema]]
    }

    private static func reference(_ name: String) -> JSONValue { ["$ref": .string("#/$defs/\(name)")] }

    private static func described(_ schema: JSONValue, _ text: String) -> JSONValue {
        var members = schema.members ?? [:]
        members["description"] = .string(text)
        return .object(members)
    }

    /// What ``NameRule/accepts(_:)`` takes.
    private static func pattern(of rule: NameRule) -> String {
        switch rule {
        case .plain: "^[A-Za-z0-9][-A-Za-z0-9_.]{0,\(Limits.nameLength - 1)}$"
        case .domain: #"^\.?([A-Za-z0-9_]([-A-Za-z0-9_]{0,61}[A-Za-z0-9_])?\.)*[A-Za-z0-9_]([-A-Za-z0-9_]{0,61}[A-Za-z0-9_])?$"#
        case .oneOf(let names): "^(\(names.joined(separator: "|")))$"
        }
    }
}
