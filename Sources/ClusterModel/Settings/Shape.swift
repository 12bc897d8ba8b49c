/// How one kind of JSON value is read into a Swift value, written back, and described.
///
/// Reading is strict: what does not fit is an error that says where, what was there, and what was expected.
package struct ValueType<Value: Sendable>: Sendable {
    /// What is expected, for an error: `a number from 1 to 65535`.
    package var expectation: String
    /// The JSON Schema (2020-12) of the value.
    package var schema: JSONValue
    package var read: @Sendable (JSONValue, SettingPath) throws(SettingError) -> Value
    package var write: @Sendable (Value) -> JSONValue
    /// The newest version of a section that any value of the type may need.
    package var version = 1
    /// What of a written value came after its section's first version.
    package var needs: @Sendable (JSONValue, SettingPath) -> [SettingNeed] = { _, _ in [] }

    package init(
        expectation: String, schema: JSONValue,
        read: @escaping @Sendable (JSONValue, SettingPath) throws(SettingError) -> Value,
        write: @escaping @Sendable (Value) -> JSONValue
    ) {
        self.expectation = expectation
        self.schema = schema
        self.read = read
        self.write = write
    }
}

/// One field of a setting: its name, how it is read and written, and a sentence for the reference.
///
/// A field that is added to a section after a release says so with `since`, the section's version that has it: then agents of
/// before are never given it, and people hear why (``SettingNeed``).
package struct Field<Root: Sendable>: Sendable {
    package var name: String
    package var summary: String
    package var isRequired: Bool
    package var schema: JSONValue
    /// The value that stands for a missing field, as JSON; nil where missing means none.
    package var standard: JSONValue?
    package var read: @Sendable (JSONValue, SettingPath, inout Root) throws(SettingError) -> Void
    /// The JSON to write; nil when the field has its standard value and is left out.
    package var write: @Sendable (Root) -> JSONValue?
    /// The version of the section that brought the field.
    package var since = 1
    /// The newest version that any value of the field may need.
    package var version = 1
    /// What of a written value of the field came later than the first version, the field itself aside.
    package var needs: @Sendable (JSONValue, SettingPath) -> [SettingNeed] = { _, _ in [] }

    private func coming<Value>(since: Int, _ type: ValueType<Value>) -> Field {
        var field = self
        field.since = since
        field.version = max(since, type.version)
        field.needs = type.needs
        return field
    }

    /// A field that must be there.
    package static func required<Value>(
        _ name: String, _ keyPath: any WritableKeyPath<Root, Value> & Sendable, _ type: ValueType<Value>, _ summary: String,
        since: Int = 1
    ) -> Field {
        Field(
            name: name, summary: summary, isRequired: true, schema: type.schema,
            read: { value, path, root throws(SettingError) in root[keyPath: keyPath] = try type.read(value, path) },
            write: { type.write($0[keyPath: keyPath]) }
        ).coming(since: since, type)
    }

    /// A field that may be missing.
    package static func optional<Value>(
        _ name: String, _ keyPath: any WritableKeyPath<Root, Value?> & Sendable, _ type: ValueType<Value>, _ summary: String,
        since: Int = 1
    ) -> Field {
        Field(
            name: name, summary: summary, isRequired: false, schema: type.schema,
            read: { value, path, root throws(SettingError) in root[keyPath: keyPath] = try type.read(value, path) },
            write: { $0[keyPath: keyPath].map(type.write) }
        ).coming(since: since, type)
    }

    /// A field whose absence means a standard value, which is then not written either: one meaning, one form.
    package static func standard<Value: Equatable>(
        _ name: String, _ keyPath: any WritableKeyPath<Root, Value> & Sendable, _ type: ValueType<Value>, _ value: Value,
        _ summary: String, since: Int = 1
    ) -> Field {
        Field(
            name: name, summary: summary, isRequired: false, schema: type.schema, standard: type.write(value),
            read: { found, path, root throws(SettingError) in root[keyPath: keyPath] = try type.read(found, path) },
            write: { $0[keyPath: keyPath] == value ? nil : type.write($0[keyPath: keyPath]) }
        ).coming(since: since, type)
    }
}

/// What a setting looks like: its fields, from which reading, writing, the JSON Schema and the reference follow.
package struct Shape<Root: Sendable>: Sendable {
    package var summary: String
    package var fields: [Field<Root>]
    private let initial: @Sendable () -> Root

    package init(_ summary: String, _ fields: [Field<Root>], initial: @escaping @Sendable () -> Root) {
        self.summary = summary
        self.fields = fields
        self.initial = initial
    }

    /// Reads a map: unknown and missing fields are refused by name.
    package func read(_ value: JSONValue, at path: SettingPath) throws(SettingError) -> Root {
        guard case .object(let members) = value else {
            throw SettingError(path, "here is \(value.kind)", expected: "a map with \(fieldNames)")
        }
        for name in members.keys.sorted() where !fields.contains(where: { $0.name == name }) {
            throw SettingError(
                path.appending(name), "there is no field \"\(name.prefix(64))\" here\(Spelling.hint(for: name, among: fields.map(\.name)))",
                expected: fieldNames)
        }
        var root = initial()
        for field in fields {
            if let member = members[field.name] {
                try field.read(member, path.appending(field.name), &root)
            } else if field.isRequired {
                throw SettingError(path, "the field \"\(field.name)\" is missing", expected: fieldNames)
            }
        }
        return root
    }

    /// The normal form: fields with their standard value are left out.
    package func write(_ root: Root) -> JSONValue {
        var members: [String: JSONValue] = [:]
        for field in fields {
            members[field.name] = field.write(root)
        }
        return .object(members)
    }

    /// The newest version that any field needs: that of the section, if this is a section's setting.
    package var version: Int { fields.map(\.version).max() ?? 1 }

    /// What of a written value came after its section's first version, field by field. A field with its standard value needs nothing.
    package func needs(of value: JSONValue, at path: SettingPath) -> [SettingNeed] {
        guard let members = value.members else { return [] }
        return fields.flatMap { field -> [SettingNeed] in
            guard field.version > 1, let member = members[field.name], member != field.standard else { return [] }
            let path = path.appending(field.name)
            return (field.since > 1 ? [SettingNeed(version: field.since, path: path)] : []) + field.needs(member, path)
        }
    }

    /// The JSON Schema (2020-12) of the setting.
    package var schema: JSONValue {
        var properties: [String: JSONValue] = [:]
        for field in fields {
            var schema = field.schema.members ?? [:]
            // A type's own description says what is expected; a field's says what for.
            schema["$comment"] = schema["description"]
            schema["description"] = .string(field.summary)
            schema["default"] = field.standard
            properties[field.name] = .object(schema)
        }
        let required = fields.filter(\.isRequired).map { JSONValue.string($0.name) }
        var schema: [String: JSONValue] = [
            "type": "object", "description": .string(summary), "properties": .object(properties),
            "additionalProperties": false,
        ]
        if !required.isEmpty { schema["required"] = .array(required) }
        return .object(schema)
    }

    private var fieldNames: String {
        fields.isEmpty ? "an empty map" : "one of " + fields.map(\.name).joined(separator: ", ")
    }
}

/// A value that a setting is made of.
package protocol Setting: Hashable, Sendable {
    init()
    /// What it looks like: the one description behind reading, writing, schema and reference.
    static var shape: Shape<Self> { get }
}

extension Setting {
    /// Reads the JSON form, strictly.
    package init(_ json: JSONValue, at path: SettingPath = SettingPath()) throws(SettingError) {
        self = try Self.shape.read(json, at: path)
    }

    /// The normal JSON form.
    package var json: JSONValue { Self.shape.write(self) }
}
