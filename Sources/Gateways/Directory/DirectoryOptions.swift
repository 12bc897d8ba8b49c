package import ClusterModel

/// What a directory gateway is started with. Set on the machine only: nobody else says what it executes.
package struct DirectoryOptions: Hashable, Sendable {
    /// Where configurations are laid out.
    package let path: String
    /// The program that is run after each switch.
    package let hook: String?
    package let hookSeconds: Int
    /// Whether services can be seen from this machine. Where they cannot, nothing waits for them.
    package let proves: Bool

    /// Refuses options that are not known, and paths and programs that cannot be.
    package init(_ options: [String: String]) throws(Refusal) {
        try LocalFiles.checkKeys(of: options, known: DirectoryOptions.keys, gateway: .directory)
        guard let path = options["path"] else {
            throw Refusal(
                .invalid, "The gateway directory needs to know where to lay out configurations: --gateway-option path=/var/lib/muster-files"
            )
        }
        self.path = try LocalFiles.directory(path, of: "path")
        hook = options["hook"]
        if let hook { try LocalFiles.checkProgram(hook, of: "hook") }
        hookSeconds = try DirectoryOptions.seconds(options["hook-seconds"])
        switch options["prove"] {
        case nil, "yes": proves = true
        case "no": proves = false
        case let word?: throw Refusal(.invalid, "prove=\(word) is neither yes nor no.")
        }
    }

    private static let keys = ["path", "hook", "hook-seconds", "prove"]

    private static func seconds(_ text: String?) throws(Refusal) -> Int {
        guard let text else { return Limits.hookSeconds }
        guard let seconds = Int(text), (1...Limits.longestHookSeconds).contains(seconds) else {
            throw Refusal(.invalid, "hook-seconds=\(text) is not a number from 1 to \(Limits.longestHookSeconds).")
        }
        return seconds
    }

    /// Why nothing is proved, where it is not.
    package static let unproven = "the machine says prove=no: what serves its directory cannot be connected to from there"
}
