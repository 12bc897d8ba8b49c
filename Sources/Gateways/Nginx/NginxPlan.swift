import Certificates
import ClusterModel

/// The files of one generation of an nginx: a server for each interface with HTTPS.
///
/// Paths in them are absolute and name the generation, so that a process which reads between the switch and the reload finds what it was
/// told of. `run/` beside the generations has what nginx keeps for itself, and `own/INTERFACE.conf` hand-made locations.
struct NginxPlan: Sendable {
    /// By their names in the generation, each written so that it says where it will lie.
    private(set) var files: GenerationFolder.Files = [:]
    let services: [IntendedService]
    private var reasons: [String] = []
    private var servers = ""
    private var places: [Endpoint: String] = [:]

    /// Stands for the directory of the generation, which has its number only when it is known that the files are new.
    static let here = "@GENERATION@"

    /// Throws a refusal with a detail for each thing that cannot be. `own` are hand-made locations by interface, `without` the modules that
    /// this nginx lacks.
    init(_ configuration: GatewayConfiguration, directory: String, own: [String: String], without: Set<String>) throws(Refusal) {
        reasons = configuration.settings.limits(of: .nginx).filter { $0.severity == .error }.map { "\($0.entry): \($0.text)" }
        do throws(SettingError) {
            services = try configuration.settings.intendedServices().filter { $0.service.hasPrefix("https/") }
            for (name, interface) in try configuration.settings.values(InterfaceSetting.self, in: .interfaces) {
                guard let https = interface.https else { continue }
                let profile = try configuration.settings.tlsProfile(https.tlsProfile, for: .https)
                add("https/\(name)", interface, https, profile, own: own[name], of: configuration)
            }
        } catch {
            throw Refusal(.invalid, "The configuration has a value that this version cannot read.", details: [error.description])
        }
        guard reasons.isEmpty else {
            throw Refusal(.invalid, "nginx cannot be made to do this; the configuration before stays in force.", details: reasons)
        }
        files["nginx.conf"] = NginxPlan.frame(directory: directory, without: without) + servers + "}\n"
    }

    private mutating func add(
        _ service: String, _ interface: InterfaceSetting, _ https: HTTPSService, _ profile: TLSProfileSetting, own: String?,
        of configuration: GatewayConfiguration
    ) {
        guard let address = IPAddress(interface.address) else {
            reasons.append("\(service): \"\(interface.address)\" is not an IP address")
            return
        }
        let endpoint = Endpoint(address: address, port: https.port)
        if let other = places.updateValue(service, forKey: endpoint) {
            reasons.append("\(service): \(other) has \(endpoint) already; give one of them another port")
            return
        }
        if let name = https.tlsProfile, configuration.settings[.tlsProfiles, name] == nil {
            reasons.append("\(service): there is no TLS profile \"\(name)\"")
            return
        }
        do throws(Refusal) {
            let certificate = try configuration.servedCertificate(https.certificate)
            files["certificates/\(https.certificate)/chain.pem"] = certificate.chain.pem
            files["certificates/\(https.certificate)/key.pem"] = certificate.key.pem
        } catch {
            reasons.append("\(service): \(error.reason)")
            return
        }
        let name = String(service.dropFirst("https/".count))
        var lines = [
            "listen \(endpoint) ssl", "server_name \(interface.hostname)",
            "ssl_certificate \(NginxPlan.here)/certificates/\(https.certificate)/chain.pem",
            "ssl_certificate_key \(NginxPlan.here)/certificates/\(https.certificate)/key.pem",
        ]
        lines += profile.nginxLines
        if let own {
            files["own/\(name).conf"] = own
            lines.append("include \(NginxPlan.here)/own/\(name).conf")
        }
        servers += "    server {\n" + lines.map { "        \($0);\n" }.joined()
        if own == nil { servers += "        location / { return 200 \"Muster gateway \(interface.hostname)\\n\"; }\n" }
        servers += "    }\n"
    }

    /// What is the same whatever is served. Old workers end an hour after a reload at the latest.
    private static func frame(directory: String, without: Set<String>) -> String {
        let run = "\(directory)/run"
        let places = ["client_body"] + NginxPlan.modules.filter { !without.contains($0) }
        return """
            # Made by Muster, which writes it anew at every change. Hand-made locations belong into \(directory)/own/INTERFACE.conf.
            pid \(run)/nginx.pid;
            error_log \(run)/error.log warn;
            worker_processes auto;
            worker_shutdown_timeout 1h;
            events {
                worker_connections 1024;
            }
            http {
                access_log off;
                server_tokens off;
                default_type text/plain;

            """ + places.map { "    \($0)_temp_path \(run)/\($0);\n" }.joined()
    }

    /// Modules that have a directory for themselves, and may have been left out when nginx was built.
    static let modules = ["proxy", "fastcgi", "uwsgi", "scgi"]

    /// The files as they lie in a generation.
    func files(in generation: String) -> GenerationFolder.Files {
        files.mapValues { $0.replacing(NginxPlan.here, with: generation) }
    }
}

extension TLSProfileSetting {
    fileprivate var nginxLines: [String] {
        let spoken = Version.allCases.filter { minimumVersion <= $0 && $0 <= maximumVersion }.map(\.inNginx)
        var lines = ["ssl_protocols \(spoken.joined(separator: " "))"]
        if minimumVersion < .tls13 {
            // Lists may have commas and blanks, which OpenSSL takes, too.
            var list = ciphers.map { $0.split { ":, ".contains($0) }.joined(separator: ":") }
            // OpenSSL speaks the old versions at its lowest level of security only.
            if minimumVersion < .tls12, !(list ?? "").contains("@SECLEVEL") { list = "\(list ?? "DEFAULT"):@SECLEVEL=0" }
            if let list { lines += ["ssl_ciphers \"\(list)\"", "ssl_prefer_server_ciphers on"] }
        }
        if !cipherSuites.isEmpty, maximumVersion == .tls13 {
            lines.append("ssl_conf_command Ciphersuites \(cipherSuites.map(\.rawValue).joined(separator: ":"))")
        }
        return lines
    }
}

extension TLSProfileSetting.Version {
    fileprivate var inNginx: String {
        switch self {
        case .tls10: "TLSv1"
        case .tls11: "TLSv1.1"
        case .tls12: "TLSv1.2"
        case .tls13: "TLSv1.3"
        }
    }
}
