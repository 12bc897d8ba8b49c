import AdminClient
import Certificates
import ClusterModel
import FoundationEssentials
import Glibc
import MailFixtures
import Subprocess
import SystemPackage
import Testing

/// The demo's cluster, left running: a manager and agents as processes of their own. Ended with the test.
struct KeptCluster {
    let directory: String
    let profile: Profile
    let processes: [Int32]

    /// Runs the demo, which is itself the first half of the story: it ends with 0 only if every step was seen to hold. Afterwards the
    /// cluster is ended as the demo says.
    static func with(
        machines: Int, gateway: String = "embedded", environment: [String: String] = [:], _ body: (KeptCluster) async throws -> Void
    ) async throws {
        let run = try await muster(["demo", "--machines", "\(machines)", "--gateway", gateway, "--keep"], environment: environment)
        try #require(run.status == 0, "\(run.output)\(run.error)")
        let lines = run.output.split(separator: "\n").map { $0.drop { $0 == " " } }
        let export = try #require(lines.first { $0.hasPrefix("export MUSTER_PROFILE=") })
        let end = String(try #require(lines.first { $0.hasPrefix("kill ") }))
        let parts = end.dropFirst("kill ".count).split(separator: ";")
        let cluster = KeptCluster(
            directory: String(try #require(parts.last?.split(separator: " ").last)),
            profile: try Profile(file: String(export.dropFirst("export MUSTER_PROFILE=".count))),
            processes: parts[0].split(separator: " ").compactMap { Int32($0) })
        do {
            try await body(cluster)
        } catch {
            await cluster.end(as: end)
            throw error
        }
        await cluster.end(as: end)
    }

    private func end(as said: String) async {
        _ = try? await Subprocess.run(.path("/bin/sh"), arguments: ["-c", said], output: .discarded, error: .discarded)
        // What a process wrote while the files were removed.
        try? FileManager.default.removeItem(atPath: directory)
    }

    func json(_ arguments: [String]) async throws -> JSONValue {
        let run = try await muster(arguments + ["--output", "json"], profile: profile)
        try #require(run.status == 0, "\(run.error)")
        return try JSONValue(parsing: run.output.utf8)
    }

    /// The SHA-256 fingerprint that openssl computes of what a listener serves.
    func witness(_ address: String) async throws -> String {
        let shown = try await openssl(["s_client", "-starttls", "smtp", "-connect", "\(address):2525"], input: "QUIT\r\n")
        let printed = try await openssl(["x509", "-noout", "-fingerprint", "-sha256"], input: shown)
        let digits = try #require(printed.split(separator: "=").last)
        return digits.filter(\.isHexDigit).lowercased()
    }

    func openssl(_ arguments: [String], input: String) async throws -> String {
        try await Subprocess.run(
            .name("openssl"), arguments: Arguments(arguments), input: .string(input), output: .string(limit: 1 << 20), error: .discarded
        ).standardOutput
    }

    func address(of machine: String) async throws -> String {
        let entry = try await json(["effective", machine, "interfaces/data1"])
        return try #require(entry.items?.first?["value"]?["address"]?.text)
    }
}

@Suite("A story through the real binary", .timeLimit(.minutes(3)))
struct StoryTests {
    @Test func `openssl sees on every listener what the machine list names, and no secret is left lying about`() async throws {
        try await KeptCluster.with(machines: 3) { cluster in
            let machines = try #require(try await cluster.json(["machine", "list"]).items)
            #expect(machines.count == 3)
            for machine in machines {
                let name = try #require(machine["name"]?.text)
                #expect(machine["state"]?.text == "synced")
                let listener = machine["services"]?.items?.first { $0["service"]?.text == "listener/public" }
                let seen = try await cluster.witness(try await cluster.address(of: name))
                #expect(listener?["fingerprint"]?.text == seen)
                #expect(listener?["served"]?.text == seen)
            }
            #expect(try await muster(["audit", "verify"], profile: cluster.profile).status == 0)
            try expectNoSecrets(in: cluster)
            try await expectClientsAreVerified(cluster)
            try await expectNamesAreCompared(cluster)
            try await expectMembersStayMembers(cluster)
            try await expectStolenIdentityIsWorthNothing(cluster)
            try await expectLeaveKeepsServing(cluster)
        }
    }

    /// Logs and the manager's files hold no key in the clear, and no token outside the profile.
    private func expectNoSecrets(in cluster: KeptCluster) throws {
        let manager = try FileManager.default.contentsOfDirectory(atPath: "\(cluster.directory)/manager").map { "manager/\($0)" }
        let logs = try FileManager.default.contentsOfDirectory(atPath: cluster.directory).filter { $0.hasSuffix(".log") }
        #expect(logs.count == 4)
        for name in manager + logs where !name.hasSuffix("profile.json") {
            let bytes = try Data(contentsOf: URL(filePath: "\(cluster.directory)/\(name)"))
            let text = String(decoding: bytes, as: UTF8.self)
            #expect(!text.contains("PRIVATE KEY"), "\(name) holds a private key")
            #expect(!text.contains(cluster.profile.token), "\(name) holds the token")
        }
    }

    /// A sender's certificate is good while a list that the machine gets has its root.
    private func expectClientsAreVerified(_ cluster: KeptCluster) async throws {
        let now = Timestamp(Date())
        let root = try ClusterAuthority.create(clusterID: "partner", clusterName: "Partner", now: now)
        let key = try PrivateKey.generate(.ecdsaP256)
        let chain = try root.issue(.manager("sender"), for: key, names: [], lifetimeDays: 1, now: now)
        for (name, text) in [("root", root.certificatePEM), ("sender", chain.pem), ("key", key.pem)] {
            try text.write(toFile: "\(cluster.directory)/partner-\(name).pem", atomically: true, encoding: .utf8)
        }
        let address = try await cluster.address(of: "mx1")
        func commit(_ edit: [String]) async throws -> String {
            let edited = try await muster(edit, profile: cluster.profile)
            #expect(edited.status == 0, "\(edited.error)")
            #expect(try await muster(["commit", "--wait", "--timeout", "60s"], profile: cluster.profile).status == 0)
            return try await cluster.openssl(
                [
                    "s_client", "-starttls", "smtp", "-connect", "\(address):2525", "-quiet", "-cert",
                    "\(cluster.directory)/partner-sender.pem",
                    "-key", "\(cluster.directory)/partner-key.pem",
                ], input: "EHLO sender.example\r\nMAIL FROM:<>\r\nQUIT\r\n")
        }
        #expect(try await commit(["policy", "set", "accepted", "--verify-client-certificate"]).contains("550 5.7.1"))
        #expect(try await commit(["authority", "add", "partner-root", "\(cluster.directory)/partner-root.pem"]).contains("250 2.1.0"))
        #expect(try await commit(["hide", "authority/partner-root", "--machine", "mx1"]).contains("550 5.7.1"))
    }

    /// MX records, interfaces and certificates are compared with what a real DNS server says; the demo's certificate is for another name.
    private func expectNamesAreCompared(_ cluster: KeptCluster) async throws {
        let address = try await cluster.address(of: "mx1")
        let records = [
            "--local=/example.com/", "--mx-host=example.com,mx1.example.com,10", "--host-record=mx1.example.com,\(address)",
            "--mx-host=mail.example.com,mx4.example.com,10",
        ]
        try await DNSMasq.with(records) { resolver in
            let command = ["cert", "check", "--resolver", "\(resolver)", "--domain"]
            let json = try await muster(command + ["example.com", "--output", "json"], profile: cluster.profile)
            #expect(json.status == 1, "\(json.error)")
            let line = try #require(try JSONValue(parsing: json.output.utf8)["lines"]?.items?.first)
            #expect(line["disagreeing"] == ["certificate"] && line["addresses"] == [.string(address)])
            #expect(line["served"] == line["fingerprint"])
            let table = try await muster(command + ["mail.example.com"], profile: cluster.profile)
            #expect(
                table.status == 1 && table.output.contains("No machine has an interface of the name mx4.example.com"), "\(table.output)")
            let missing = try await muster(command + ["missing.example.com"], profile: cluster.profile)
            #expect(missing.status == 1 && missing.error.contains("NXDOMAIN") && missing.output.isEmpty)
            let elsewhere = try await muster(
                ["cert", "check", "--domain", "example.com", "--resolver", "\(address):25"], profile: cluster.profile)
            #expect(elsewhere.status == 1 && elsewhere.error.contains("nothing listens there"), "\(elsewhere.error)")
        }
    }

    /// A machine that is a member cannot join again, whatever its directory is called.
    private func expectMembersStayMembers(_ cluster: KeptCluster) async throws {
        let invitation = try await muster(["invite"], profile: cluster.profile).output
        try FileManager.default.copyItem(atPath: "\(cluster.directory)/mx2", toPath: "\(cluster.directory)/clone")
        let join = try await muster(
            ["agent", "join", "-", "--state-dir", "\(cluster.directory)/clone", "--accept-loss"], input: invitation)
        #expect(join.status == 1)
        // The refusal consumed nothing.
        let preview = try await muster(
            ["agent", "join", "-", "--state-dir", "\(cluster.directory)/mx2", "--preview"], input: invitation)
        #expect(preview.status == 1 || preview.output.contains("Would join"))
    }

    /// After the removal, a copy of the machine's disk is no member any more, and a used invitation helps nobody.
    private func expectStolenIdentityIsWorthNothing(_ cluster: KeptCluster) async throws {
        let thief = "\(cluster.directory)/thief"
        try FileManager.default.copyItem(atPath: "\(cluster.directory)/mx3", toPath: thief)
        let before = try await cluster.witness(try await cluster.address(of: "mx3"))
        let address = try await cluster.address(of: "mx3")
        #expect(try await muster(["machine", "remove", "mx3"], profile: cluster.profile).status == 0)
        #expect(try await cluster.json(["machine", "list"]).items?.count == 2)
        #expect(try await cluster.witness(address) == before)
        // The copy believes that it is a member; asked, the manager says that this is over; then it needs an invitation like anybody.
        let used = try await muster(["invite"], profile: cluster.profile).output
        let join = try await muster(["agent", "join", "-", "--state-dir", thief, "--accept-loss"], input: used)
        #expect(join.status == 0, "\(join.error)")
        let again = try await muster(
            [
                "agent", "join", "-", "--state-dir", "\(cluster.directory)/other", "--name", "mx9", "--hostname", "mx9.example.com",
                "--interface", "data1=127.0.0.9",
            ], input: used)
        #expect(again.status == 1)
        #expect(again.error.contains("has been used"))
    }

    /// Leaving needs no manager, and what is served stays the same.
    private func expectLeaveKeepsServing(_ cluster: KeptCluster) async throws {
        let address = try await cluster.address(of: "mx2")
        let before = try await cluster.witness(address)
        let leave = try await muster(["agent", "leave", "--state-dir", "\(cluster.directory)/mx2"])
        #expect(leave.status == 0)
        #expect(leave.output.contains("membership remains"))
        #expect(try await cluster.witness(address) == before)
    }
}
