extension ValueType {
    /// A text that passes a test; it is kept in its one form.
    package static func text(
        _ expectation: String, limit: Int = Limits.textLength, where accepts: @escaping @Sendable (String) -> Bool = { !$0.isEmpty }
    ) -> ValueType<String> {
        text(expectation, limit: limit, form: { accepts($0) ? $0 : nil })
    }

    /// A text that has one form among those that mean the same; `form` answers it, or nil for what does not fit.
    package static func text(
        _ expectation: String, limit: Int = Limits.textLength, form: @escaping @Sendable (String) -> String?
    ) -> ValueType<String> {
        ValueType<String>(
            expectation: expectation,
            schema: ["type": "string", "maxLength": .integer(Int64(limit)), "description": .string(expectation)]
        ) { value, path throws(SettingError) in
            guard case .string(let text) = value else {
                throw SettingError(path, "here is \(value.kind)", expected: expectation)
            }
            guard text.utf8.count <= limit else {
                throw SettingError(path, "this text has over \(limit) bytes", expected: expectation)
            }
            guard let form = form(text), !text.unicodeScalars.contains(where: { $0.value < 32 || $0.value == 127 }) else {
                let letter = foreignLetter(in: text).map { ": \($0)" } ?? ""
                throw SettingError(path, "\"\(text.prefix(80))\" does not fit\(letter)", expected: expectation)
            }
            return form
        } write: {
            .string($0)
        }
    }

    /// The name of an entry or an interface.
    package static var name: ValueType<String> {
        text(NameRule.plain.expectation, limit: Limits.nameLength, where: NameRule.plain.accepts)
    }

    /// A host name with at least one label, in lower case.
    package static var hostName: ValueType<String> {
        text(
            "a host name such as mx1.example.com", limit: Limits.domainLength, form: { HostName.accepts($0) ? $0.lowercased() : nil })
    }

    /// An IPv4 or IPv6 address.
    package static var address: ValueType<String> {
        text(
            "an IPv4 or IPv6 address", limit: 45, form: { IPAddress($0)?.description })
    }

    /// A server somewhere: its host name or address.
    package static var server: ValueType<String> {
        text(
            "a host name such as ldap.example.com, or an address", limit: Limits.domainLength,
            form: { IPAddress($0)?.description ?? (HostName.accepts($0) ? $0.lowercased() : nil) })
    }

    /// A mail address.
    package static var mailAddress: ValueType<String> {
        text(
            "a mail address such as postmaster@example.com", limit: Limits.mailAddressLength,
            form: { MailAddress($0)?.description })
    }

    /// Envelope senders: one address, all of a domain, or a local part everywhere.
    package static var envelopeSender: ValueType<String> {
        text(
            "a domain such as example.com, .example.com for all below it, a mail address, or postmaster@ for that name everywhere",
            limit: Limits.mailAddressLength, form: { EnvelopeSender($0)?.description })
    }

    /// A sender in a sender group.
    package static var sender: ValueType<String> {
        let pattern = text(
            "an address, a network such as 192.0.2.0/24, a host, a domain such as .example.com, or ALL", limit: Limits.domainLength,
            form: { SenderPattern($0)?.description })
        return ValueType<String>(expectation: pattern.expectation, schema: pattern.schema) { value, path throws(SettingError) in
            if case .string(let text) = value, let network = SenderPattern.network(around: text) {
                throw SettingError(
                    path, "\"\(text.prefix(80))\" is an address within a network",
                    expected: "\(network), if the network is meant, or the address alone")
            }
            return try pattern.read(value, path)
        } write: {
            .string($0)
        }
    }

    /// A SHA-256 digest in hexadecimal digits.
    package static var digest: ValueType<Digest> {
        let expectation = "a SHA-256 digest of 64 hexadecimal digits"
        return ValueType<Digest>(expectation: expectation, schema: ["type": "string", "pattern": "^[0-9a-f]{64}$"]) {
            value, path throws(SettingError) in
            guard case .string(let text) = value, let digest = Digest(hex: text) else {
                throw SettingError(path, "here is \(value.kind) that is none", expected: expectation)
            }
            return digest
        } write: {
            .string($0.hex)
        }
    }

    /// A moment.
    package static var timestamp: ValueType<Timestamp> {
        let expectation = "a time such as 2026-11-24T09:30:00Z"
        return ValueType<Timestamp>(expectation: expectation, schema: ["type": "string", "format": "date-time"]) {
            value, path throws(SettingError) in
            guard case .string(let text) = value, let moment = Timestamp(text) else {
                throw SettingError(path, "here is \(value.kind) that is none", expected: expectation)
            }
            return moment
        } write: {
            .string($0.description)
        }
    }

    /// A whole number within a range.
    package static func integer(_ range: ClosedRange<Int>) -> ValueType<Int> {
        let expectation = "a number from \(range.lowerBound) to \(range.upperBound)"
        return ValueType<Int>(
            expectation: expectation,
            schema: ["type": "integer", "minimum": .integer(Int64(range.lowerBound)), "maximum": .integer(Int64(range.upperBound))]
        ) { value, path throws(SettingError) in
            guard case .integer(let number) = value else {
                throw SettingError(path, "here is \(value.kind)", expected: expectation)
            }
            guard let number = Int(exactly: number), range.contains(number) else {
                throw SettingError(path, "\(number) is out of range", expected: expectation)
            }
            return number
        } write: {
            .integer(Int64($0))
        }
    }

    /// A TCP port.
    package static var port: ValueType<Int> { integer(1...65535) }

    /// True or false.
    package static var boolean: ValueType<Bool> {
        ValueType<Bool>(expectation: "true or false", schema: ["type": "boolean"]) { value, path throws(SettingError) in
            guard case .boolean(let flag) = value else {
                throw SettingError(path, "here is \(value.kind)", expected: "true or false")
            }
            return flag
        } write: {
            .boolean($0)
        }
    }

    /// One of a fixed set of words. `later` are those that came after the first version of the section.
    package static func choice<Choice>(_ type: Choice.Type, since later: [Choice: Int] = [:]) -> ValueType<Choice>
    where Choice: CaseIterable & RawRepresentable<String> & Sendable & Hashable {
        let words = Choice.allCases.map(\.rawValue)
        let expectation = "one of " + words.joined(separator: ", ")
        var choice = ValueType<Choice>(expectation: expectation, schema: ["enum": .array(words.map(JSONValue.string))]) {
            value, path throws(SettingError) in
            guard case .string(let word) = value, let choice = Choice(rawValue: word) else {
                let found =
                    value.text.map { "\"\($0.prefix(64))\" is none of the choices\(Spelling.hint(for: $0, among: words))" }
                    ?? "here is \(value.kind)"
                throw SettingError(path, found, expected: expectation)
            }
            return choice
        } write: {
            .string($0.rawValue)
        }
        choice.version = later.values.max() ?? 1
        choice.needs = { value, path in
            guard let version = value.text.flatMap(Choice.init(rawValue:)).flatMap({ later[$0] }), version > 1 else { return [] }
            return [SettingNeed(version: version, path: path)]
        }
        return choice
    }

    /// Some of a fixed set of words, each once. They have no order: one meaning has one form. `later` as in a single choice.
    package static func choices<Choice>(_ type: Choice.Type, since later: [Choice: Int] = [:]) -> ValueType<[Choice]>
    where Choice: CaseIterable & RawRepresentable<String> & Hashable & Sendable, Value == [Choice] {
        let each = ValueType<[Choice]>.list(of: ValueType<Choice>.choice(Choice.self, since: later))
        var choices = ValueType<[Choice]>(expectation: each.expectation, schema: each.schema) { value, path throws(SettingError) in
            let found = try each.read(value, path)
            guard !found.isEmpty else { throw SettingError(path, "this list is empty", expected: "at least one item, or no such field") }
            for (index, choice) in found.enumerated() where found[..<index].contains(choice) {
                throw SettingError(path.appending(index), "\"\(choice.rawValue)\" is there twice", expected: "each item once")
            }
            return Choice.allCases.filter(found.contains)
        } write: {
            each.write($0)
        }
        choices.version = each.version
        choices.needs = each.needs
        return choices
    }

    /// A list whose items all have one type.
    package static func list<Item>(of item: ValueType<Item>, limit: Int = Limits.listItems) -> ValueType<[Item]>
    where Value == [Item] {
        let expectation = "a list, each item \(item.expectation)"
        var list = ValueType<[Item]>(
            expectation: expectation, schema: ["type": "array", "items": item.schema, "maxItems": .integer(Int64(limit))]
        ) { value, path throws(SettingError) in
            guard case .array(let values) = value else {
                throw SettingError(path, "here is \(value.kind)", expected: expectation)
            }
            guard values.count <= limit else {
                throw SettingError(path, "this list has \(values.count) items", expected: "at most \(limit)")
            }
            var items: [Item] = []
            for (index, value) in values.enumerated() {
                items.append(try item.read(value, path.appending(index)))
            }
            return items
        } write: {
            .array($0.map(item.write))
        }
        list.version = item.version
        list.needs = { value, path in
            guard item.version > 1 else { return [] }
            return (value.items ?? []).enumerated().flatMap { item.needs($1, path.appending($0)) }
        }
        return list
    }

    /// A setting inside a setting.
    package static func setting<Inner: Setting>(_ type: Inner.Type) -> ValueType<Inner> {
        var setting = ValueType<Inner>(expectation: "a map", schema: Inner.shape.schema) { value, path throws(SettingError) in
            try Inner.shape.read(value, at: path)
        } write: {
            Inner.shape.write($0)
        }
        setting.version = Inner.shape.version
        setting.needs = { Inner.shape.needs(of: $0, at: $1) }
        return setting
    }
}
