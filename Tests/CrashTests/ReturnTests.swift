import AdminClient
import AdminContract
import ClusterModel
import FoundationEssentials
import MemberAgent
import Subprocess
import SystemPackage
import Testing

/// Joining in all its forms, going away and coming back, through the real binary.
@Suite("Machines found clusters, join, go and return", .timeLimit(.minutes(3)))
struct ReturnTests {
    @Test func `removed with an archive, joined again and restored, a machine serves its own certificate again`() async throws {
        try await CrashCluster.with { cluster in
            try await cluster.makeMachine("mx1")
            try await cluster.withManager { client in
                try await cluster.join("mx1", client)
                try await cluster.submitListener(client)
                for level in [Level.cluster, .machine("mx1")] {
                    let request = SelfSignedRequest(commonName: "\(level.kind).example.com")
                    _ = try await client.createCertificate(
                        CertificateCreation(level: level, name: "mail", request: request, replace: false))
                }
                _ = try await client.commit(CommitRequest(comment: "settings"))
                try await cluster.withAgent("mx1") {
                    try await cluster.synced("mx1", client)
                    let own = try #require(try await cluster.served(by: "mx1"))
                    #expect(
                        try await cluster.muster(["machine", "remove", "mx1", "--preview"]).contains("muster machine remove mx1 --archive"))
                    #expect(try await cluster.muster(["machine", "remove", "mx1", "--archive"]).contains("muster machine restore mx1"))
                    try await cluster.standalone("mx1")
                    #expect(try await cluster.served(by: "mx1") == own)

                    try await cluster.join("mx1", client)
                    try await cluster.synced("mx1", client)
                    let theirs = try await cluster.served(by: "mx1")
                    #expect(theirs != own, "the documented loss, until somebody asks")
                    #expect(try await cluster.muster(["machine", "archives"]).contains("mx1"))
                    #expect(try await cluster.muster(["machine", "restore", "mx1"]).contains("certificates/mail  put back"))
                    #expect(try await cluster.served(by: "mx1") == theirs, "nothing is committed")
                    #expect(try await cluster.muster(["commit", "--wait"]).contains("mx1"))
                    #expect(try await cluster.served(by: "mx1") == own)
                }
                try await expectKeyAndBackup(cluster)
            }
        }
    }

    /// The key that came back can be exported, and a backup carries the archive with it.
    private func expectKeyAndBackup(_ cluster: CrashCluster) async throws {
        let (password, file, backup) = ("\(cluster.directory)/pw", "\(cluster.directory)/own.p12", "\(cluster.directory)/backup")
        try "secret\n".write(toFile: password, atomically: true, encoding: .utf8)
        _ = try await cluster.muster(["cert", "export", "mail", "--machine", "mx1", "--pkcs12", file, "--password-file", password])
        #expect(FileManager.default.fileExists(atPath: file))
        try await Muster.succeed(["manager", "backup", backup, "--data-dir", cluster.data])
        let restored = "\(cluster.directory)/restored"
        try await Muster.succeed(["manager", "restore", backup, "--data-dir", restored, "--master-key", "\(cluster.data).key"])
        try await Muster.succeed(["manager", "verify", "--data-dir", restored, "--master-key", "\(cluster.data).key"])
        let archives = try JSONValue(parsing: try await cluster.muster(["machine", "archives", "--output", "json"]).utf8).items ?? []
        let id = try #require(archives.first?["id"]?.text)
        #expect(try await cluster.muster(["machine", "forget", String(id.prefix(6))]).contains("Forgot the archive \(id) of mx1"))
        #expect(try await cluster.muster(["audit", "list"]).contains("forgot the archive \(id) of mx1"))
    }

    @Test func `a cluster that is made from a machine gives it the very certificates that it served`() async throws {
        try await CrashCluster.with { cluster in
            let own = try await cluster.makeStandalone("mx2")
            let before = try contents(of: cluster.state(of: "mx2"))
            let data = "\(cluster.directory)/founded"
            let made = try await Muster.succeed([
                "manager", "init", "--name", "founded", "--data-dir", data, "--admin-listen", "\(cluster.network).2:0",
                "--member-listen", "\(cluster.network).2:0", "--from", cluster.state(of: "mx2"),
            ])
            #expect(
                made.contains("listeners/own") && made.contains("interfaces/data1") && made.contains("certificates/demo: the cluster has"))
            #expect(made.contains("muster agent join - --state-dir \(cluster.state(of: "mx2"))"))
            #expect(try contents(of: cluster.state(of: "mx2")) == before, "the machine is as it was")
            #expect(!String(decoding: try Data(contentsOf: URL(filePath: "\(data)/muster.db")), as: UTF8.self).contains("PRIVATE KEY"))

            let manager = try await Server(["manager", "run", "--data-dir", data], log: "\(cluster.directory)/manager.log")
            try await cluster.ending(manager) {
                try #require(await manager.isReady())
                try await AdminClient.with(Profile(file: "\(data)/admin.profile.json")) { client in
                    try await cluster.join("mx2", client)
                    #expect(try await client.changes().isEmpty)
                    try await cluster.withAgent("mx2") {
                        try await cluster.synced("mx2", client)
                        #expect(try await cluster.served(by: "mx2") == own)
                    }
                }
            }
            // A member's settings are its cluster's: no second one begins with them.
            let second = try await Muster.run([
                "manager", "init", "--name", "second", "--data-dir", "\(cluster.directory)/second", "--from", cluster.state(of: "mx2"),
            ])
            #expect(second.ending == .exited(1) && second.error.contains("is a member of founded, not standalone"), "\(second.error)")
            #expect(!FileManager.default.fileExists(atPath: "\(cluster.directory)/second"))
        }
    }

    @Test func `with an administrator's profile a machine lets itself in, also after it was killed on the way`() async throws {
        try await CrashCluster.with { cluster in
            try await cluster.makeMachine("mx1")
            let profile = "\(cluster.data)/admin.profile.json"
            try await cluster.withManager { client in
                _ = try await client.addGroup("eu")
                _ = try await client.addUser("oli", role: .operator)
                let operators = "\(cluster.directory)/oli.json"
                try await client.createToken(TokenRequest(user: "oli", expiresSeconds: 600)).profile.fileContent
                    .write(toFile: operators, atomically: true, encoding: .utf8)
                let join = ["agent", "join", "--group", "eu", "--state-dir", cluster.state(of: "mx1"), "--profile"]
                let refused = try await Muster.run(join + [operators])
                #expect(refused.ending == .exited(1) && refused.error.contains("oli is operator"), "\(refused.error)")
                #expect(refused.error.contains("muster invite --machine mx1"))
                let missing = try await Muster.run([
                    "agent", "join", "--group", "us", "--state-dir", cluster.state(of: "mx1"), "--profile", profile,
                ])
                #expect(missing.ending == .exited(1) && missing.error.contains("There is no group \"us\""), "\(missing.error)")

                // The manager has let it in, and it does not know: the same command brings it to its end.
                #expect(try await Muster.run(join + [profile], failpoint: "send:join:1:after").isKilled)
                try await cluster.wait(for: "mx1 to be let in") { try await client.machines().map(\.name) == ["mx1"] }
                try await Muster.succeed(join + [profile])
                #expect(try await client.machines().map(\.group) == ["eu"])
                let token = try Profile(file: profile).token
                for (path, content) in try contents(of: cluster.state(of: "mx1")) {
                    #expect(!String(decoding: content, as: UTF8.self).contains(token), "\(path) holds the token")
                }
                #expect(try await client.audit(Page()).last { $0.kind == "invitation-created" }?.summary.contains("for mx1 to eu") == true)
            }
        }
    }

    @Test func `a machine that waits gets in with the key that was approved, by itself or asked again`() async throws {
        try await CrashCluster.with { cluster in
            for machine in ["mx1", "mx2"] { try await cluster.makeMachine(machine) }
            try await cluster.withManager { client in
                func invitation() async throws -> String { try await cluster.muster(["invite", "--approval"]) }
                func join(_ machine: String) -> [String] { ["agent", "join", "-", "--state-dir", cluster.state(of: machine)] }
                func request(_ machine: String) async throws -> Digest? {
                    try await client.joinRequests().first { $0.machine == machine }?.fingerprint
                }
                let first = try await invitation()
                let waits = try await Muster.run(join("mx1"), input: first)
                #expect(waits.ending == .exited(1) && waits.error.contains("waits to be let in"), "\(waits.error)")
                let key = try #require(try await request("mx1"))
                #expect(waits.error.contains("\(key)"))
                #expect(try await cluster.muster(["machine", "requests"]).contains("\(key)"))
                #expect(try await Muster.run(join("mx1"), input: first).error.contains("\(key)"), "it keeps its key")
                #expect(try await cluster.muster(["machine", "approve", "mx1", "--fingerprint", key.short]).contains("Approved mx1"))
                #expect(try await Muster.succeed(join("mx1"), input: first).contains("Joined the group main"))

                let second = try await invitation()
                async let waiting = Muster.run(join("mx2") + ["--wait"], input: second)
                try await cluster.wait(for: "mx2 to ask") { try await request("mx2") != nil }
                let other = try #require(try await request("mx2"))
                _ = try await cluster.muster(["machine", "approve", "mx2", "--fingerprint", other.hex])
                #expect(try await waiting.isDone)
                #expect(try await client.machines().map(\.name) == ["mx1", "mx2"])
            }
        }
    }

    @Test func `a copy of a removed machine's disk is told that this is over, and gets nothing`() async throws {
        try await CrashCluster.with { cluster in
            try await cluster.makeMachine("mx1")
            try await cluster.withManager { client in
                try await cluster.join("mx1", client)
                try await cluster.submitListener(client)
                let old = try await cluster.renew("mx1", number: 1, client)
                try await cluster.withAgent("mx1") { try await cluster.synced("mx1", client) }
                try cluster.keep("mx1")
                _ = try await client.removeMachine("mx1")
                let request = SelfSignedRequest(commonName: "mail.example.com")
                _ = try await client.createCertificate(CertificateCreation(level: .cluster, name: "mail", request: request, replace: true))
                _ = try await client.commit(CommitRequest(comment: "for others"))
                // The machine itself was away, and hears of it when it connects again.
                for isCopy in [false, true] {
                    if isCopy { try cluster.restore("mx1") }
                    try await cluster.withAgent("mx1") {
                        try await cluster.standalone("mx1")
                        #expect(try await cluster.served(by: "mx1") == old)
                    }
                    let status = try #require(try cluster.disk(of: "mx1").status())
                    #expect(status.reasons.contains { $0.contains("removed from the cluster by admin") }, "\(status.reasons)")
                    #expect(try cluster.disk(of: "mx1").membershipFacts() == nil)
                    let settings = try cluster.disk(of: "mx1").current().generation?.settings
                    let mail = try settings?[.certificates, "mail"].map { try CertificateSetting($0.value) }
                    #expect(mail?.leaf?.fingerprint == old.fingerprint)
                }
                #expect(try await client.machines().isEmpty)
            }
        }
    }

    @Test func `a machine that has missed a renewal leaves the old key behind as well, and that is said`() async throws {
        try await CrashCluster.with { cluster in
            try await cluster.makeMachine("mx1")
            try await cluster.withManager { client in
                try await cluster.join("mx1", client)
                try await cluster.submitListener(client)
                let old = try await cluster.renew("mx1", number: 1, client)
                try await cluster.withAgent("mx1") { try await cluster.synced("mx1", client) }
                let new = try await cluster.renew("mx1", number: 2, client)
                func left() async throws -> Set<Digest> { Set(try await client.loss(removing: "mx1").keysLeftBehind.map(\.fingerprint)) }
                #expect(try await left() == [old.fingerprint, new.fingerprint])
                try await cluster.withAgent("mx1") { try await cluster.synced("mx1", client) }
                #expect(try await left() == [new.fingerprint])
                #expect(try await client.removeMachine("mx1").loss.keysLeftBehind.map(\.services) == [["listener/public"]])
            }
        }
    }

    @Test(arguments: ["yes", "no", "y"])
    func `on a terminal the loss is shown and asked about, and only yes joins`(_ word: String) async throws {
        try await CrashCluster.with { cluster in
            let own = try await cluster.makeStandalone("mx2")
            try await cluster.withManager { client in
                let invitation = try await client.invite(InvitationRequest(group: nil, expiresSeconds: 3600)).invitation
                let file = "\(cluster.directory)/invitation"
                try invitation.write(toFile: file, atomically: true, encoding: .utf8)
                let command = "\(Muster.binary) agent join --invitation-file \(file) --state-dir \(cluster.state(of: "mx2"))"
                // It gives the command a terminal of its own and types what it reads.
                let run = try await Subprocess.run(
                    .name("script"), arguments: ["--quiet", "--return", "--command", command, "/dev/null"],
                    environment: Muster.environment(),
                    input: .string("\(word)\n"), output: .string(limit: 1 << 20), error: .discarded)
                let shown = run.standardOutput
                #expect(shown.contains("Lost certificates, with their keys"), "\(shown)")
                #expect(shown.contains(own.fingerprint.short) && shown.contains("listener/own") && shown.contains("mailFlowPolicies: own"))
                #expect(shown.contains("interfaces/data1") && shown.contains("Join and lose this?"))
                #expect(run.terminationStatus == .exited(word == "yes" ? 0 : 1))
                #expect(try await client.machines().map(\.name) == (word == "yes" ? ["mx2"] : []))
                // Not asked and not told, nothing is given up; the refusal names what it would be.
                guard word != "yes" else { return }
                let refused = try await Muster.run(["agent", "join", "-", "--state-dir", cluster.state(of: "mx2")], input: invitation)
                #expect(refused.ending == .exited(1) && refused.error.contains("--accept-loss") && refused.error.contains("until 20"))
                #expect(refused.error.contains("\(own.fingerprint)"))
            }
        }
    }

    /// Every file below a directory, but those of the lock.
    private func contents(of directory: String) throws -> [String: Data] {
        var files: [String: Data] = [:]
        for path in try FileManager.default.subpathsOfDirectory(atPath: directory) {
            files[path] = try? Data(contentsOf: URL(filePath: "\(directory)/\(path)"))  // a folder has none
        }
        return files
    }
}

extension CrashCluster {
    /// What `muster` prints to the administrator.
    fileprivate func muster(_ arguments: [String]) async throws -> String {
        try await Muster.succeed(arguments + ["--profile", "\(data)/admin.profile.json"])
    }
}
