import Certificates
import ClusterModel
import Gateways
import Logging
import NIOCore
import NIOPosix
import SMTPFixtures

/// A configuration in the making; what is not said has a sensible value.
struct Fixture {
    /// An address that no other test uses.
    var address = Fixture.randomAddress()
    var port = 2525
    var hostname = "mx1.example.com"
    var certificates: [String: TestCertificate] = [:]
    var policies: [String: MailFlowPolicySetting] = [:]
    var listeners: [String: ListenerSetting] = [:]
    var https: HTTPSService?
    /// Lists of authorities, and whether the system's is trusted.
    var authorities: [String: AuthorityList] = [:]
    var trustsSystem = true
    var profiles: [String: TLSProfileSetting] = [:]

    static func randomAddress() -> String {
        "127.\(UInt8.random(in: 1...254)).\(UInt8.random(in: 0...255)).\(UInt8.random(in: 1...254))"
    }

    /// One listener, `public`, with one policy for everybody.
    init(_ policy: MailFlowPolicySetting = MailFlowPolicySetting(tls: .preferred), certificate: TestCertificate? = nil) {
        policies["all"] = policy
        var listener = ListenerSetting()
        listener.interface = "data1"
        listener.port = port
        listener.defaultPolicy = "all"
        if let certificate {
            certificates["mail"] = certificate
            listener.certificate = "mail"
        }
        listeners["public"] = listener
    }

    var configuration: GatewayConfiguration {
        get throws {
            var chains: [Digest: String] = [:]
            var keys: [Digest: String] = [:]
            var settings: [String: JSONValue] = [:]
            for (name, certificate) in certificates {
                let chain = Digest(hashing: Array(certificate.chain.utf8))
                let key = Digest(hashing: Array(certificate.key.utf8))
                chains[chain] = certificate.chain
                keys[key] = certificate.key
                var leaf = CertificateFacts()
                (leaf.serial, leaf.signature) = ("01", "ecdsa-with-sha256")
                // A chain that cannot be read has no fingerprint; it is there to be refused.
                leaf.fingerprint = (try? certificate.fingerprint) ?? chain
                settings[name] =
                    CertificateSetting(
                        origin: .imported, key: KeyFacts(fingerprint: key, algorithm: "ecdsa-p256"), chain: [leaf], chainBlob: chain
                    ).json
            }
            var trusted = authorities.mapValues(\.setting.json)
            for list in authorities.values { chains[list.blob] = list.pem }
            if !trustsSystem { trusted[AuthoritySetting.systemName] = AuthoritySetting(trusted: false).json }
            let interface = InterfaceSetting(hostname: hostname, address: address, https: https)
            return GatewayConfiguration(
                settings: EffectiveConfiguration(sections: [
                    section(.certificates, settings), section(.mailFlowPolicies, policies.mapValues(\.json)),
                    section(.listeners, listeners.mapValues(\.json)), section(.tlsProfiles, profiles.mapValues(\.json)),
                    section(.interfaces, ["data1": interface.json]), section(.authorities, trusted),
                ]), chains: chains, keys: keys)
        }
    }

    private func section(_ name: SectionName, _ values: [String: JSONValue]) -> EffectiveSection {
        EffectiveSection(
            name: name,
            entries: values.map {
                EffectiveEntry(section: name, name: $0.key, value: $0.value, origin: .init(layer: .cluster, revision: 1))
            })
    }
}

let quiet = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }

/// Runs a gateway that has applied a configuration, and stops it at the end.
func withGateway(
    _ fixture: Fixture, names: any HostNames = SystemHostNames(), system: TrustedAuthorities = .system,
    allowance: SessionAllowance = SessionAllowance(), _ body: (EmbeddedGateway) async throws -> Void
) async throws {
    let gateway = EmbeddedGateway(
        group: MultiThreadedEventLoopGroup.singleton, logger: quiet, names: names, system: system, allowance: allowance)
    do {
        try await gateway.apply(try fixture.configuration)
        try await body(gateway)
    } catch {
        await gateway.stop()
        throw error
    }
    await gateway.stop()
}
