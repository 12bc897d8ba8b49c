import AdminContract
import Certificates
import ClusterLog
import ClusterModel
import ClusterService
import Replication
import Testing

@Suite("A cluster can begin with a standalone machine's settings")
struct FoundingSettingsTests {
    private let origin = EffectiveEntry.Origin(layer: .machine(MembershipID(rawValue: "standalone")), revision: 0)
    private let now = HandClock().now()

    private func configuration(_ entries: [(SectionName, String, JSONValue)]) -> EffectiveConfiguration {
        EffectiveConfiguration(
            sections: Dictionary(grouping: entries, by: \.0).map { section, entries in
                EffectiveSection(
                    name: section, entries: entries.map { EffectiveEntry(section: section, name: $0.1, value: $0.2, origin: origin) })
            })
    }

    private func material(_ made: MadeCertificate) -> [Material] {
        [
            Material(kind: .key, digest: made.key.facts.fingerprint, pem: Array(made.key.pem.utf8)),
            Material(kind: .chain, digest: made.chain.blob, pem: Array(made.chain.pem.utf8)),
        ]
    }

    private let network: [(SectionName, String, JSONValue)] = [
        (.system, "settings", ["hostname": "mx.example.com"]),
        (.interfaces, "data1", ["hostname": "mx.example.com", "address": "127.0.0.11", "https": ["certificate": "own"]]),
    ]

    @Test func `all but the network settings are the cluster's first revision, keys sealed, and the machine joins to what it had`()
        async throws
    {
        let own = try makeSelfSigned(SelfSignedRequest(commonName: "mx.example.com"), now: now)
        let demo = try makeDemoCertificate(now: now)
        let entries: [(SectionName, String, JSONValue)] =
            network + [
                (.certificates, "own", own.setting.json), (.certificates, "demo", demo.setting.json),
                (.listeners, "public", ["interface": "data1", "certificate": "own"]),
                (.listeners, "relay", ["interface": "data1", "port": 2526, "certificate": "demo"]),
                (.destinations, "default", ["tls": "required"]),
            ]
        let settings = try FoundingSettings(machine: "mx1", settings: configuration(entries), material: material(own) + material(demo))
        #expect(settings.kept == ["interfaces/data1", "system/settings"])
        #expect(settings.leftOut.map { $0.prefix { $0 != ":" } } == ["certificates/demo"])
        #expect(settings.keys == 1)

        let (log, master, clock) = (InMemoryLog(), MasterKey.generate(), HandClock())
        _ = try await ManagerFoundation(cluster: "acme", manager: "a1", user: "ann", settings: settings)
            .lay(in: log, master: master, now: clock.now)
        let desk = try await Desk(log: log, master: master, clock: clock)
        let first = try #require(try await desk.admin.history(Page(), for: desk.caller).first)
        #expect(first.revision == 1 && first.author == "ann" && first.comment.contains("mx1"))
        let report = try await ManagerVerification(log: log, master: master).verify()
        #expect(report.problems.isEmpty && report.keys == 3)
        let cluster = await desk.ledger.state.layer
        let clusterDemo = try CertificateSetting(try #require(cluster[.certificates, "demo"]?.state.value))
        #expect(clusterDemo.key.fingerprint != demo.key.facts.fingerprint)

        var request = try desk.request("mx1", invitation: try await desk.invite())
        request.network = network.map { NetworkEntry(section: $0.0, name: $0.1, value: $0.2) }
        request.loss = LossReport.joining(configuration(entries))
        _ = try await desk.enrolment.join(request)
        let state = await desk.ledger.state
        let services = try state.configuration(of: state.machine("mx1")).intendedServices()
        #expect(
            services.map { "\($0.service) \($0.certificate)" } == ["listener/public own", "listener/relay demo", "https/data1 own"])
        #expect(services.filter { $0.certificate == "own" }.allSatisfy { $0.fingerprint == own.setting.leaf?.fingerprint })
    }

    @Test func `a certificate whose key is not there is left out by name, and refused where a service needs it`() throws {
        let own = try makeSelfSigned(SelfSignedRequest(commonName: "mx.example.com"), now: now)
        let idle = try FoundingSettings(
            machine: "mx1", settings: configuration([network[0], (.certificates, "own", own.setting.json)]), material: [])
        #expect(idle.edits.isEmpty && idle.leftOut == ["certificates/own: its key is not on the machine"])
        let refusal = #expect(throws: Refusal(.wouldBreak, "")) {
            try FoundingSettings(
                machine: "mx1", settings: configuration(network + [(.certificates, "own", own.setting.json)]), material: [])
        }
        #expect(refusal?.details.contains { $0.contains("certificates/own") } == true)
    }

    @Test func `a key that is not what its name says is refused`() async throws {
        let own = try makeSelfSigned(SelfSignedRequest(commonName: "mx.example.com"), now: now)
        let other = try PrivateKey.generate(.ecdsaP256)
        var material = material(own)
        material[0].pem = Array(other.pem.utf8)
        let settings = try FoundingSettings(
            machine: "mx1", settings: configuration([(.certificates, "own", own.setting.json)]), material: material)
        let log = InMemoryLog()
        await #expect(throws: Refusal(.unreadable, "")) {
            try await ManagerFoundation(cluster: "acme", manager: "a1", user: "ann", settings: settings)
                .lay(in: log, master: .generate(), now: HandClock().now)
        }
        #expect(try log.head() == .empty, "nothing is in the log before all keys are sealed")
    }

    @Test func `settings that no single commit takes are refused before anything is made`() throws {
        let text = JSONValue.string(String(repeating: "c", count: 60) + String(repeating: ".d", count: 60) + ".example")
        let entries = (0..<6).map { number -> (SectionName, String, JSONValue) in
            let senders = JSONValue.array((0..<1000).map { .string("s\($0)." + (text.text ?? "")) })
            return (
                .listeners, "l\(number)",
                ["interface": "none", "senderGroups": [["name": "known", "policy": "accepted", "senders": senders]]]
            )
        }
        #expect(throws: Refusal(.limit, "")) {
            try FoundingSettings(machine: "mx1", settings: configuration(entries), material: [])
        }
    }
}
