import Certificates
import ClusterDocuments
import ClusterLog
import ClusterLogSQLite
import ClusterModel
import ClusterService
import FoundationEssentials
import Gateways
import MemberAgent
import Replication
import Testing

/// What a version left on disks is what the next one starts from.
@Suite("What every version left on disks is read by this one", .timeLimit(.minutes(1)))
struct LeavingsTests {
    @Test(arguments: Version.all)
    func `a document reads as it did`(_ version: Version) throws {
        let document = try DocumentReader.read(text: version.text("cluster.yaml"), named: "cluster.yaml") { _ in [] }
        let form = try JSONValue(parsing: version.text("cluster.json").utf8)
        #expect(try JSONValue(encoding: document) == form)
        var read = try form.decode(ClusterDocument.self)
        try read.check()
        #expect(read == document)
    }

    @Test(arguments: Version.all)
    func `a manager's directory is opened, verified, and goes on`(_ version: Version) async throws {
        let facts = try version.facts()
        try await version.withCopy(of: "manager", "manager.key") { directory in
            // Before anything is written: what the version left is whole as it is.
            try await Muster.succeed(["manager", "verify", "--data-dir", "\(directory)/manager"])
            let place = ManagerDirectory(path: "\(directory)/manager", keyPath: nil)
            #expect(try place.settings().cluster == facts.cluster)
            let master = try place.masterKey()
            let log = try SQLiteLog(path: place.database, create: false)
            let found = try await Leavings.facts(of: log, master: master)
            #expect(found == facts)
            let agents = try await AgentRegister.load(log)
            let key = ManagerFoundation.logKey(master)
            let ledger = try await Ledger.open(log: log, key: key, now: { Timestamp(seconds: 1_800_000_000) }, agents: agents)
            let machine = try await ledger.state.machine("mx1")
            #expect(agents.agent(of: machine).sections[.destinations] == 1, "its last hello, or its join")
            let desk = ChangeDesk(ledger: ledger, log: log)
            #expect(try await desk.changes(of: "admin").edits.map(\.entry) == ["waiting.example"])
            #expect(try await desk.commit(by: "admin", comment: "by a later version").revision?.number == facts.revision + 1)
            await log.close()
        }
    }

    @Test(arguments: Version.all)
    func `a backup is restored`(_ version: Version) async throws {
        try await version.withCopy(of: "backup", "manager.key") { directory in
            try await Muster.succeed(["manager", "restore", "\(directory)/backup", "--data-dir", "\(directory)/manager"])
            try await Muster.succeed(["manager", "verify", "--data-dir", "\(directory)/manager"])
        }
    }

    @Test(arguments: Version.all)
    func `a member's directory is what an upgraded agent starts from`(_ version: Version) async throws {
        let facts = try version.facts()
        try await version.withCopy(of: "member") { directory in
            let place = StateDirectory(path: "\(directory)/member")
            #expect(try place.machine().name == "mx1")
            let (current, damages) = try place.current()
            let generation = try #require(current)
            #expect(damages.isEmpty, "\(damages)")
            #expect(generation.kind == .member)
            #expect(generation.settings.digest == facts.digest, "computed anew from what lies there")
            #expect(generation.target?.digest == facts.digest)
            // Everything in it is read by its section, and has the material that it needs.
            for section in generation.settings.sections {
                let kind = try #require(Section.named(section.name), "\(section.name) is not known any more")
                for entry in section.entries {
                    let normal = try kind.normalize(entry.value, SettingPath(section.name.rawValue, entry.name))
                    #expect(normal == entry.value, "\(section.name)/\(entry.name) has another normal form now")
                }
            }
            let needed = try generation.settings.materialNeeded()
            #expect(!needed.keys.isEmpty && needed.keys.isSubset(of: generation.configuration.keys.keys))
            #expect(needed.chains.isSubset(of: generation.configuration.chains.keys))
            let membership = try #require(try place.membership())
            #expect(membership.facts.cluster == facts.cluster)
            _ = try PrivateKey(pem: membership.identity.key)
            _ = try CertificateChain(pem: membership.identity.certificate)
            #expect(try place.status()?.appliedDigest == facts.digest)
            #expect(try Leavings.seenPosition(in: "\(directory)/member") > 0)
            // The agent starts on it, with no manager in reach, and says that it is ready.
            try await Muster.serving(["agent", "run", "--state-dir", place.path]) {}
            #expect(try place.status()?.appliedDigest == facts.digest)
        }
    }
}

/// Reading what was left, for the tests and for what writes a version.
enum Leavings {
    /// What is true of the cluster that a manager's log holds.
    static func facts(of log: any ClusterLog, master: MasterKey) async throws -> Version.Facts {
        let report = try await ManagerVerification(log: log, master: master).verify()
        try #require(report.isSound, "\(report.problems)")
        let ledger = try await Ledger.open(log: log, key: ManagerFoundation.logKey(master), now: { Timestamp(seconds: 0) })
        let state = await ledger.state
        let kinds = try await log.entries(after: 0, limit: 1000).map { stored in
            try JSONValue(parsing: stored.bytes)["event"]?["kind"]?.text ?? "unknown"
        }
        return Version.Facts(
            cluster: state.cluster, position: state.head.position, head: state.head.hash, epoch: state.epoch, revision: state.revision,
            machines: state.memberships.values.map(\.machine).sorted(), keys: report.keys, chains: report.chains,
            digest: state.configuration(of: try state.machine("mx1")).digest, events: Set(kinds).sorted())
    }

    /// What the machine has heard of its manager's log.
    static func seenPosition(in directory: String) throws -> Int64 {
        let bytes = try Data(contentsOf: URL(filePath: "\(directory)/seen.json"))
        let seen = try JSONValue(parsing: Array(bytes))
        guard case .integer(let position)? = seen["seen"]?["head"]?["position"] else { return 0 }
        return position
    }
}
