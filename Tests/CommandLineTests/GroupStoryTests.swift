import ClusterModel
import Testing

@Suite("Groups and real machines, through the real binary", .timeLimit(.minutes(3)))
struct GroupStoryTests {
    @Test func `a moved machine serves the other group's certificate, whatever it is called`() async throws {
        try await KeptCluster.with(machines: 2) { cluster in
            let address = try await cluster.address(of: "mx2")
            let before = try await cluster.witness(address)
            try await expectMoved(cluster, address, from: before)
            try await expectRenamed(cluster)
            try await expectDeleted(cluster, address, before)
            try await expectLimited(cluster)
        }
    }

    private func expectMoved(_ cluster: KeptCluster, _ address: String, from before: String) async throws {
        try await cluster.succeed(["group", "add", "us"])
        try await cluster.succeed(["cert", "create", "mail", "--group", "us", "--common-name", "us.example.com"])
        try await cluster.succeed(["commit", "--wait"])
        let preview = try await cluster.json(["machine", "move", "mx2", "--group", "us", "--preview"])
        let service = preview["machines"]?.items?.first?["services"]?.items?.first { $0["service"]?.text == "listener/public" }
        #expect(service?["before"]?["fingerprint"]?.text == before)
        let announced = try #require(service?["after"]?["fingerprint"]?.text)
        #expect(announced != before)
        #expect(try await cluster.witness(address) == before)

        let moved = try await cluster.succeed(["machine", "move", "mx2", "--group", "us", "--wait", "--timeout", "60s"])
        #expect(moved.contains("Moved mx2 from the group main to us."))
        #expect(moved.contains("it gets changed: certificates/mail"))
        #expect(moved.contains("mx2: proved"))
        #expect(try await cluster.witness(address) == announced)
        let machine = try await machine("mx2", cluster)
        #expect(machine?["state"]?.text == "synced" && machine?["group"]?.text == "us")
        let listener = machine?["services"]?.items?.first { $0["service"]?.text == "listener/public" }
        #expect(listener?["fingerprint"]?.text == announced && listener?["served"]?.text == announced)
        #expect(try await self.machine("mx1", cluster)?["state"]?.text == "synced")
        #expect(try await cluster.succeed(["machine", "show", "mx2"]).contains("applied at"))
    }

    private func expectRenamed(_ cluster: KeptCluster) async throws {
        let taken = try await cluster.run(["machine", "rename", "mx2", "MX1"])
        #expect(taken.status == 1 && taken.error.contains("could be taken for it"))
        try await cluster.succeed(["machine", "rename", "mx2", "edge"])
        let machine = try await machine("edge", cluster)
        #expect(machine?["state"]?.text == "synced" && machine?["ownName"]?.text == "mx2")
        #expect(try await cluster.run(["machine", "show", "mx2"]).status == 1)
        let status = try await muster(["agent", "status", "--state-dir", "\(cluster.directory)/mx2"])
        #expect(status.status == 0 && status.output.contains("mx2") && !status.output.contains("edge"))
        try await cluster.succeed(["group", "rename", "us", "americas"])
        #expect(try await cluster.json(["machine", "list"]).items?.compactMap { $0["group"]?.text }.sorted() == ["americas", "main"])
    }

    private func expectDeleted(_ cluster: KeptCluster, _ address: String, _ before: String) async throws {
        let refused = try await cluster.run(["group", "delete", "americas"])
        #expect(refused.status == 1 && refused.error.contains("muster machine move edge --group main"))
        try await cluster.succeed(["machine", "move", "edge", "--group", "main", "--wait", "--timeout", "60s"])
        #expect(try await cluster.witness(address) == before)
        let deleted = try await cluster.succeed(["group", "delete", "americas"])
        #expect(deleted.contains("Deleted the group americas.") && deleted.contains("mail"))
        let kinds = try await cluster.json(["audit", "list"]).items?.compactMap { $0["kind"]?.text } ?? []
        #expect(
            kinds.suffix(5) == ["machine-moved", "machine-renamed", "group-renamed", "machine-moved", "group-deleted"])
        #expect(try await cluster.run(["audit", "verify"]).status == 0)
    }

    private func expectLimited(_ cluster: KeptCluster) async throws {
        try await cluster.succeed(["group", "add", "eu"])
        let oli = try await cluster.admit("oli", role: "operator", group: "main")
        #expect(try await oli.json(["whoami"])["group"]?.text == "main")
        try await oli.succeed(["destination", "set", "own.example", "--tls", "required", "--group", "main"])
        for place in [["--cluster"], ["--group", "eu"]] {
            let refused = try await oli.run(["destination", "set", "own.example", "--tls", "none"] + place)
            #expect(refused.status == 1 && refused.error.contains("oli is operator in the group main only"), "\(refused.error)")
        }
        try await oli.succeed(["commit", "--wait", "--timeout", "60s"])
    }

    private func machine(_ name: String, _ cluster: KeptCluster) async throws -> JSONValue? {
        try await cluster.json(["machine", "list"]).items?.first { $0["name"]?.text == name }
    }
}
