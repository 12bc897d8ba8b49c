import FoundationEssentials

/// Something that a check found, where, and what to do about it.
struct Finding: Hashable, CustomStringConvertible {
    var file: String
    /// Counts from 1; nil for a finding about the file as a whole.
    var line: Int?
    var text: String

    init(_ file: String, _ line: Int? = nil, _ text: String) {
        self.file = file
        self.line = line
        self.text = text
    }

    var description: String { "\(file)\(line.map { ":\($0)" } ?? ""): \(text)" }
}

/// A file of the package.
struct TreeFile {
    /// Relative to the package's root.
    var path: String
    var byteCount: Int
    /// The text, of Swift and Markdown files only.
    var text: String?
}

/// The package's files as they are on disk, without what is built or begins with a dot.
struct SourceTree {
    var topLevel: [String]
    var files: [TreeFile] = []
    /// The Swift files that people wrote, taken apart once for all checks.
    private var swiftFiles: [SourceText] = []

    /// This package, found from the place of this file.
    static let package = Result { try SourceTree(root: #filePath.split(separator: "/").dropLast(4).map { "/\($0)" }.joined()) }

    init(root: String) throws {
        topLevel = try FileManager.default.contentsOfDirectory(atPath: root).sorted()
        for name in topLevel where !name.hasPrefix(".") {
            try add(name, root: root)
        }
        swiftFiles = files.compactMap { file in
            guard let text = file.text, file.path.hasSuffix(".swift"), !file.path.hasSuffix(".pb.swift") else { return nil }
            return SourceText(path: file.path, text: text)
        }
    }

    private mutating func add(_ path: String, root: String) throws {
        let attributes = try FileManager.default.attributesOfItem(atPath: "\(root)/\(path)")
        if attributes[.type] as? FileAttributeType == .typeDirectory {
            for name in try FileManager.default.contentsOfDirectory(atPath: "\(root)/\(path)").sorted() where !name.hasPrefix(".") {
                try add("\(path)/\(name)", root: root)
            }
        } else {
            let isText = path.hasSuffix(".swift") || path.hasSuffix(".md")
            files.append(
                TreeFile(
                    path: path, byteCount: attributes[.size] as? Int ?? 0,
                    text: isText ? try String(contentsOfFile: "\(root)/\(path)", encoding: .utf8) : nil))
        }
    }

    /// The Swift files under some folders that people wrote.
    func swift(under folders: String...) -> [SourceText] {
        swiftFiles.filter { file in folders.contains { file.path.hasPrefix($0 + "/") } }
    }

    /// The text of one file.
    subscript(_ path: String) -> String? { files.first { $0.path == path }?.text }
}
