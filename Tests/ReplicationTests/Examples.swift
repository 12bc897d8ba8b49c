import ClusterModel
import Replication

let mx1 = MembershipID(rawValue: "m1")
let mx2 = MembershipID(rawValue: "m2")

/// A time in seconds that tests count from.
func at(_ seconds: Int64) -> Timestamp { Timestamp(seconds: 1_000_000 + seconds) }

func head(_ position: Int, epoch: Int = 0) -> Sighting {
    let head = LogHead(position: position, hash: Digest(hashing: Array("entry \(position)".utf8)))
    return Sighting(epoch: epoch, head: head, seal: Digest(hashing: Array("seal".utf8)))
}

func connection(_ number: UInt64) -> ConnectionID { ConnectionID(rawValue: number) }

/// A machine with one listener that serves the certificate of this name and, if given, one destination.
func configuration(certificate: String = "one", destination: DestinationSetting.TLS? = nil) -> EffectiveConfiguration {
    var layer = Layer()
    func set(_ section: SectionName, _ entry: String, _ value: JSONValue) {
        layer[section, entry] = LayerEntry(.set(value), revision: 1)
    }
    set(.interfaces, "data1", InterfaceSetting(hostname: "mx1.example.com", address: "127.0.0.11").json)
    set(.mailFlowPolicies, "accepted", MailFlowPolicySetting(tls: .preferred).json)
    set(.listeners, "public", ["interface": "data1", "certificate": "mail", "defaultPolicy": "accepted"])
    set(.certificates, "mail", exampleCertificate(certificate))
    if let destination { set(.destinations, "bank.example", DestinationSetting(tls: destination).json) }
    let inherited = InheritedSettings(cluster: layer, group: Layer(), groupID: GroupID(rawValue: "g1"))
    return inherited.configuration(machine: Layer(), membership: mx1)
}

/// A certificate that only has names and fingerprints.
private func exampleCertificate(_ name: String) -> JSONValue {
    var facts = CertificateFacts()
    facts.fingerprint = leaf(name)
    facts.subject = "CN=\(name)"
    facts.issuer = facts.subject
    facts.serial = "01"
    facts.signature = "ecdsa-with-SHA256"
    return CertificateSetting(
        origin: .imported, key: KeyFacts(fingerprint: key(name).digest, algorithm: "ecdsa-p256"), chain: [facts],
        chainBlob: chain(name).digest
    ).json
}

func leaf(_ name: String) -> Digest { Digest(hashing: Array("leaf \(name)".utf8)) }

func key(_ name: String) -> Material {
    Material(kind: .key, digest: Digest(hashing: Array("public \(name)".utf8)), pem: Array("key \(name)".utf8))
}

func chain(_ name: String) -> Material {
    let pem = Array("chain \(name)".utf8)
    return Material(kind: .chain, digest: Digest(hashing: pem), pem: pem)
}

func machine(_ configuration: EffectiveConfiguration, position: Int) -> MachineTarget {
    MachineTarget(target: target(configuration, position: position), configuration: configuration)
}

func target(_ configuration: EffectiveConfiguration, position: Int) -> Target {
    Target(position: position, revision: position, digest: configuration.digest)
}

/// What the listener of ``configuration(certificate:destination:)`` is seen to serve.
func serving(_ certificate: String?) -> [ServiceProof] {
    [ServiceProof(service: "listener/public", served: certificate.map(leaf))]
}

func applied(_ configuration: EffectiveConfiguration, position: Int, serves certificate: String? = "one") -> Receipt {
    Receipt(
        target: target(configuration, position: position), outcome: .applied(digest: configuration.digest, proofs: serving(certificate)),
        time: at(0))
}

func rejected(_ configuration: EffectiveConfiguration, position: Int, because reason: String = "no") -> Receipt {
    Receipt(target: target(configuration, position: position), outcome: .rejected(reasons: [reason]), time: at(0))
}

func hello(running: EffectiveConfiguration?, rejected: EffectiveConfiguration? = nil, seen: Sighting = .none) -> Hello {
    Hello(agent: "test", clock: at(0), running: running?.digest, rejected: rejected?.digest, seen: seen)
}

extension UpdatePlan {
    /// What is sent, in a form that a test can compare.
    var summary: String {
        let update = update(material: [])
        let sections = (update.sections.map(\.name) + update.changes.map(\.name)).map(\.rawValue).joined(separator: "+")
        let base = base.map { $0.digest == configuration.digest ? "itself" : "delta" } ?? "whole"
        return "\(target.position) \(base) \(sections)".trimmingSuffix
    }
}

extension String {
    fileprivate var trimmingSuffix: String { hasSuffix(" ") ? String(dropLast()) : self }
}

extension [Publisher.Action] {
    var plans: [UpdatePlan] {
        compactMap { action in
            guard case .update(_, let plan) = action else { return nil }
            return plan
        }
    }

    var sent: [String] { plans.map(\.summary) }

    var refusal: Refusal.Code? {
        for case .refuse(_, let code, _) in self { return code }
        return nil
    }

    var alarms: [Publisher.Alarm] {
        compactMap { action in
            guard case .alarm(let alarm) = action else { return nil }
            return alarm
        }
    }
}
