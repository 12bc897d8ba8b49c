import ClusterModel

/// A value of a document together with where it stands.
struct DocumentNode {
    struct Member {
        var key: String
        var keyPosition: DocumentPosition
        var value: DocumentNode
    }

    indirect enum Content {
        /// A text, number or word; `isPlain` when it stands there without quotes.
        case scalar(JSONValue, isPlain: Bool)
        case list([DocumentNode])
        case map([Member])
        /// Something that was found wrong already, and is not looked at again.
        case faulty
    }

    var position: DocumentPosition
    var content: Content

    /// The value without its positions; nothing for what is faulty.
    var json: JSONValue {
        switch content {
        case .scalar(let value, _): value
        case .list(let items): .array(items.map(\.json))
        case .map(let members): .object(Dictionary(members.map { ($0.key, $0.value.json) }) { first, _ in first })
        case .faulty: .null
        }
    }

    /// Whether anything in it was found wrong while the text was read.
    var isFaulty: Bool {
        switch content {
        case .scalar: false
        case .list(let items): items.contains(where: \.isFaulty)
        case .map(let members): members.contains(where: \.value.isFaulty)
        case .faulty: true
        }
    }

    /// What kind of value this is, for an error; nil for what is faulty and has its error.
    var kind: String? {
        if case .faulty = content { nil } else { json.kind }
    }

    var members: [Member]? {
        guard case .map(let members) = content else { return nil }
        return members
    }

    var items: [DocumentNode]? {
        guard case .list(let items) = content else { return nil }
        return items
    }

    /// The text, if this is one.
    var text: String? {
        guard case .scalar(.string(let text), _) = content else { return nil }
        return text
    }

    /// Whether this stands for nothing: an empty value, `null` or `~`.
    var isNothing: Bool {
        guard case .scalar(.null, _) = content else { return false }
        return true
    }

    /// Whether this is a number, `true`, `false` or nothing because it has no quotes.
    var isReadAsNoText: Bool {
        guard case .scalar(let value, isPlain: true) = content else { return false }
        return value.text == nil
    }

    subscript(_ key: String) -> DocumentNode? {
        members?.first { $0.key == key }?.value
    }

    /// The deepest node that a path leads to; exact when the whole path does.
    func nearest(to steps: ArraySlice<SettingPath.Step>) -> (node: DocumentNode, isExact: Bool) {
        let next: DocumentNode? =
            switch steps.first {
            case .key(let key)?: self[key]
            case .index(let index)?: items.flatMap { $0.indices.contains(index) ? $0[index] : nil }
            case nil: nil
            }
        guard let next else { return (self, steps.isEmpty) }
        return next.nearest(to: steps.dropFirst())
    }
}
