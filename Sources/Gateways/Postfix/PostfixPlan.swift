package import ClusterModel

/// The files of one generation of a Postfix instance: a configuration, compiled and checked before anything is touched.
///
/// Paths in them are absolute and name the generation, so that a process which starts between the switch and the reload finds what it
/// was told of, whichever of the two it was told by.
package struct PostfixPlan: Sendable {
    package struct File: Hashable, Sendable {
        package var text: String
        /// Whether a private key is in it.
        package var isSecret = false
        /// The user to whom it belongs, if not to root.
        package var owner: String?
    }

    /// A table, with what each key in it must lead to.
    package struct Table: Hashable, Sendable {
        /// `cidr` or `texthash`.
        package var type: String
        package var file: String
        package var answers: [String: String]
    }

    /// A listener as Postfix runs it.
    package struct Listener: Hashable, Sendable {
        package var name: String
        package var endpoint: Endpoint
        package var process: PostfixProcess
        /// SHA-256 of the leaf that it must be seen to serve from its own address; nil where that address gets no TLS.
        package var leaf: Digest?
        /// The same for those who ask for it by another name.
        package var named: [String: Digest] = [:]
        /// What its own address must meet there; nil where that may depend on a host name.
        package var terms: PolicyTerms?
    }

    /// By their names below the generation.
    package internal(set) var files: [String: File] = [:]
    package internal(set) var tables: [Table] = []
    package internal(set) var listeners: [Listener] = []
    /// Hand-made settings that Muster's take the place of: a line each, for people.
    package internal(set) var overridden: [String] = []
    /// What else people should know of it: a line each.
    package internal(set) var remarks: [String] = []

    let configuration: GatewayConfiguration
    let base: PostfixBase
    let routes: PostfixRoutes
    let directory: String
    var parameters = PostfixParameters()
    var reasons: [String] = []
    var chains: [String: String] = [:]
    /// The restriction class of each mail flow policy that is used.
    var policies: [String: String] = [:]
    var classes: [String] = []
    /// The file with the authorities that peers are verified by; nil when nobody is trusted.
    var authorities: String?

    /// Throws a refusal with a detail for each thing that cannot be. Listeners without their interface are left out.
    ///
    /// `directory` is where the generation will lie, `system` the authorities that the operating system trusts, in PEM, `routes` where
    /// hand-made settings send mail.
    package init(
        _ configuration: GatewayConfiguration, over base: PostfixBase, routes: PostfixRoutes = PostfixRoutes(), system: String?,
        in directory: String
    ) throws(Refusal) {
        self.configuration = configuration
        self.base = base
        self.routes = routes
        self.directory = directory
        reasons = configuration.settings.limits(of: .postfix).filter { $0.severity == .error }.map { "\($0.entry): \($0.text)" }
        do {
            addAuthorities(system: system)
            try addListeners()
            try addDelivery()
            try addLDAP()
            try addMain()
        } catch {
            throw Refusal(.invalid, "The configuration has a value that this version cannot read.", details: [error.description])
        }
        addMaster()
        guard reasons.isEmpty else {
            throw Refusal(.invalid, "Postfix cannot be made to do this; the configuration before stays in force.", details: reasons)
        }
    }

    func path(_ file: String) -> String { "\(directory)/\(file)" }

    // MARK: - Certificates and authorities

    /// The path of a file with the key, the leaf and the intermediates of a certificate, in this order, as Postfix wants them; nil, and a
    /// reason more, if it cannot be served.
    mutating func chain(_ name: String, for service: String) -> String? {
        if let known = chains[name] { return known }
        guard let served = pair(name, for: service) else { return nil }
        let file = "tls/\(name).pem"
        files[file] = File(text: served.full, isSecret: true)
        chains[name] = path(file)
        return path(file)
    }

    /// A certificate and its key; nil, and a reason more, if they cannot be used.
    mutating func pair(_ name: String, for service: String) -> ServedCertificate? {
        do throws(Refusal) { return try configuration.servedCertificate(name) } catch {
            reasons.append("\(service): \(error.reason)")
            return nil
        }
    }

    private mutating func addAuthorities(system: String?) {
        do throws(Refusal) {
            let text = try configuration.authoritiesText { system }
            guard !text.isEmpty else { return }
            files["tls/authorities.pem"] = File(text: text)
            authorities = path("tls/authorities.pem")
        } catch {
            reasons += error.lines
        }
    }

    // MARK: - main.cf and master.cf

    private mutating func addMain() throws(SettingError) {
        if let system = try configuration.settings.value(SystemSetting.self, .system, EntryNaming.onlyEntry) {
            parameters["myhostname"] = system.hostname
        }
        // A process that dies of its configuration is started again this soon; a reload alone does not forgive it.
        parameters["service_throttle_time"] = "1s"
        let own = base.parameters["smtpd_restriction_classes"] ?? ""
        parameters["smtpd_restriction_classes"] = (classes + (own.isEmpty ? [] : [own])).joined(separator: ", ")
        var kept = base.parameters
        for name in base.parameters.names where givesWay(name, base.parameters[name] ?? "") {
            if name != "smtpd_restriction_classes", kept[name] != parameters[name] {
                overridden.append("main.cf: \(name)")
            }
            kept[name] = nil
        }
        let heading = "# Made by Muster, which writes it anew at every change. Hand-made settings belong into original/main.cf.\n"
        files["main.cf"] = File(text: heading + kept.text + "\n# Muster's own\n" + parameters.text)
    }

    /// Whether a hand-made setting stands against Muster's: one of the same name, or one that would take TLS from mail to other servers.
    private func givesWay(_ name: String, _ value: String) -> Bool {
        PostfixPlan.owned.contains(name) || parameters[name] != nil
            || name == "smtp_discard_ehlo_keywords" && value.lowercased().contains("starttls")
    }

    /// Parameters that speak of TLS to other servers in a way of their own, besides those that Muster sets, and those by which Postfix does
    /// not see that TLS is offered.
    static let owned: Set<String> = [
        "smtp_tls_cert_file", "smtp_tls_key_file", "smtp_tls_dcert_file", "smtp_tls_dkey_file", "smtp_tls_eccert_file",
        "smtp_tls_eckey_file", "smtp_tls_chain_files", "smtp_tls_CApath", "smtp_tls_CAfile", "smtp_tls_per_site", "smtp_use_tls",
        "smtp_enforce_tls", "smtp_tls_enforce_peername", "smtp_tls_wrappermode", "smtp_tls_exclude_ciphers",
        "smtp_tls_mandatory_exclude_ciphers", "smtp_tls_policy_maps", "smtp_tls_security_level", "smtp_tls_ciphers",
        "smtp_tls_mandatory_ciphers", "smtp_tls_trust_anchor_file", "smtp_discard_ehlo_keyword_address_maps", "smtp_never_send_ehlo",
        "smtp_always_send_ehlo", "smtp_reply_filter",
    ]

    private mutating func addMaster() {
        var processes: [PostfixProcess] = []
        for var process in base.processes {
            if let socket = process.socket, let reason = displacement(of: process, at: socket) {
                overridden.append("master.cf: \(process.name) \(process.type), \(reason)")
                continue
            }
            if process.type == "unix", process.command == "smtp" {
                let given = process.options.filter { givesWay($0.name, $0.value) }
                overridden += given.map { "master.cf: \($0.name) of \(process.name) \(process.type)" }
                process.options.removeAll { given.contains($0) || $0.name == "minimal_backoff_time" }
                // Otherwise a message that has waited this long goes in clear text after a handshake that failed.
                process.options.append(.init("minimal_backoff_time", "1000d"))
            }
            processes.append(process)
        }
        processes += listeners.map(\.process)
        let heading = "# Made by Muster, which writes it anew at every change. Hand-made entries belong into original/master.cf.\n"
        files["master.cf"] = File(text: heading + processes.map(\.text).joined())
    }

    /// Why a hand-made service for the network cannot stay; nil when it can.
    private func displacement(of process: PostfixProcess, at socket: PostfixSocket) -> String? {
        if socket.port == 25, ["smtpd", "postscreen"].contains(process.command) { return "for Muster's listeners take mail" }
        let other = listeners.first { socket.overlaps($0.endpoint.postfixSocket) }
        return other.map { "for the listener \($0.name) is there" }
    }
}
