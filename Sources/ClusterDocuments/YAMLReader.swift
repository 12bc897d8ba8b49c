import ClusterModel
import Yams

/// Reads YAML 1.2 (and so JSON) into nodes with positions.
///
/// Left out on purpose, each with an error where it stands: anchors and aliases (a small text that means a huge
/// value), merge keys, tags, floating point, keys that are no texts, a second document.
struct YAMLReader {
    private var errors: ErrorList
    /// Stands for `*` in what Yams reads, so that an alias is a text that begins with it.
    ///
    /// Yams resolves aliases before anyone can refuse them, and hashes what they stand for when one is a key:
    /// a kilobyte could keep it busy for years.
    private let asterisk: Unicode.Scalar

    /// Reads one document; throws every fault of the text that was found.
    static func read(_ text: String, named file: String) throws(DocumentErrors) -> DocumentNode {
        var errors = ErrorList(file: file)
        let node = read(text, errors: &errors)
        try errors.check()
        return node
    }

    /// Reads one document as far as it can be read; what is wrong in it is in the errors and faulty in the node.
    static func read(_ text: String, errors: inout ErrorList) -> DocumentNode {
        let start = DocumentPosition(line: 1, column: 1)
        let nothing = DocumentNode(position: start, content: .faulty)
        guard text.utf8.count <= Limits.documentBytes else {
            errors.add(start, SettingPath(), "the text has over \(Limits.documentBytes) bytes")
            return nothing
        }
        guard let asterisk = unusedCharacter(in: text) else {
            errors.add(start, SettingPath(), "the text uses every private character of Unicode")
            return nothing
        }
        let masked = replacing("*", with: asterisk, in: text)
        var reader = YAMLReader(errors: errors, asterisk: asterisk)
        let node = reader.compose(masked)
        errors = reader.errors
        return node
    }

    /// A private character that is not in the text, neither itself nor as an escape (`\uE000`, `\U0000E000`).
    private static func unusedCharacter(in text: String) -> Unicode.Scalar? {
        var used = Set(text.unicodeScalars.lazy.map(\.value).filter { (0xE000...0xF8FF).contains($0) })
        let bytes = Array(text.utf8)
        for (index, byte) in bytes.enumerated() where byte == UInt8(ascii: "\\") {
            let digits = bytes.dropFirst(index + 2).prefix(8).prefix { Hex.nibble($0) != nil }
            for count in [4, 8] {
                if let value = UInt32(String(decoding: digits.prefix(count), as: UTF8.self), radix: 16) { used.insert(value) }
            }
        }
        return (UInt32(0xE000)...0xF8FF).first { !used.contains($0) }.flatMap(Unicode.Scalar.init)
    }

    /// By scalar: an asterisk with an accent is one character to Swift and still an alias to YAML.
    private static func replacing(_ old: Unicode.Scalar, with new: Unicode.Scalar, in text: String) -> String {
        var scalars = String.UnicodeScalarView()
        scalars.append(contentsOf: text.unicodeScalars.lazy.map { $0 == old ? new : $0 })
        return String(scalars)
    }

    private mutating func compose(_ text: String) -> DocumentNode {
        let start = DocumentPosition(line: 1, column: 1)
        do {
            let parser = try Parser(yaml: text, resolver: .basic, encoding: .utf8)
            let root = try parser.singleRoot()
            // A node knows its anchor only while the parser lives.
            return withExtendedLifetime(parser) {
                root.map { convert($0, at: SettingPath(), depth: 0) }
                    ?? DocumentNode(position: start, content: .scalar(.null, isPlain: true))
            }
        } catch let error as YamlError {
            add(error)
        } catch {
            errors.add(start, SettingPath(), "the text cannot be read as YAML")
        }
        return DocumentNode(position: start, content: .faulty)
    }
}

// MARK: - Nodes

extension YAMLReader {
    private mutating func convert(_ node: Node, at path: SettingPath, depth: Int) -> DocumentNode {
        let position = DocumentPosition(node.mark)
        guard depth <= Limits.jsonDepth else {
            errors.add(position, SettingPath(), "nested more than \(Limits.jsonDepth) levels deep")
            return DocumentNode(position: position, content: .faulty)
        }
        if node.anchor != nil {
            errors.add(position, path, "anchors are not taken", expected: "the value itself wherever it is needed")
        }
        switch node {
        case .scalar(let scalar):
            return DocumentNode(position: position, content: value(of: scalar, at: path))
        case .sequence(let sequence):
            refuseTag(sequence.tag.rawValue, position, path)
            let items = sequence.enumerated().map { convert($1, at: path.appending($0), depth: depth + 1) }
            return DocumentNode(position: position, content: .list(items))
        case .mapping(let mapping):
            refuseTag(mapping.tag.rawValue, position, path)
            return DocumentNode(position: position, content: .map(members(of: mapping, at: path, depth: depth)))
        case .alias:
            return DocumentNode(position: position, content: .faulty)  // Yams makes these for writing only
        }
    }

    private mutating func members(of mapping: Node.Mapping, at path: SettingPath, depth: Int) -> [DocumentNode.Member] {
        var members: [DocumentNode.Member] = []
        var seen: Set<String> = []
        for (keyNode, valueNode) in mapping {
            let position = DocumentPosition(keyNode.mark)
            guard let key = key(keyNode, at: path) else { continue }
            guard seen.insert(key).inserted else {
                errors.add(position, path.appending(key), "this key is given twice")
                continue
            }
            let value = convert(valueNode, at: path.appending(key), depth: depth + 1)
            members.append(.init(key: key, keyPosition: position, value: value))
        }
        return members
    }

    /// The text of a key. A key is a text whatever it looks like, as in JSON.
    private mutating func key(_ node: Node, at path: SettingPath) -> String? {
        let position = DocumentPosition(node.mark)
        guard case .scalar(let scalar) = node else {
            errors.add(position, path, "a list or map cannot be a key", expected: "a text as the key")
            return nil
        }
        if node.anchor != nil { errors.add(position, path, "anchors are not taken") }
        // Yams has resolved the tags of keys to compare them: a plain key has the tag of a text.
        if scalar.tag.rawValue != Tag.Name.str.rawValue { refuseTag(scalar.tag.rawValue, position, path) }
        let text = restored(scalar.string)
        if scalar.style == .plain {
            switch text {
            case "":
                errors.add(position, path, "here is a value without its key")
                return nil
            case "<<":
                errors.add(position, path, "merge keys are not taken", expected: "the fields themselves")
                return nil
            case _ where text.unicodeScalars.first == "*":
                addAlias(text, position, path)
                return nil
            default: break
            }
        }
        return text
    }

    private mutating func value(of scalar: Node.Scalar, at path: SettingPath) -> DocumentNode.Content {
        let position = DocumentPosition(scalar.mark)
        let text = restored(scalar.string)
        guard scalar.style == .plain else {
            if scalar.tag.rawValue != Tag.Name.str.rawValue { refuseTag(scalar.tag.rawValue, position, path) }
            return .scalar(.string(text), isPlain: false)
        }
        refuseTag(scalar.tag.rawValue, position, path)
        if text.unicodeScalars.first == "*" {
            addAlias(text, position, path)
            return .faulty
        }
        switch PlainScalar(text) {
        case .value(let value):
            return .scalar(value, isPlain: true)
        case .odd(let reason):
            errors.add(position, path, reason, expected: "a whole number, or quotes around it if it is a text")
            return .faulty
        }
    }

    private func restored(_ text: String) -> String {
        YAMLReader.replacing(asterisk, with: "*", in: text)
    }
}

// MARK: - Errors

extension YAMLReader {
    private mutating func addAlias(_ text: String, _ position: DocumentPosition, _ path: SettingPath) {
        errors.add(
            position, path, "aliases are not taken (\"\(text.prefix(64))\")",
            expected: "the value itself, or quotes around a text that begins with '*'")
    }

    private mutating func refuseTag(_ tag: String, _ position: DocumentPosition, _ path: SettingPath) {
        guard !tag.isEmpty else { return }
        errors.add(position, path, "tags such as \"\(tag.prefix(64))\" are not taken")
    }

    private mutating func add(_ error: YamlError) {
        switch error {
        case .scanner(let context, let problem, let mark, _), .parser(let context, let problem, let mark, _),
            .composer(let context, let problem, let mark, _):
            errors.add(DocumentPosition(mark), SettingPath(), YAMLReader.sentence(problem, context))
        case .reader(let problem, let offset, _, let yaml):
            let place = DocumentPosition(after: yaml.prefix(offset ?? 0))
            errors.add(place, SettingPath(), "this is not YAML: \(problem)")
        case .duplicatedKeysInMapping(let keys, let context):
            for key in keys {
                errors.add(
                    DocumentPosition(context.mark), SettingPath(), "the key \"\(restored(key).prefix(64))\" is given twice in this map")
            }
        default:
            errors.add(DocumentPosition(line: 1, column: 1), SettingPath(), "the text cannot be read as YAML")
        }
    }

    private static func sentence(_ problem: String, _ context: YamlError.Context?) -> String {
        if problem.contains("another document") { return "a second document begins here; expected one in a file" }
        if problem.contains("nesting level") { return "nested more than \(Limits.jsonDepth) levels deep" }
        let beginning = context.map { " \($0.text) that begins in line \($0.mark.line)" } ?? ""
        return "this is not YAML: \(problem)\(beginning)"
    }
}

extension DocumentPosition {
    fileprivate init(_ mark: Mark?) {
        self.init(line: mark?.line ?? 1, column: mark?.column ?? 1)
    }

    /// The place behind some text.
    fileprivate init(after text: Substring) {
        let lastLine = text.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline).last ?? ""
        self.init(line: text.count(where: \.isNewline) + 1, column: lastLine.unicodeScalars.count + 1)
    }
}
