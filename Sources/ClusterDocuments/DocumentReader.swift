package import ClusterModel

/// Reads cluster documents, YAML or JSON, and says line by line what is wrong with one.
package enum DocumentReader {
    /// Reads a whole document, or throws everything that is wrong with it: at least one error for each faulty entry.
    ///
    /// Errors call the document `file`. The files that it names are loaded with `files`, which gets their paths as
    /// they are written: relative to the document.
    package static func read(
        text: String, named file: String, files: @escaping (String) throws -> [UInt8]
    ) throws(DocumentErrors) -> ClusterDocument {
        var reading = DocumentReading(file: file, room: Limits.documentBytes - text.utf8.count, load: files)
        let root = YAMLReader.read(text, errors: &reading.errors)
        reading.readDocument(root)
        try reading.errors.check()
        return reading.document
    }
}

/// One document while it is read: what was understood and what was not.
struct DocumentReading {
    var document = ClusterDocument()
    var errors: ErrorList
    /// How many bytes of files may still be loaded.
    var room: Int
    let load: (String) throws -> [UInt8]

    init(file: String, room: Int, load: @escaping (String) throws -> [UInt8]) {
        self.errors = ErrorList(file: file)
        self.room = room
        self.load = load
    }

    mutating func readDocument(_ root: DocumentNode) {
        let fields = ["cluster", "groups", "settings", "sealing"]
        let path = SettingPath()
        guard let members = map(root, path, expected: "a map with cluster, groups and settings") else { return }
        for member in members {
            switch member.key {
            case "cluster":
                document.cluster = name(member.value, path.appending("cluster"))
            case "groups":
                readGroups(member.value, path.appending("groups"))
            case "sealing":
                document.sealing = strictly(
                    member.value, schema: DocumentSealing.shape.schema, path.appending("sealing"), read: DocumentSealing.init)
            case "settings":
                readSettings(member.value, path.appending("settings"))
            default:
                addUnknown("field", member, path, among: fields)
            }
        }
    }

    private mutating func readGroups(_ node: DocumentNode, _ path: SettingPath) {
        guard let items = node.items else {
            return addKind(node, path, expected: "a list of group names, such as [eu, us]")
        }
        guard items.count <= Limits.groups else {
            return errors.add(node.position, path, "here are \(items.count) groups", expected: "at most \(Limits.groups)")
        }
        for (index, item) in items.enumerated() {
            guard let group = name(item, path.appending(index)) else { continue }
            if document.groups.contains(group) {
                errors.add(item.position, path.appending(index), "the group \"\(group)\" is there twice", expected: "each group once")
            }
            document.groups.append(group)
        }
    }

    private mutating func readSettings(_ node: DocumentNode, _ path: SettingPath) {
        let example = "a map of levels: cluster, group/NAME or machine/NAME"
        guard let members = map(node, path, expected: example) else { return }
        for member in members {
            do throws(Refusal) {
                let level = try Level(parsing: member.key)
                document.settings[level] = [:]
                readLevel(member.value, level, path.appending(member.key))
            } catch {
                let hint = DocumentReading.levelHint(member.key)
                let problem = "\"\(member.key.prefix(80))\" is not a level\(hint)"
                errors.add(member.keyPosition, path, problem, expected: "cluster, group/NAME or machine/NAME")
            }
        }
    }

    /// `groups/eu` and `Machine/mx1` are meant as levels.
    private static func levelHint(_ key: String) -> String {
        let parts = key.split(separator: "/", maxSplits: 1).map(String.init)
        let kinds = Level.Kind.allCases.map(\.rawValue)
        guard let first = parts.first, let kind = Spelling.nearest(to: first, among: kinds) else { return "" }
        let meant = ([kind] + parts.dropFirst()).joined(separator: "/")
        return meant == key ? "" : " (did you mean \"\(meant)\"?)"
    }

    private mutating func readLevel(_ node: DocumentNode, _ level: Level, _ path: SettingPath) {
        guard let members = map(node, path, expected: "a map of sections") else { return }
        for member in members {
            guard let section = Section.named(SectionName(rawValue: member.key)) else {
                addUnknown("section", member, path, among: Section.all.map(\.name.rawValue))
                continue
            }
            let inner = path.appending(member.key)
            guard section.levels.contains(level.kind) else {
                let right = section.levels.map(DocumentReading.example).joined(separator: " or ")
                errors.add(
                    member.keyPosition, inner, "\(section.name) cannot be set at \(level.kind.rawValue) level",
                    expected: "it under \(right)")
                continue
            }
            readSection(member.value, section, level, inner)
        }
    }

    private static func example(_ kind: Level.Kind) -> String {
        kind == .cluster ? "cluster" : "\(kind.rawValue)/NAME"
    }
}

// MARK: - What all readings share

extension DocumentReading {
    /// The members of a map; takes down an error for anything else.
    mutating func map(_ node: DocumentNode, _ path: SettingPath, expected: String) -> [DocumentNode.Member]? {
        if node.members == nil { addKind(node, path, expected: expected) }
        return node.members
    }

    /// A name by the plain rule.
    mutating func name(_ node: DocumentNode, _ path: SettingPath) -> String? {
        guard let text = node.text else {
            addKind(node, path, expected: NameRule.plain.expectation + quotes(node))
            return nil
        }
        guard NameRule.plain.accepts(text) else {
            errors.add(
                node.position, path, "\"\(text.prefix(80))\" does not fit\(NameRule.plain.remark(on: text))",
                expected: NameRule.plain.expectation)
            return nil
        }
        return text
    }

    mutating func addKind(_ node: DocumentNode, _ path: SettingPath, expected: String) {
        guard let kind = node.kind else { return }
        errors.add(node.position, path, "here is \(kind)", expected: expected)
    }

    mutating func addUnknown(_ what: String, _ member: DocumentNode.Member, _ path: SettingPath, among names: [String]) {
        let hint = Spelling.hint(for: member.key, among: names)
        errors.add(
            member.keyPosition, path.appending(String(member.key.prefix(64))), "there is no such \(what)\(hint)",
            expected: names.isEmpty ? "an empty map" : "one of " + names.joined(separator: ", "))
    }

    /// What to add to an expected text where an unquoted number or word stands.
    func quotes(_ node: DocumentNode) -> String {
        node.isReadAsNoText && !node.isNothing ? ", in quotes if it looks like a number or a word of YAML" : ""
    }
}
