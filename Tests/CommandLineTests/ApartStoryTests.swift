import AdminClient
import ClusterModel
import Testing

@Suite("A machine apart from its cluster, through the real binary", .timeLimit(.minutes(3)))
struct ApartStoryTests {
    @Test func `edits on both sides meet as conflicts, one is taken and one dropped, and all serve what was decided`() async throws {
        try await KeptCluster.with(machines: 2) { cluster in
            let state = ["--state-dir", "\(cluster.directory)/mx1"]
            let address = try await cluster.address(of: "mx1")
            let refused = try await muster(["agent", "set", "destinations/a.example", "tls=required"] + state)
            #expect(refused.status == 1 && refused.error.contains("muster machine disconnect mx1"), "\(refused.error)")

            try await run(cluster, "machine", "disconnect", "mx1")
            try await wait(cluster, local: state) { $0["disconnected"] == true }
            // Both sides go on: the cluster with a certificate for all, the machine with its own, and two destinations.
            try await run(cluster, "cert", "create", "mail", "--common-name", "fleet.example.com", "--replace")
            try await run(cluster, "destination", "set", "a.example", "--tls", "none")
            let commit = try await muster(["commit", "--wait", "--timeout", "60s"], profile: cluster.profile)
            #expect(commit.status == 0 && commit.output.contains("mx1 (disconnected)"), "\(commit.output)\(commit.error)")
            let before = try await cluster.witness(address)
            try await openssl(cluster)
            for edit in [
                ["certificates/mail", "--pem", "\(cluster.directory)/own.pem", "--key", "\(cluster.directory)/own.key"],
                ["destinations/a.example", "tls=required"], ["destinations/b.example", "tls=required-verify"],
            ] {
                let done = try await muster(["agent", "set"] + edit + state)
                #expect(done.status == 0, "\(done.error)")
            }
            let edited = ["certificates/mail", "destinations/a.example", "destinations/b.example"]
            try await wait(cluster, local: state) { Set(($0["localEdits"]?.items ?? []).compactMap(\.text)) == Set(edited) }
            let own = try await cluster.witness(address)
            #expect(own != before)

            // Back: nothing is merged, and the machine serves its own until all is decided.
            try await run(cluster, "machine", "reconnect", "mx1")
            try await wait(cluster) { $0["state"] == "pending" && $0["localEdits"]?.items?.count == 3 }
            let shown = try await muster(["machine", "conflicts", "mx1"], profile: cluster.profile)
            #expect(shown.output.contains("destinations/a.example") && shown.output.contains("changed since the edit began"))
            #expect(try await muster(["status"], profile: cluster.profile).output.contains("3 local edits to decide"))
            #expect(try await cluster.witness(address) == own)
            try await run(cluster, "machine", "take", "mx1", "certificates/mail")
            try await run(cluster, "commit")
            try await wait(cluster) { $0["state"] == "pending" && $0["localEdits"]?.items?.count == 2 }
            try await run(cluster, "machine", "drop", "mx1", "--all")
            try await wait(cluster) { $0["state"] == "synced" && $0["localEdits"] == [] }
            #expect(try await cluster.witness(address) == own, "the certificate was taken")
            let destinations = try await cluster.json(["effective", "mx1", "destinations"]).items ?? []
            #expect(destinations.first { $0["name"] == "a.example" }?["value"]?["tls"] == "none")
            #expect(!destinations.contains { $0["name"] == "b.example" })
            let local = try await muster(["agent", "show", "destinations"] + state + ["-o", "json"])
            #expect(!local.output.contains("b.example"), "\(local.output)")
            // And it follows again.
            try await run(cluster, "destination", "set", "c.example", "--tls", "required")
            let last = try await muster(["commit", "--wait", "--timeout", "60s"], profile: cluster.profile)
            #expect(last.status == 0 && last.output.contains("Proved by 2 of 2 machines."), "\(last.output)")
            #expect(try await muster(["audit", "verify"], profile: cluster.profile).status == 0)
        }
    }

    private func run(_ cluster: KeptCluster, _ arguments: String...) async throws {
        let run = try await muster(arguments, profile: cluster.profile)
        #expect(run.status == 0, "\(arguments): \(run.error)")
    }

    /// A certificate of the machine's own, made outside of Muster.
    private func openssl(_ cluster: KeptCluster) async throws {
        _ = try await cluster.openssl(
            [
                "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "30", "-subj",
                "/CN=mx1.example.com", "-keyout", "\(cluster.directory)/own.key", "-out", "\(cluster.directory)/own.pem",
            ], input: "")
    }

    /// Waits until the machine is as it should be, as the manager sees it.
    private func wait(_ cluster: KeptCluster, until holds: (JSONValue) -> Bool) async throws {
        while true {
            let machine = try await cluster.json(["machine", "show", "mx1"])
            if holds(machine) { return }
            try Task.checkCancellation()
        }
    }

    /// The same, as the machine's agent sees it.
    private func wait(_ cluster: KeptCluster, local state: [String], until holds: (JSONValue) -> Bool) async throws {
        while true {
            let status = try await muster(["agent", "status", "--output", "json"] + state)
            if status.status == 0, holds(try JSONValue(parsing: status.output.utf8)) { return }
            try Task.checkCancellation()
        }
    }
}
