package import ClusterModel

/// What an nginx gateway is started with. Set on the machine only.
package struct NginxOptions: Hashable, Sendable {
    /// Where its configuration, its log and what it keeps for itself lie.
    package let directory: String
    /// The program.
    package let command: String

    /// Refuses options that are not known, and paths and programs that cannot be.
    package init(_ options: [String: String]) throws(Refusal) {
        try LocalFiles.checkKeys(of: options, known: NginxOptions.keys, gateway: .nginx)
        guard let directory = options["config-dir"] else {
            throw Refusal(
                .invalid, "The gateway nginx needs a directory of its own: --gateway-option config-dir=/var/lib/muster-nginx")
        }
        self.directory = try LocalFiles.directory(directory, of: "config-dir")
        command = options["command"] ?? "/usr/sbin/nginx"
        guard FileFacts(command) != nil else {
            throw Refusal(
                .notFound,
                "There is no program \(command). Install nginx (Debian: apt-get install nginx-light), or say where it is: --gateway-option command=/path/to/nginx"
            )
        }
        try LocalFiles.checkProgram(command, of: "command")
    }

    private static let keys = ["config-dir", "command"]
}
