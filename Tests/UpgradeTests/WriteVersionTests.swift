import Certificates
import ClusterDocuments
import ClusterLog
import ClusterLogSQLite
import ClusterModel
import ClusterService
import FoundationEssentials
import GRDB
import Testing

/// Leaves what this version of Muster leaves on disks and wires, for later versions to read.
///
/// Once, when a version is released: `MUSTER_WRITE_VERSION=2 swift test --filter WriteVersionTests`, with a `cluster.yaml` in the new
/// folder that has every section and field of that version. A version that is there is not written again: what it holds is what
/// that version left, and a test that fails on it has found a break.
@Suite("A version leaves its fixtures", .enabled(if: Version.written != nil), .timeLimit(.minutes(2)))
struct WriteVersionTests {
    @Test func `write a version's fixtures`() async throws {
        let version = try #require(Version.written)
        try #require(
            !FileManager.default.fileExists(atPath: version.path("facts.json")),
            "Version \(version.number) is written already, and is never written again. Add the next one beside it.")
        try FrameTests.text().write(toFile: version.path("frames.txt"), atomically: true, encoding: .utf8)
        let document = try DocumentReader.read(text: version.text("cluster.yaml"), named: "cluster.yaml") { _ in [] }
        try write(JSONValue(encoding: document), to: version.path("cluster.json"))
        try await withScratch { directory in
            let cluster = SmallCluster(directory: directory)
            try await live(cluster, by: version.path("cluster.yaml"))
            for name in ["manager", "manager.key", "backup"] {
                try FileManager.default.copyItem(atPath: "\(directory)/\(name)", toPath: version.path(name))
            }
            try FileManager.default.copyItem(atPath: cluster.state(of: "mx1"), toPath: version.path("member"))
            try keepDatabaseOnly(in: version.path("manager"))
            let place = ManagerDirectory(path: cluster.data, keyPath: nil)
            let log = try SQLiteLog(path: place.database, create: false)
            let facts = try await Leavings.facts(of: log, master: place.masterKey())
            await log.close()
            try write(JSONValue(encoding: facts), to: version.path("facts.json"))
        }
    }

    /// All of the database in its one file, and nothing beside it that only a running manager uses; nor the token of its administrator.
    private func keepDatabaseOnly(in directory: String) throws {
        let database = try DatabaseQueue(path: "\(directory)/muster.db")
        try database.inDatabase { try $0.execute(sql: "PRAGMA wal_checkpoint(TRUNCATE)") }
        try database.close()
        for name in ["muster.db-wal", "muster.db-shm", "lock", "admin.profile.json"] {
            let path = "\(directory)/\(name)"
            if FileManager.default.fileExists(atPath: path) { try FileManager.default.removeItem(atPath: path) }
        }
    }

    private func write(_ value: JSONValue, to path: String) throws {
        try (value.canonicalText + "\n").write(toFile: path, atomically: true, encoding: .utf8)
    }

    /// A short life of a cluster, with an event of every kind.
    private func live(_ cluster: SmallCluster, by document: String) async throws {
        try await cluster.makeManager()
        try await cluster.withManager {
            for machine in ["mx1", "mx2"] {
                let joined = try await cluster.join(machine)
                try #require(joined.status == 0, "\(joined.error)")
            }
            try await cluster.withAgent("mx1") {
                try await cluster.tell("apply", "-f", document)
                try await cluster.tell("commit", "-m", "every section")
                try await cluster.wait(for: "mx1 to be synced") { try await cluster.machine("mx1")["state"]?.text == "synced" }
                try await cluster.tell("group", "add", "later")
                try await cluster.tell("machine", "remove", "mx2")
                try await cluster.tell("destination", "set", "second.example", "--tls", "required")
                try await cluster.tell("commit", "-m", "a second revision", "--wait", "--timeout", "60s")
                let password = "\(cluster.directory)/password"
                try "fixture password".write(toFile: password, atomically: true, encoding: .utf8)
                try await cluster.tell(
                    "cert", "export", "mail", "--pkcs12", "\(cluster.directory)/mail.p12", "--password-file", password)
                try await cluster.tell("destination", "set", "waiting.example", "--tls", "required")
                try await Muster.succeed(["manager", "backup", "\(cluster.directory)/backup", "--data-dir", cluster.data])
                // What members said is written down within a second or two, and at the manager's end it must be.
                try await cluster.wait(for: "what mx1 said to be kept") {
                    let log = try SQLiteLog(reading: "\(cluster.data)/muster.db")
                    let records = try await log.values(prefix: "record/")
                    await log.close()
                    return !records.isEmpty
                }
            }
        }
        try await Muster.succeed(["manager", "recover", "--data-dir", cluster.data])
    }
}
