import Certificates
import ClusterModel
import FoundationEssentials
import Gateways
import MemberAgent
import Synchronization

/// A directory that goes with the test.
final class Scratch: Sendable {
    /// In memory where there is such a place: these tests flush thousands of times.
    let path = "\(Scratch.place)/muster-agent-\(UUID().uuidString)"

    private static let place =
        FileManager.default.isWritableFile(atPath: "/dev/shm") ? "/dev/shm" : FileManager.default.temporaryDirectory.path()

    deinit {
        // Nothing there is well too.
        try? FileManager.default.removeItem(atPath: path)
    }

    /// A machine with two settings of its own network, and no other.
    func machine(faults: any DiskFaults = NoDiskFaults()) throws -> StateDirectory {
        let directory = StateDirectory(path: path, faults: faults)
        if !directory.hasMachine {
            try directory.initialize(
                name: "mx1", hostname: "mx1.example.com", interfaces: ["data1": "127.0.0.1"], gateway: .embedded, now: .now)
        }
        return directory
    }

    func text(_ file: String) throws -> String {
        String(decoding: try Data(contentsOf: URL(filePath: "\(path)/\(file)")), as: UTF8.self)
    }

    func replace(_ file: String, with text: String) throws {
        try Data(text.utf8).write(to: URL(filePath: "\(path)/\(file)"))
    }

    /// Every file below, with its content: what a search for a key goes through.
    func allFiles() throws -> [String: String] {
        var files: [String: String] = [:]
        for name in try FileManager.default.subpathsOfDirectory(atPath: path) {
            var isDirectory = false
            guard FileManager.default.fileExists(atPath: "\(path)/\(name)", isDirectory: &isDirectory), !isDirectory else { continue }
            files[name] = try text(name)
        }
        return files
    }
}

/// A certificate with its key, made once for all tests.
struct Sample: Sendable {
    let made: MadeCertificate

    init(_ name: String) throws {
        made = try makeSelfSigned(SelfSignedRequest(commonName: name), now: .now)
    }

    static let one = Result { try Sample("one.example.com") }
    static let two = Result { try Sample("two.example.com") }

    var fingerprint: Digest { made.chain.facts[0].fingerprint }
    var keyPEM: String { made.key.pem }
}

extension Timestamp {
    static var now: Timestamp { Timestamp(Date()) }
}

extension GatewayConfiguration {
    /// One listener with this certificate on `data1`.
    static func serving(
        _ sample: Sample, port: Int, at address: String = "127.0.0.1", from layer: LayerID = .cluster
    ) -> GatewayConfiguration {
        var listener = ListenerSetting()
        listener.interface = "data1"
        listener.port = port
        listener.certificate = "mail"
        listener.defaultPolicy = "accepted"
        func section<Value: Setting>(_ name: SectionName, _ entry: String, _ value: Value, _ layer: LayerID) -> EffectiveSection {
            EffectiveSection(
                name: name,
                entries: [EffectiveEntry(section: name, name: entry, value: value.json, origin: .init(layer: layer, revision: 1))])
        }
        let own = LayerID.machine(MembershipID(rawValue: "m1"))
        return GatewayConfiguration(
            settings: EffectiveConfiguration(sections: [
                section(.certificates, "mail", sample.made.setting, layer),
                section(.listeners, "public", listener, layer),
                section(.mailFlowPolicies, "accepted", MailFlowPolicySetting(tls: .preferred), layer),
                section(.interfaces, "data1", InterfaceSetting(hostname: "mx1.example.com", address: address), own),
            ]),
            chains: [sample.made.chain.blob: sample.made.chain.pem], keys: [sample.made.key.facts.fingerprint: sample.keyPEM])
    }
}

/// Stops the machine at the n-th step, and at every one after: nothing runs after a crash.
final class PowerCut: DiskFaults {
    private let state: Mutex<(steps: [DiskStep], at: Int)>

    /// Cuts before step `at`, counted from 0.
    init(at step: Int = .max) { state = Mutex(([], step)) }

    var steps: [DiskStep] { state.withLock { $0.steps } }
    var hasCut: Bool { state.withLock { $0.steps.count > $0.at } }

    /// Cuts before the n-th step from now.
    func arm(in steps: Int) { state.withLock { $0.at = $0.steps.count + steps } }

    func before(_ step: DiskStep) throws(Refusal) {
        let isCut = state.withLock { state in
            state.steps.append(step)
            return state.steps.count > state.at
        }
        if isCut { throw Refusal(.unavailable, "power cut before: \(step)") }
    }
}
