import AdminClient
import AdminContract
import ClusterModel
import FoundationEssentials
import Testing

/// A manager is lost for good, and all that is left of it is what `save` printed; through the real binary.
@Suite("A saved document makes a new manager the same", .timeLimit(.minutes(3)))
struct SaveTests {
    /// What `muster` prints for a cluster.
    private func muster(_ cluster: CrashCluster, _ arguments: [String], input: String = "") async throws -> String {
        try await Muster.succeed(arguments + ["--profile", "\(cluster.data)/admin.profile.json"], input: input)
    }

    private func refused(_ cluster: CrashCluster, _ arguments: [String], input: String) async throws -> String {
        let run = try await Muster.run(arguments + ["--profile", "\(cluster.data)/admin.profile.json"], input: input)
        #expect(run.ending == .exited(1))
        return run.error
    }

    /// Every machine's digest, as `machine list` shows it.
    private func digests(_ cluster: CrashCluster) async throws -> [String: String] {
        let machines = try JSONValue(parsing: Array(try await muster(cluster, ["machine", "list", "--output", "json"]).utf8)).items ?? []
        return Dictionary(
            uniqueKeysWithValues: machines.map { ($0["name"]?.text ?? "", $0["targetDigest"]?.text ?? "") })
    }

    /// Two machines join, both with the addresses that the first cluster gave them.
    private func join(_ cluster: CrashCluster, likewise first: CrashCluster, _ client: AdminClient) async throws {
        for machine in ["mx1", "mx2"] {
            try await Muster.succeed([
                "agent", "init", "--state-dir", cluster.state(of: machine), "--name", machine, "--hostname", "\(machine).example.com",
                "--interface", "data1=\(first.address(of: machine))",
            ])
            try await cluster.join(machine, client)
        }
    }

    /// Settings of every level, and certificates of three.
    private func furnish(_ cluster: CrashCluster, _ client: AdminClient) async throws {
        _ = try await client.addGroup("eu")
        try await cluster.submitListener(client)
        _ = try await cluster.renew("mx1", number: 1, client)
        for (name, level) in [("own", Level.machine("mx2")), ("regional", .group("eu"))] {
            _ = try await client.createCertificate(
                CertificateCreation(level: level, name: name, request: SelfSignedRequest(commonName: "\(name).example.com"), replace: false)
            )
        }
        _ = try await client.edit([
            EntryEdit(level: .cluster, section: .destinations, entry: "bank.example", operation: .set(["tls": "required-verify"])),
            EntryEdit(level: .machine("mx2"), section: .destinations, entry: "bank.example", operation: .hide),
            EntryEdit(level: .machine("mx1"), section: .destinations, entry: nil, operation: .isolate),
        ])
        _ = try await client.commit(CommitRequest(comment: "everything"))
    }

    @Test func `save, then apply on a fresh manager, gives every machine the digest it had, and serves`() async throws {
        try await CrashCluster.with { first in
            let password = "\(first.directory)/document.pw"
            try "c4nary password\n".write(toFile: password, atomically: true, encoding: .utf8)
            let (saved, masked, digests) = try await first.withManager { client in
                try await join(first, likewise: first, client)
                try await furnish(first, client)
                return (
                    try await muster(first, ["save", "--include-secrets", "--password-file", password]), try await muster(first, ["save"]),
                    try await self.digests(first)
                )
            }
            #expect(digests.count == 2)
            for text in [saved, masked] { #expect(!text.contains("PRIVATE KEY") && !text.contains("c4nary")) }
            try await CrashCluster.with { second in
                try await second.withManager { client in
                    try await join(second, likewise: first, client)
                    #expect(try await self.digests(second) != digests)
                    #expect(try await refused(second, ["apply", "-f", "-", "--commit"], input: saved).contains("--password-file FILE"))
                    #expect(try await refused(second, ["apply", "-f", "-", "--commit"], input: masked).contains("does not hold it"))
                    let apply = ["apply", "-f", "-", "--password-file", password]
                    let dry = try await muster(second, apply + ["--dry-run"], input: saved)
                    #expect(dry.contains("New group eu") && dry.contains("dry run"))
                    _ = try await muster(second, apply + ["--commit"], input: saved)
                    #expect(try await self.digests(second) == digests)
                    #expect(try await muster(second, ["save"]) == masked)
                    #expect(try await muster(second, apply + ["--commit"], input: saved).contains("Nothing to change"))
                    // The keys are there, too: a machine serves what the first manager's would have.
                    try await second.withAgent("mx1") { try await second.synced("mx1", client) }
                }
            }
        }
    }
}
