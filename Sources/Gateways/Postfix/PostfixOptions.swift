package import ClusterModel
import FoundationEssentials

/// What a Postfix gateway is started with. Set on the machine only.
package struct PostfixOptions: Hashable, Sendable {
    /// The configuration directory of the Postfix instance.
    package let configuration: String
    /// Where its commands are: `postfix`, `postconf`, `postmap`.
    package let commands: String

    /// Refuses options that are not known, and directories that cannot be.
    package init(_ options: [String: String]) throws(Refusal) {
        for key in options.keys.sorted() where !PostfixOptions.keys.contains(key) {
            throw Refusal(
                .invalid,
                "The gateway postfix has no option \"\(key)\"\(Spelling.hint(for: key, among: PostfixOptions.keys)). It has: \(PostfixOptions.keys.joined(separator: ", "))."
            )
        }
        guard let configuration = options["config-dir"] else {
            throw Refusal(
                .invalid, "The gateway postfix needs to know its configuration directory: --gateway-option config-dir=/etc/postfix")
        }
        self.configuration = try PostfixOptions.directory(configuration, of: "config-dir")
        commands = try PostfixOptions.directory(options["command-dir"] ?? "/usr/sbin", of: "command-dir")
        for command in PostfixOptions.needed where !FileManager.default.isExecutableFile(atPath: "\(commands)/\(command)") {
            throw Refusal(
                .notFound,
                "There is no program \(commands)/\(command). Install Postfix, or say where its commands are: --gateway-option command-dir=DIR"
            )
        }
    }

    private static let keys = ["config-dir", "command-dir"]
    private static let needed = ["postfix", "postconf", "postmap"]

    /// The path with nothing behind it. It is written into files where spaces, commas and `$` have a meaning.
    private static func directory(_ path: String, of key: String) throws(Refusal) -> String {
        guard path.hasPrefix("/"), path.count > 1,
            path.utf8.allSatisfy({ byte in
                "/._-".utf8.contains(byte) || (0x30...0x39).contains(byte) || (0x41...0x5A).contains(byte) || (0x61...0x7A).contains(byte)
            })
        else {
            throw Refusal(.invalid, "\(key)=\(path) is not an absolute path of letters, digits, '.', '_' and '-'.")
        }
        var isDirectory = false
        guard FileManager.default.fileExists(atPath: path, isDirectory: &isDirectory), isDirectory else {
            throw Refusal(.notFound, "\(key)=\(path) is not a directory. Make it, or name the one that is there.")
        }
        return path.hasSuffix("/") ? String(path.dropLast()) : path
    }
}
