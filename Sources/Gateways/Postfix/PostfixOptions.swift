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
        try LocalFiles.checkKeys(of: options, known: PostfixOptions.keys, gateway: .postfix)
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

    private static func directory(_ path: String, of key: String) throws(Refusal) -> String {
        let tidy = try LocalFiles.directory(path, of: key)
        guard FileFacts(tidy) != nil else {
            throw Refusal(.notFound, "\(key)=\(path) is not a directory. Make it, or name the one that is there.")
        }
        return tidy
    }
}
