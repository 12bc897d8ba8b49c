import ClusterModel
import FoundationEssentials
import Glibc
import SystemPackage

/// Checks of what somebody wrote into an option of this machine: paths of programs and directories.
enum LocalFiles {
    /// Refuses a program that somebody else than root and this process's user could change, or that cannot be run.
    static func checkProgram(_ path: String, of key: String) throws(Refusal) {
        guard path.hasPrefix("/") else { throw Refusal(.invalid, "\(key)=\(path) is not an absolute path.") }
        guard let facts = FileFacts(path) else { throw Refusal(.notFound, "\(key)=\(path): there is no such program.") }
        guard facts.kind == .regular, unsafe access(path, X_OK) == 0 else {
            throw Refusal(.invalid, "\(key)=\(path) is not a program that can be run. Run: chmod u+x \(path)")
        }
        try facts.checkOwner("\(key)=\(path)", at: path)
        var folder = path
        repeat {
            folder = parent(of: folder)
            guard let facts = FileFacts(folder) else {
                throw Refusal(.notFound, "\(key)=\(path): \(folder) cannot be looked into.")
            }
            guard !facts.permissions.contains(.otherWrite) || facts.permissions.contains(.saveText) else {
                throw Refusal(.forbidden, "\(key)=\(path) can be replaced by others, who may write to \(folder). Run: chmod o-w \(folder)")
            }
        } while folder != "/"
    }

    /// What a hand-made file holds that goes into a server's configuration; nil where there is none. Refuses one that others could change.
    static func ownText(at path: String) throws(Refusal) -> String? {
        guard let facts = FileFacts(path) else { return nil }
        try facts.checkOwner(path, at: path)
        guard facts.kind == .regular, facts.size <= Limits.ownFileBytes, let data = FileManager.default.contents(atPath: path) else {
            throw Refusal(.unreadable, "\(path) cannot be read, is no file, or has over \(Limits.ownFileBytes) bytes.")
        }
        return String(decoding: data, as: UTF8.self)
    }

    /// An absolute path with nothing behind it, of characters that mean nothing by themselves in files where it is written. Its parent must
    /// be there.
    static func directory(_ path: String, of key: String) throws(Refusal) -> String {
        guard path.hasPrefix("/"), path.count > 1,
            path.utf8.allSatisfy({ byte in
                "/._-".utf8.contains(byte) || (0x30...0x39).contains(byte) || (0x41...0x5A).contains(byte) || (0x61...0x7A).contains(byte)
            })
        else {
            throw Refusal(.invalid, "\(key)=\(path) is not an absolute path of letters, digits, '/', '.', '_' and '-'.")
        }
        let tidy = path.hasSuffix("/") ? String(path.dropLast()) : path
        var isDirectory = false
        if FileManager.default.fileExists(atPath: tidy, isDirectory: &isDirectory) {
            guard isDirectory else { throw Refusal(.invalid, "\(key)=\(tidy) is not a directory.") }
            return tidy
        }
        let parent = parent(of: tidy)
        guard FileManager.default.fileExists(atPath: parent, isDirectory: &isDirectory), isDirectory else {
            throw Refusal(.notFound, "\(key)=\(tidy): there is no directory \(parent). Make it, or name one that is there.")
        }
        return tidy
    }

    /// Refuses options that a gateway does not have.
    static func checkKeys(of options: [String: String], known: [String], gateway: GatewayKind) throws(Refusal) {
        for key in options.keys.sorted() where !known.contains(key) {
            throw Refusal(
                .invalid,
                "The gateway \(gateway.rawValue) has no option \"\(key)\"\(Spelling.hint(for: key, among: known)). It has: \(known.joined(separator: ", "))."
            )
        }
    }

    private static func parent(of path: String) -> String {
        let parent = path[..<(path.lastIndex(of: "/") ?? path.startIndex)]
        return parent.isEmpty ? "/" : String(parent)
    }
}
