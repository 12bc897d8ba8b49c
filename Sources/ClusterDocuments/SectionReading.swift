import ClusterModel

extension DocumentReading {
    mutating func readSection(_ node: DocumentNode, _ section: Section, _ level: Level, _ path: SettingPath) {
        document.settings[level]?[section.name] = [:]
        switch section.naming {
        case .named(let rule): readEntries(node, section, named: rule, level, path)
        case .single: readOnlyEntry(node, section, level, path)
        }
    }

    private mutating func readEntries(
        _ node: DocumentNode, _ section: Section, named rule: NameRule, _ level: Level, _ path: SettingPath
    ) {
        let expected = "a map of entries by name" + (node.isNothing ? "; {} is the one without any" : "")
        guard let members = map(node, path, expected: expected) else { return }
        guard members.count <= Limits.entries else {
            return errors.add(node.position, path, "here are \(members.count) entries", expected: "at most \(Limits.entries)")
        }
        for member in members where !takeIsolation(member, section, level, path) {
            guard rule.accepts(member.key) else {
                errors.add(
                    member.keyPosition, path,
                    "\"\(member.key.prefix(80))\" is no name for an entry of \(section.name)\(rule.remark(on: member.key))",
                    expected: rule.expectation)
                continue
            }
            let name = rule.normal(member.key)
            guard document.settings[level]?[section.name]?[name] == nil else {
                errors.add(
                    member.keyPosition, path.appending(member.key), "\(name) is there twice",
                    expected: "each name once; upper and lower case are the same")
                continue
            }
            let entry = entry(member.value, section, path.appending(member.key))
            document.settings[level]?[section.name]?[name] = entry
        }
    }

    /// A single-valued section is written flat; nothing in its place says that the level has no such entry.
    private mutating func readOnlyEntry(_ node: DocumentNode, _ section: Section, _ level: Level, _ path: SettingPath) {
        guard !node.isNothing else { return }
        var node = node
        if let members = node.members {
            let fields = members.filter { !takeIsolation($0, section, level, path) }
            guard fields.isEmpty == members.isEmpty else { return }
            node.content = .map(fields)
            // The entry may stand there by its name, too.
            let isField = section.schema["properties"]?[EntryNaming.onlyEntry] != nil
            if !isField, fields.count == 1, let only = fields.first, only.key == EntryNaming.onlyEntry { node = only.value }
        }
        let entry = entry(node, section, path)
        document.settings[level]?[section.name]?[EntryNaming.onlyEntry] = entry
    }

    /// Takes `$isolated: true`; false when the member is something else.
    private mutating func takeIsolation(
        _ member: DocumentNode.Member, _ section: Section, _ level: Level, _ path: SettingPath
    ) -> Bool {
        guard member.key == ClusterDocument.isolatedKey else { return false }
        switch member.value.json {
        case .boolean(true): document.isolated[level, default: []].insert(section.name)
        case .boolean(false): break
        default: addKind(member.value, path.appending(member.key), expected: "true or false")
        }
        return true
    }

    private mutating func entry(_ node: DocumentNode, _ section: Section, _ path: SettingPath) -> DocumentEntry? {
        if section.name == .authorities { return authorities(node, section, path) }
        if node.text == ClusterDocument.hiddenWord { return .hidden }
        if section.name == .certificates { return certificate(node, section, path).map(DocumentEntry.certificate) }
        return normalForm(node, section, path).map(DocumentEntry.value)
    }

    /// The entry's normal form, or its errors: every unknown field, then the first value that does not read.
    mutating func normalForm(_ node: DocumentNode, _ section: Section, _ path: SettingPath) -> JSONValue? {
        guard let value = strictly(node, schema: section.schema, path, read: section.normalize) else { return nil }
        let size = value.canonicalBytes.count
        guard size <= Limits.entryBytes else {
            errors.add(node.position, path, "this entry has \(size) bytes", expected: "at most \(Limits.entryBytes)")
            return nil
        }
        return value
    }

    /// Reads a value by its schema and its reader, and puts the reader's error at the place it speaks of.
    mutating func strictly<Value>(
        _ node: DocumentNode, schema: JSONValue, _ path: SettingPath,
        read: (JSONValue, SettingPath) throws(SettingError) -> Value
    ) -> Value? {
        let known = withoutUnknownFields(node, schema: schema, path)
        guard !known.isFaulty else { return nil }
        do throws(SettingError) {
            return try read(known.json, path)
        } catch {
            let steps = error.path.steps.dropFirst(path.steps.count)
            let (place, isExact) = known.nearest(to: steps)
            let wantsText = isExact && schema.schema(at: steps)?["type"] == "string"
            errors.add(
                place.position, error.path, error.problem, expected: error.expected + (wantsText ? quotes(place) : ""))
            return nil
        }
    }

    /// Takes down every field that the schema does not have, and returns the rest.
    private mutating func withoutUnknownFields(_ node: DocumentNode, schema: JSONValue, _ path: SettingPath) -> DocumentNode {
        var result = node
        switch node.content {
        case .map(let members):
            guard let properties = schema["properties"]?.members else { return node }
            var known: [DocumentNode.Member] = []
            for var member in members {
                guard let property = properties[member.key] else {
                    addUnknown("field", member, path, among: properties.keys.sorted())
                    continue
                }
                member.value = withoutUnknownFields(member.value, schema: property, path.appending(member.key))
                known.append(member)
            }
            result.content = .map(known)
        case .list(let items):
            guard let schema = schema["items"] else { return node }
            var known: [DocumentNode] = []
            for (index, item) in items.enumerated() {
                known.append(withoutUnknownFields(item, schema: schema, path.appending(index)))
            }
            result.content = .list(known)
        case .scalar, .faulty: break
        }
        return result
    }
}

extension JSONValue {
    /// The part of a JSON Schema that speaks of what a path leads to.
    fileprivate func schema(at steps: ArraySlice<SettingPath.Step>) -> JSONValue? {
        switch steps.first {
        case .key(let key)?: self["properties"]?[key]?.schema(at: steps.dropFirst())
        case .index?: self["items"]?.schema(at: steps.dropFirst())
        case nil: self
        }
    }
}
