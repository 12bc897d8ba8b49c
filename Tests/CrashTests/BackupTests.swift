import AdminClient
import AdminContract
import Certificates
import ClusterModel
import ClusterService
import FoundationEssentials
import GRDB
import Testing

/// A manager's disk is lost, and a backup takes its place; through the real binary, with a real machine and openssl as the witness.
@Suite("A manager comes back from a backup", .timeLimit(.minutes(3)))
struct BackupTests {
    @Test func `from an older one it says so and sends nothing; recovered, the machine follows again`() async throws {
        try await CrashCluster.with { cluster in
            let backup = "\(cluster.directory)/backup"
            try await cluster.makeMachine("mx1")
            let first = try await cluster.withManager { client in
                try await cluster.join("mx1", client)
                return try await cluster.withAgent("mx1") {
                    try await cluster.submitListener(client)
                    let first = try await cluster.renew("mx1", number: 1, client)
                    try await cluster.synced("mx1", client)
                    // Beside the running manager.
                    try await Muster.succeed(["manager", "backup", backup, "--data-dir", cluster.data])
                    _ = try await cluster.renew("mx1", number: 2, client)
                    try await cluster.synced("mx1", client)
                    return first
                }
            }
            try cluster.loseManager()
            try await Muster.succeed(["manager", "restore", backup, "--data-dir", cluster.data])
            try await sendsNothing(cluster, unlike: first)
            try await Muster.succeed(["manager", "recover", "--data-dir", cluster.data])
            try await cluster.withManager { client in
                try await cluster.withAgent("mx1") {
                    try await cluster.synced("mx1", client)
                    #expect(try await cluster.served(by: "mx1") == first)
                    let third = try await cluster.renew("mx1", number: 3, client)
                    try await cluster.synced("mx1", client)
                    #expect(try await cluster.served(by: "mx1") == third)
                }
                #expect(try await client.audit().contains { $0.kind == "manager-recovered" })
                #expect(try await client.verifyAudit().intact)
            }
        }
    }

    /// The machine goes on serving what it has seen, people are told, and nothing is committed.
    private func sendsNothing(_ cluster: CrashCluster, unlike first: Served) async throws {
        try await cluster.withManager { client in
            try await cluster.withAgent("mx1") {
                try await cluster.wait(for: "the manager to hear what the machine has seen") {
                    try await client.status().notices.contains { $0.contains("muster manager recover") }
                }
                #expect(try await client.machines().first?.state == .offline)
                let served = try await cluster.served(by: "mx1")
                #expect(served != nil && served != first)
                _ = try await client.edit([
                    EntryEdit(level: .cluster, section: .destinations, entry: "default", operation: .set(["tls": "required"]))
                ])
                await #expect(throws: Refusal(.conflict, "")) { try await client.commit(CommitRequest(comment: "")) }
                _ = try await client.discard(DiscardQuery())
            }
        }
    }

    @Test func `from the newest one everything goes on as if nothing had happened`() async throws {
        try await CrashCluster.with { cluster in
            let backup = "\(cluster.directory)/backup"
            try await cluster.makeMachine("mx1")
            let served = try await cluster.withManager { client in
                try await cluster.join("mx1", client)
                return try await cluster.withAgent("mx1") {
                    try await cluster.submitListener(client)
                    let root = try ClusterAuthority.create(clusterID: "partner", clusterName: "Partner", now: Timestamp(Date()))
                    let list = Data(root.certificatePEM.utf8).base64EncodedString()
                    _ = try await client.addAuthorities(AuthorityAddition(level: .group("main"), name: "partner-root", file: list))
                    let served = try await cluster.renew("mx1", number: 1, client)
                    try await cluster.synced("mx1", client)
                    return served
                }
            }
            try await Muster.succeed(["manager", "backup", backup, "--data-dir", cluster.data])
            try cluster.loseManager()
            try await Muster.succeed(["manager", "restore", backup, "--data-dir", cluster.data])
            try await cluster.withManager { client in
                try await cluster.withAgent("mx1") {
                    try await cluster.synced("mx1", client)
                    #expect(try await cluster.served(by: "mx1") == served)
                    #expect(try await client.status().notices.isEmpty)
                    #expect(try await client.authority("partner-root", at: .group("main")).certificates.count == 1)
                }
            }
            #expect(try await Muster.run(["manager", "verify", "--data-dir", cluster.data]).isDone)
        }
    }

    @Test func `an altered manager is found out, and neither backed up nor run`() async throws {
        try await CrashCluster.with { cluster in
            let verify = ["manager", "verify", "--data-dir", cluster.data]
            try await cluster.withManager { client in _ = try await client.invite(InvitationRequest(group: nil, expiresSeconds: 60)) }
            #expect(try await Muster.run(verify).isDone)
            let database = try DatabaseQueue(path: ManagerDirectory(path: cluster.data, keyPath: nil).database)
            try await database.write { database in
                try database.execute(
                    sql: """
                        DROP TRIGGER entry_unchanged;
                        UPDATE entry SET bytes = CAST(replace(CAST(bytes AS TEXT), 'main', 'mine') AS BLOB) WHERE position = 1
                        """)
            }
            try database.close()
            let found = try await Muster.run(verify)
            #expect(found.ending == .exited(1))
            #expect(found.output.contains("Entry 1 of the log was not sealed by this cluster"))
            let backup = try await Muster.run(["manager", "backup", "\(cluster.directory)/backup", "--data-dir", cluster.data])
            #expect(backup.ending == .exited(1))
            #expect(try FileManager.default.contentsOfDirectory(atPath: cluster.directory).allSatisfy { !$0.hasPrefix("backup") })
            let run = try await Muster.run(["manager", "run", "--data-dir", cluster.data])
            #expect(run.ending == .exited(1))
            #expect(run.error.contains("Entry 1 of the log"))
        }
    }

    @Test func `a restore replaces nothing, needs the key that was in use, and takes no other file`() async throws {
        try await CrashCluster.with { cluster in
            let backup = "\(cluster.directory)/backup"
            try await Muster.succeed(["manager", "backup", backup, "--data-dir", cluster.data])
            func restore(_ file: String, to directory: String, _ more: [String] = []) async throws -> Muster.Run {
                try await Muster.run(["manager", "restore", file, "--data-dir", directory] + more)
            }
            let occupied = try await restore(backup, to: cluster.data)
            #expect(occupied.error.contains("is not empty"))
            let other = "\(cluster.directory)/other"
            let keyless = try await restore(backup, to: other)
            #expect(keyless.error.contains("There is no master key at"))
            try await Muster.succeed(["manager", "init", "--name", "foreign", "--data-dir", "\(cluster.directory)/foreign"])
            let foreign = try await restore(backup, to: other, ["--master-key", "\(cluster.directory)/foreign.key"])
            #expect(foreign.error.contains("under another master key"))
            let key = ["--master-key", "\(cluster.data).key"]
            let database = try await restore(ManagerDirectory(path: cluster.data, keyPath: nil).database, to: other, key)
            #expect(database.error.contains("is not a backup"))
            let bytes = try Data(contentsOf: URL(filePath: backup))
            for count in [0, 100, 4096, bytes.count / 2, bytes.count - 4096] {
                try bytes.prefix(count).write(to: URL(filePath: "\(backup).cut"))
                let cut = try await restore("\(backup).cut", to: other, key)
                #expect(cut.ending == .exited(1), "\(count) of \(bytes.count) bytes")
                #expect(!FileManager.default.fileExists(atPath: "\(other)/manager.json"))
            }
            let nameless = try await restore(backup, to: other, key + ["--admin", "no name"])
            #expect(nameless.error.contains("The administrator's name"))
            #expect([occupied, keyless, foreign, database, nameless].allSatisfy { $0.ending == .exited(1) })
            #expect(try await restore(backup, to: other, key).isDone)
        }
    }
}

extension CrashCluster {
    /// The manager's disk is gone; its master key was kept elsewhere.
    fileprivate func loseManager() throws {
        try FileManager.default.removeItem(atPath: data)
    }
}
