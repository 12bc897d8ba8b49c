package import ClusterModel

/// One fault of a document, and where it is.
package struct DocumentError: Error, Hashable, Sendable, CustomStringConvertible {
    package var file: String
    package var position: DocumentPosition
    /// Where in the settings it is; empty for a fault of the text itself.
    package var path: SettingPath
    /// What is there.
    package var problem: String
    /// What should be there; nil where the problem says it all.
    package var expected: String?

    /// `cluster.yaml:12:5: settings.cluster.listeners.public.port: "abc" does not fit; expected a number from 1 to 65535`.
    package var description: String {
        let place = path.steps.isEmpty ? "" : "\(path): "
        return "\(file):\(position): \(place)\(problem)" + (expected.map { "; expected \($0)" } ?? "")
    }
}

/// A place in a text: both numbers count from 1, the column in Unicode scalars.
package struct DocumentPosition: Hashable, Sendable, Comparable, CustomStringConvertible {
    package var line: Int
    package var column: Int

    package init(line: Int, column: Int) {
        self.line = line
        self.column = column
    }

    package var description: String { "\(line):\(column)" }

    package static func < (left: DocumentPosition, right: DocumentPosition) -> Bool {
        (left.line, left.column) < (right.line, right.column)
    }
}

/// Everything that is wrong with a document, in the order of its lines.
package struct DocumentErrors: Error, Hashable, Sendable, CustomStringConvertible {
    /// How many errors are listed; who has more reads these first.
    package static let listed = 50

    package var file: String
    /// At least one, sorted by position.
    package private(set) var errors: [DocumentError]

    init(file: String, errors: [DocumentError]) {
        self.file = file
        self.errors = errors.sorted { $0.position < $1.position }
    }

    package var description: String {
        var lines = errors.prefix(DocumentErrors.listed).map(\.description)
        if errors.count > lines.count { lines.append("\(file): and \(errors.count - lines.count) more") }
        return lines.joined(separator: "\n")
    }

    /// The same as one refusal: a single error is its reason, several are its details.
    package var refusal: Refusal {
        let lines = description.split(separator: "\n").map(String.init)
        guard lines.count > 1 else { return Refusal(.invalid, description) }
        return Refusal(.invalid, "\(file) has \(errors.count) errors; nothing was changed.", details: lines)
    }
}

/// Takes down the errors of one document while reading goes on.
struct ErrorList {
    let file: String
    private(set) var errors: [DocumentError] = []

    init(file: String) {
        self.file = file
    }

    mutating func add(_ position: DocumentPosition, _ path: SettingPath, _ problem: String, expected: String? = nil) {
        errors.append(DocumentError(file: file, position: position, path: path, problem: problem, expected: expected))
    }

    /// Throws what was taken down, if anything was.
    func check() throws(DocumentErrors) {
        guard errors.isEmpty else { throw DocumentErrors(file: file, errors: errors) }
    }
}
