import Certificates
import ClusterModel

/// The files of one generation of a directory gateway: a configuration for whatever reads it.
///
/// ```
/// settings.json                        sections, and in them entries; nothing secret
/// services.json                        what must be served where, with what, and how it is looked at
/// certificates/NAME/chain.pem          the leaf first
/// certificates/NAME/key.pem
/// certificates/NAME/full.pem           key and chain
/// authorities.pem                      by whom peers' certificates may be signed
/// ```
struct DirectoryPlan: Sendable {
    let files: GenerationFolder.Files
    static let authorities = "authorities.pem"
    /// Those with a certificate.
    let services: [IntendedService]

    /// Throws a refusal with a detail for each thing that cannot be.
    init(_ configuration: GatewayConfiguration, system: () -> String?) throws(Refusal) {
        var files: GenerationFolder.Files = [:]
        var reasons: [String] = []
        do throws(SettingError) {
            services = try configuration.settings.intendedServices()
            files["services.json"] = try DirectoryPlan.list(configuration.settings, services).canonicalText
        } catch {
            throw Refusal(.invalid, "The configuration has a value that this version cannot read.", details: [error.description])
        }
        files["settings.json"] = configuration.settings.tree.canonicalText
        do throws(Refusal) { files[DirectoryPlan.authorities] = try configuration.authoritiesText(system: system) } catch {
            reasons += error.lines
        }
        for (service, name) in services.map({ ($0.service, $0.certificate) }) where files["certificates/\(name)/key.pem"] == nil {
            do throws(Refusal) {
                let certificate = try configuration.servedCertificate(name)
                files["certificates/\(name)/chain.pem"] = certificate.chain.pem
                files["certificates/\(name)/key.pem"] = certificate.key.pem
                files["certificates/\(name)/full.pem"] = certificate.full
            } catch {
                reasons.append("\(service): \(error.reason)")
            }
        }
        guard reasons.isEmpty else {
            throw Refusal(.invalid, "The configuration cannot be laid out; the one before stays in force.", details: reasons)
        }
        self.files = files
    }

    /// Every service, those without a certificate too. Listeners without their interface are left out.
    private static func list(
        _ settings: EffectiveConfiguration, _ intended: [IntendedService]
    ) throws(SettingError) -> JSONValue {
        var places: [(name: String, address: String, port: Int, hostname: String)] = []
        for (name, listener) in try settings.values(ListenerSetting.self, in: .listeners) {
            guard let interface = try settings.value(InterfaceSetting.self, .interfaces, listener.interface) else { continue }
            places.append(("listener/\(name)", interface.address, listener.port, interface.hostname))
            places += listener.serverNames.map { ("listener/\(name)/\($0.name)", interface.address, listener.port, $0.name) }
        }
        for (name, interface) in try settings.values(InterfaceSetting.self, in: .interfaces) {
            guard let https = interface.https else { continue }
            places.append(("https/\(name)", interface.address, https.port, interface.hostname))
        }
        let known = Dictionary(intended.map { ($0.service, $0) }) { first, _ in first }
        var services: [JSONValue] = places.map { place in
            var members = known[place.name]?.members ?? ["probe": ["kind": "none", "because": "it has no certificate"]]
            members["name"] = .string(place.name)
            members["address"] = .string(place.address)
            members["port"] = .integer(Int64(place.port))
            members["hostname"] = .string(place.hostname)
            return .object(members)
        }
        // Clients are nowhere.
        services += intended.filter { service in !places.contains { $0.name == service.service } }.map { service in
            var members = service.members
            members["name"] = .string(service.service)
            return .object(members)
        }
        return ["services": .array(services)]
    }
}

extension IntendedService {
    fileprivate var members: [String: JSONValue] {
        let expected: JSONValue =
            switch probe {
            case .startTLS(_, _, nil): ["kind": "starttls"]
            case .startTLS(_, _, let serverName?): ["kind": "starttls", "serverName": .string(serverName)]
            case .tls(_, _, let serverName): ["kind": "tls", "serverName": .string(serverName)]
            case .none(let because): ["kind": "none", "because": .string(because)]
            }
        return ["certificate": .string(certificate), "fingerprint": .string(fingerprint.hex), "probe": expected]
    }
}

extension EffectiveConfiguration {
    /// Sections, and in them entries.
    fileprivate var tree: JSONValue {
        .object(
            Dictionary(
                uniqueKeysWithValues: sections.map { section in
                    (section.name.rawValue, .object(Dictionary(section.entries.map { ($0.name, $0.value) }) { first, _ in first }))
                }))
    }
}
