extension JSONValue {
    /// Decodes any value from its `Codable` form.
    ///
    /// Reads the value as it is: a log of a hundred thousand entries would be written and parsed once more otherwise.
    package func decode<Value: Decodable>(_ type: Value.Type) throws -> Value {
        try JSONValueDecoder(value: self, place: .root).decode(type)
    }
}

/// Where in a value the reading is, put together only for an error.
private indirect enum Place {
    case root
    case member(Place, any CodingKey)

    var path: [any CodingKey] {
        switch self {
        case .root: []
        case .member(let place, let key): place.path + [key]
        }
    }
}

private struct JSONValueDecoder: Decoder, SingleValueDecodingContainer {
    let value: JSONValue
    let place: Place

    var codingPath: [any CodingKey] { place.path }
    var userInfo: [CodingUserInfoKey: Any] { [:] }

    func container<Key: CodingKey>(keyedBy type: Key.Type) throws -> KeyedDecodingContainer<Key> {
        guard case .object(let members) = value else { throw mismatch([String: JSONValue].self) }
        return KeyedDecodingContainer(Members<Key>(members: members, place: place))
    }

    func unkeyedContainer() throws -> any UnkeyedDecodingContainer {
        guard case .array(let items) = value else { throw mismatch([JSONValue].self) }
        return Items(items: items, place: place)
    }

    func singleValueContainer() -> any SingleValueDecodingContainer { self }

    func decodeNil() -> Bool { value == .null }

    /// Stands in for the decoding of each kind of number, too.
    func decode<Value: Decodable>(_ type: Value.Type) throws -> Value {
        switch (value, type) {
        case (_, is JSONValue.Type): if let same = value as? Value { return same }
        case (.string(let text), is String.Type): if let text = text as? Value { return text }
        case (.boolean(let boolean), is Bool.Type): if let boolean = boolean as? Value { return boolean }
        case (.integer(let number), let integer as any FixedWidthInteger.Type):
            if let number = integer.init(exactly: number) as? Value { return number }
        case (.integer(let number), let float as any BinaryFloatingPoint.Type):
            if let number = float.init(number) as? Value { return number }
        case (_, is String.Type), (_, is Bool.Type), (_, is any FixedWidthInteger.Type), (_, is any BinaryFloatingPoint.Type): break
        default: return try Value(from: self)
        }
        throw mismatch(type)
    }

    private func mismatch(_ type: Any.Type) -> DecodingError {
        .typeMismatch(type, .init(codingPath: codingPath, debugDescription: "here is \(value.kind)"))
    }
}

private struct Members<Key: CodingKey>: KeyedDecodingContainerProtocol {
    let members: [String: JSONValue]
    let place: Place

    var codingPath: [any CodingKey] { place.path }
    var allKeys: [Key] { members.keys.compactMap { Key(stringValue: $0) } }

    func contains(_ key: Key) -> Bool { members[key.stringValue] != nil }

    func decodeNil(forKey key: Key) throws -> Bool { try decoder(key).decodeNil() }

    func decode<Value: Decodable>(_ type: Value.Type, forKey key: Key) throws -> Value { try decoder(key).decode(type) }

    func nestedContainer<Nested: CodingKey>(keyedBy type: Nested.Type, forKey key: Key) throws -> KeyedDecodingContainer<Nested> {
        try decoder(key).container(keyedBy: type)
    }

    func nestedUnkeyedContainer(forKey key: Key) throws -> any UnkeyedDecodingContainer { try decoder(key).unkeyedContainer() }

    func superDecoder() throws -> any Decoder { JSONValueDecoder(value: .object(members), place: place) }

    func superDecoder(forKey key: Key) throws -> any Decoder { try decoder(key) }

    private func decoder(_ key: Key) throws -> JSONValueDecoder {
        guard let member = members[key.stringValue] else {
            throw DecodingError.keyNotFound(key, .init(codingPath: codingPath, debugDescription: "\"\(key.stringValue)\" is missing"))
        }
        return JSONValueDecoder(value: member, place: .member(place, key))
    }
}

private struct Items: UnkeyedDecodingContainer {
    let items: [JSONValue]
    let place: Place
    private(set) var currentIndex = 0

    init(items: [JSONValue], place: Place) {
        self.items = items
        self.place = place
    }

    private struct Index: CodingKey {
        let intValue: Int?
        var stringValue: String { "\(intValue ?? 0)" }

        init(intValue: Int) { self.intValue = intValue }
        init?(stringValue: String) { nil }
    }

    var codingPath: [any CodingKey] { place.path }
    var count: Int? { items.count }
    var isAtEnd: Bool { currentIndex >= items.count }

    mutating func decodeNil() throws -> Bool {
        guard try decoder().decodeNil() else { return false }
        currentIndex += 1
        return true
    }

    mutating func decode<Value: Decodable>(_ type: Value.Type) throws -> Value {
        let value = try decoder().decode(type)
        currentIndex += 1
        return value
    }

    mutating func nestedContainer<Nested: CodingKey>(keyedBy type: Nested.Type) throws -> KeyedDecodingContainer<Nested> {
        defer { currentIndex += 1 }
        return try decoder().container(keyedBy: type)
    }

    mutating func nestedUnkeyedContainer() throws -> any UnkeyedDecodingContainer {
        defer { currentIndex += 1 }
        return try decoder().unkeyedContainer()
    }

    mutating func superDecoder() throws -> any Decoder {
        defer { currentIndex += 1 }
        return try decoder()
    }

    private func decoder() throws -> JSONValueDecoder {
        let index = Index(intValue: currentIndex)
        guard !isAtEnd else {
            let path = codingPath + [index]
            throw DecodingError.valueNotFound(JSONValue.self, .init(codingPath: path, debugDescription: "the list is at its end"))
        }
        return JSONValueDecoder(value: items[currentIndex], place: .member(place, index))
    }
}
