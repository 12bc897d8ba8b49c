extension Section {
    /// An entry's value with each mention of one certificate naming another; nil when the references do not tell where they stand.
    func renaming(_ old: String, to new: String, in value: JSONValue) -> JSONValue? {
        var result = value
        for reference in references(value) where reference.section == .certificates && reference.name == old {
            guard let changed = result.setting(.string(new), at: JSONValue.steps(of: reference.field)) else { return nil }
            result = changed
        }
        return references(result).contains { $0.section == .certificates && $0.name == old } ? nil : result
    }
}

extension JSONValue {
    /// The steps of a field as references write it: `https.certificate`, `senderGroups[0].policy`.
    fileprivate static func steps(of field: String) -> ArraySlice<SettingPath.Step> {
        field.split(separator: ".").flatMap { part -> [SettingPath.Step] in
            let pieces = part.split(whereSeparator: { "[]".contains($0) })
            return pieces.enumerated().map { index, piece in
                index > 0 ? Int(piece).map(SettingPath.Step.index) ?? .key(String(piece)) : .key(String(piece))
            }
        }[...]
    }

    /// The value with another one at a place that is there; nil when it is not.
    fileprivate func setting(_ new: JSONValue, at steps: ArraySlice<SettingPath.Step>) -> JSONValue? {
        guard let step = steps.first else { return new }
        switch (step, self) {
        case (.key(let key), .object(var members)):
            guard let changed = members[key]?.setting(new, at: steps.dropFirst()) else { return nil }
            members[key] = changed
            return .object(members)
        case (.index(let index), .array(var items)):
            guard items.indices.contains(index), let changed = items[index].setting(new, at: steps.dropFirst()) else { return nil }
            items[index] = changed
            return .array(items)
        default: return nil
        }
    }

    /// What has to be merged into this value to get another (RFC 7396). Lists are replaced whole.
    func patch(to other: JSONValue) -> JSONValue {
        guard case .object(let before) = self, case .object(let after) = other else { return other }
        var patch: [String: JSONValue] = [:]
        for key in Set(before.keys).union(after.keys) where before[key] != after[key] {
            if let old = before[key], let new = after[key] { patch[key] = old.patch(to: new) } else { patch[key] = after[key] ?? .null }
        }
        return .object(patch)
    }
}
