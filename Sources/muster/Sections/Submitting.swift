import AdminClient
import AdminContract
import ArgumentParser
import ClusterModel

extension ManagerOptions {
    /// Submits one edit and says what it did.
    func submit(_ edit: () throws -> EntryEdit) async throws {
        let summary = try await withManager { client in try await client.edit([try edit()]) }
        try show(summary)
    }

    /// Says what edits did.
    func show(_ summary: EditSummary) throws {
        try renderer.show(summary) { style in
            guard !summary.changes.isEmpty else { return "Nothing to change: it is so already." }
            let notices = (summary.notices ?? []).map { style.paint("Notice: ", .waiting) + $0.printable() }
            return (summary.changes.map { $0.text(style) } + notices).joined(separator: "\n") + "\n" + commitReminder
        }
    }
}

extension ChangeView {
    /// The change for people: what it is about, then each field that differs, then what others did.
    func text(_ style: Style, withLevel: Bool = true) -> String {
        let subject = ChangeText(section: section, entry: entry, change: change, before: before, after: after)
        let heading = subject.heading + (withLevel ? " at \(level)".printable() : "")
        return ([style.paint(heading, .heading)] + (subject.fieldLines + conflictLines(style)).map { "  " + $0 }).joined(separator: "\n")
    }

    private func conflictLines(_ style: Style) -> [String] {
        guard let conflict else { return [] }
        let words = commandWords(section, entry, at: level)
        let base = conflict.base == .null ? [] : ["  it was: \(shortText(of: conflict.base, in: section))".printable()]
        return [style.paint("conflict: ", .bad) + conflict.text.printable()] + base + [
            "  keep yours:  muster changes --keep \(words)", "  take theirs: muster discard \(words)",
        ]
    }
}

/// What is said of a change of one entry, or of a section as a whole.
struct ChangeText {
    var section: SectionName
    var entry: String?
    var change: String
    var before: JSONValue
    var after: JSONValue

    var heading: String { "\(verb) \(section)\(entry.map { "/\($0)" } ?? "")".printable() }

    private var verb: String {
        switch change {
        case "set": before == .null ? "Set" : "Changed"
        case "hide": "Hidden:"
        case "remove": "Unset:"
        case "isolate": "Isolated:"
        case "inherit": "Inherited again:"
        default: change
        }
    }

    /// Each field that differs, ready to be shown.
    var fieldLines: [String] {
        if change == "remove", before != .null { return ["it was \(shortText(of: before, in: section))".printable()] }
        guard change == "set" else { return [] }
        guard section != .certificates, section != .authorities else {
            let new = shortText(of: after, in: section)
            return [(before == .null ? new : "\(shortText(of: before, in: section)) → \(new)").printable()]
        }
        return differences(from: before, to: after).map { $0.printable() }
    }
}

/// Fields of an entry that a command was given: what `set` merges into it.
struct FieldPatch {
    private var members: [String: JSONValue] = [:]

    mutating func set(_ field: String, _ text: String?) {
        if let text { members[field] = .string(text) }
    }

    mutating func set(_ field: String, _ number: Int?) {
        if let number { members[field] = .integer(Int64(number)) }
    }

    mutating func set(_ field: String, _ flag: Bool?) {
        if let flag { members[field] = .boolean(flag) }
    }

    /// A list; none given leaves the field as it is.
    mutating func set(_ field: String, _ list: [JSONValue]) {
        if !list.isEmpty { members[field] = .array(list) }
    }

    /// Fields of a setting inside the setting; none given leaves it as it is.
    mutating func set(_ field: String, _ inner: FieldPatch) {
        if !inner.members.isEmpty { members[field] = .object(inner.members) }
    }

    /// A list, none of its items included.
    mutating func replace(_ field: String, _ list: [JSONValue]) { members[field] = .array(list) }

    /// Fields that get their standard value again, or none; `https.tlsProfile` is a field of the setting inside.
    mutating func clear(_ fields: [String], of section: SectionName) throws {
        for field in fields {
            try clear(
                field.split(separator: ".", omittingEmptySubsequences: false).map(String.init), Section.named(section)?.schema, section)
        }
    }

    private mutating func clear(_ path: [String], _ schema: JSONValue?, _ section: SectionName) throws {
        let known = schema?["properties"]?.members ?? [:]
        guard let field = path.first, let inner = known[field] else {
            throw ValidationError(
                "There is no field \"\(path.first ?? "")\" in \(section). The fields are \(known.keys.sorted().joined(separator: ", ")).")
        }
        guard path.count > 1 else {
            guard members[field] == nil else { throw ValidationError("\"\(field)\" is both set and cleared.") }
            return members[field] = .null
        }
        var patch = FieldPatch()
        if case .object(let set)? = members[field] { patch.members = set }
        try patch.clear(Array(path.dropFirst()), inner, section)
        members[field] = .object(patch.members)
    }

    /// The edit that changes these fields only.
    func edit(at level: Level, _ section: SectionName, _ entry: String) -> EntryEdit {
        EntryEdit(level: level, section: section, entry: entry, operation: .merge(.object(members)))
    }
}

/// `--clear FIELD`, which every `set` takes.
struct ClearOptions: ParsableArguments {
    @Option(help: ArgumentHelp("Clear this field: it gets its standard value again, or none. May be repeated.", valueName: "field"))
    var clear: [String] = []
}
