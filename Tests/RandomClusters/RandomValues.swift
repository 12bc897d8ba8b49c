package import ClusterModel
package import SeededRandomness

/// Makes entries of any section out of its schema and its rules, so that a new section needs no word here.
package struct RandomValues: Sendable {
    package var random: SplitMix64

    package init(random: SplitMix64) {
        self.random = random
    }

    /// Texts of every kind that some field takes; also those that a careless writer of YAML would not put in quotes.
    private static let texts = [
        "mail", "public", "data1", "data2", "accepted", "partners", "settings", "null", "yes", "1e3", "0x1f", "12", "~", "- a", "a: b",
        "#c", "'",
        "mx1.example.com", "example.com", ".example.com", "default", "192.0.2.1", "192.0.2.0/24", "2001:db8::1", "2001:db8::/32", "ALL",
        "DE",
        "ops@example.com", "https://example.com/", "ldap.example.com:389", "dc=example,dc=com", "(mail={a})", "CN=mail.example.com", "ünï✉",
        "a b",
        "YWJj", "demo", "5f", "TLSv1.2", "ECDHE-RSA-AES128-GCM-SHA256", "true", "hidden", "$isolated", "*a", "&a", "!a", "@a", "%a",
        "12:30",
        "2026-01-01",
    ]

    /// An entry of the section in normal form; nil for one whose rules no attempt kept.
    package mutating func entry(of section: Section) -> JSONValue? {
        var value = value(section.schema)
        for attempt in 1...2000 {
            do throws(SettingError) {
                return try section.normalize(value, SettingPath())
            } catch {
                // Now and then from the beginning: a rule may speak of one field and mean another.
                value = attempt % 100 == 0 ? self.value(section.schema) : mended(value, section.schema, error.path.steps[...])
            }
        }
        return nil
    }

    /// The name of an entry of the section.
    package mutating func name(in section: Section) -> String {
        switch section.naming {
        case .single: EntryNaming.onlyEntry
        case .named(.oneOf(let names)): random.pick(names)
        case .named(.plain):
            random.pick(["mail", "public", "data1", "data2", "accepted", "partners", "null", "0x1f", "1.5", "yes", "hidden", "2"])
        case .named(.domain): random.pick(["default", "bank.example", ".bank.example", "a.example", "null", "1.5e3"])
        }
    }

    private mutating func value(_ schema: JSONValue) -> JSONValue {
        if let words = schema["enum"]?.items { return random.pick(words) }
        if let choices = (schema["oneOf"] ?? schema["anyOf"])?.items { return value(random.pick(choices)) }
        switch schema["type"]?.text {
        case "boolean": return .boolean(random.chance(500))
        case "integer": return integer(schema)
        case "array":
            let items = schema["items"] ?? .null
            return .array((0..<random.between(0, 3)).map { _ in value(items) })
        case "object": return object(schema)
        default: return .string(text(schema))
        }
    }

    private mutating func integer(_ schema: JSONValue) -> JSONValue {
        guard case .integer(let low)? = schema["minimum"], case .integer(let high)? = schema["maximum"] else { return .integer(1) }
        return .integer(random.pick([low, high, low + Int64(random.next() % UInt64(high - low + 1))]))
    }

    private mutating func object(_ schema: JSONValue) -> JSONValue {
        let required = Set(schema["required"]?.items?.compactMap(\.text) ?? [])
        var members: [String: JSONValue] = [:]
        for (name, property) in (schema["properties"]?.members ?? [:]).sorted(by: { $0.key < $1.key })
        where required.contains(name) || random.chance(500) {
            members[name] = value(property)
        }
        return .object(members)
    }

    private mutating func text(_ schema: JSONValue) -> String {
        if schema["format"]?.text == "date-time" { return Timestamp(seconds: Int64(random.between(0, 2_000_000_000))).description }
        if schema["pattern"]?.text?.contains("{64}") == true { return Digest(hashing: [UInt8(random.between(0, 255))]).hex }
        return random.pick(RandomValues.texts)
    }

    /// The value with what stands at the path made anew, or left out.
    private mutating func mended(_ value: JSONValue, _ schema: JSONValue, _ path: ArraySlice<SettingPath.Step>) -> JSONValue {
        switch (path.first, value) {
        case (.key(let key)?, .object(var members)):
            guard let property = schema["properties"]?[key] else { return self.value(schema) }
            let isRequired = schema["required"]?.items?.contains(.string(key)) ?? false
            let isLeft = !isRequired && path.count == 1 && random.chance(50)
            members[key] = isLeft ? nil : members[key].map { mended($0, property, path.dropFirst()) } ?? self.value(property)
            return .object(members)
        case (.index(let index)?, .array(var items)) where items.indices.contains(index):
            guard !random.chance(50) else {
                items.remove(at: index)
                return .array(items)
            }
            items[index] = mended(items[index], schema["items"] ?? .null, path.dropFirst())
            return .array(items)
        default: return self.value(schema)
        }
    }
}
