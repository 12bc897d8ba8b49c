package import ClusterModel

/// An existing Postfix installation as it was read: facts, for ``PostfixAdoption`` to judge. It has private keys in it.
package struct PostfixInstallation: Sendable, CustomStringConvertible {
    /// A file, or why there is none to be had.
    package enum Content: Hashable, Sendable {
        case text(String)
        case unreadable(String)
    }

    /// A table, line by line, or why it cannot be listed.
    package enum Lines: Hashable, Sendable {
        case lines([Line])
        case unreadable(String)
    }

    package struct Line: Hashable, Sendable {
        package var key: String
        package var value: String

        package init(_ key: String, _ value: String) {
            self.key = key
            self.value = value
        }
    }

    /// A service that takes mail where Muster's listeners will, with the parameters that hold for it.
    package struct Service: Hashable, Sendable {
        package var process: PostfixProcess
        package var parameters: [String: String]

        package init(_ process: PostfixProcess, _ parameters: [String: String]) {
            self.process = process
            self.parameters = parameters
        }
    }

    package var directory: String
    /// `main.cf` and `master.cf` as they are written.
    package var base: PostfixBase
    /// What holds by `main.cf` and Postfix's own defaults, nothing left to expand.
    package var parameters: [String: String]
    package var services: [Service] = []
    /// By path.
    package var files: [String: Content] = [:]
    /// By type and name, as in `hash:/etc/postfix/tls_policy`.
    package var tables: [String: Lines] = [:]
    /// The machine's own, those of its loopback included.
    package var addresses: [IPAddress] = []
    /// What the operating system trusts, in PEM.
    package var systemAuthorities: String?

    package init(directory: String, base: PostfixBase, parameters: [String: String]) {
        self.directory = directory
        self.base = base
        self.parameters = parameters
    }

    package var description: String { "the Postfix of \(directory)" }

    /// The processes that give way to Muster's listeners.
    package static func takingMail(_ processes: [PostfixProcess]) -> [PostfixProcess] {
        processes.filter { $0.socket?.port == 25 && ["smtpd", "postscreen"].contains($0.command) }
    }

    // MARK: - What is asked of Postfix

    /// The parameters whose effective values count.
    static let asked =
        [
            "myhostname", "inet_interfaces", "inet_protocols", "tls_append_default_CA", "smtp_bind_address", "smtp_helo_name",
            "smtp_tls_policy_maps", "smtp_tls_secure_cert_match", "smtp_tls_verify_cert_match", "smtp_tls_enforce_peername",
            "smtpd_tls_ask_ccert", "smtpd_tls_req_ccert", "smtpd_tls_wrappermode", "smtpd_discard_ehlo_keywords",
        ]
        + ["smtpd", "smtp"].flatMap { side in
            [
                "chain_files", "cert_file", "key_file", "eccert_file", "eckey_file", "dcert_file", "security_level", "CAfile", "CApath",
                "protocols", "mandatory_protocols", "ciphers", "mandatory_ciphers", "exclude_ciphers", "mandatory_exclude_ciphers",
            ].map { "\(side)_tls_\($0)" } + ["\(side)_use_tls", "\(side)_enforce_tls"]
        }

    /// The files that the parameters name and that have to be read, without repetition.
    var named: Set<String> {
        var paths: Set<String> = []
        for (side, values) in services.map({ ("smtpd", $0.parameters) }) + [("smtp", parameters)] {
            let chains = (values["\(side)_tls_chain_files"] ?? "").postfixWords
            paths.formUnion(chains)
            for name in ["cert_file", "key_file", "eccert_file", "eckey_file", "CAfile"] {
                paths.insert(values["\(side)_tls_\(name)"] ?? "")
            }
        }
        return paths.subtracting(["", "none"])
    }

    /// The tables of TLS policies that Postfix can list.
    var listed: [PostfixTableName] {
        (parameters["smtp_tls_policy_maps"] ?? "").postfixWords.map { PostfixTableName($0) }.filter(\.canBeListed)
    }
}

/// A table as parameters name it: `hash:/etc/postfix/tls_policy`, maybe behind `proxy:`.
struct PostfixTableName: Hashable, Sendable, CustomStringConvertible {
    var type: String
    var name: String

    init(_ text: String) {
        let words = (text.hasPrefix("proxy:") ? text.dropFirst("proxy:".count) : text[...])
            .split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
        (type, name) = words.count == 2 ? (words[0], words[1]) : ("", text)
    }

    var description: String { type.isEmpty ? name : "\(type):\(name)" }

    /// Whether `postmap -s` goes through it line by line.
    var canBeListed: Bool { ["hash", "btree", "lmdb", "cdb", "dbm", "sdbm", "texthash", "inline"].contains(type) }

    /// Where people look for it.
    var file: String { type == "inline" ? "main.cf" : name }
}
