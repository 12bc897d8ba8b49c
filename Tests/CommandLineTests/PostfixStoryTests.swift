import Certificates
import ClusterModel
import FoundationEssentials
import Glibc
import Subprocess
import SystemPackage
import Testing

enum RealPostfix {
    /// Whether this process may run Postfix. In CI it is tried, and fails if it cannot be.
    static var isPossible: Bool {
        // As said above.
        unsafe getenv("CI") != nil || geteuid() == 0 && FileManager.default.isExecutableFile(atPath: "/usr/sbin/postfix")
    }
}

// Serialized: each is a fleet of processes.
@Suite(
    "Machines that run Postfix, through the real binary", .serialized, .timeLimit(.minutes(3)),
    .enabled(if: RealPostfix.isPossible, "Postfix obeys root only"))
struct PostfixStoryTests {
    private static let names = ["mx1", "mx2", "mx3"]

    @Test func `a certificate that expired is noticed, renewed for the fleet, and seen on every wire; what Postfix cannot do is refused`()
        async throws
    {
        var directory = ""
        try await KeptCluster.with(machines: PostfixStoryTests.names.count, gateway: "postfix") { cluster in
            directory = cluster.directory
            try await expectRefused(cluster)
            let expired = try await expire("mx2", cluster)
            let renewed = try await renew(cluster)
            #expect(renewed != expired)
            try await expectServed(renewed, cluster)
            let over = try await cluster.wait(for: ["alert", "list", "--all"]) { answer in
                answer.items?.first { $0["machine"] == "mx2" && $0["severity"] == "error" && $0["cleared"] != nil }
            }
            #expect(over["fingerprint"]?.text == expired)
        }
        #expect(try processes(about: directory).isEmpty, "the demo's own words for ending it leave something running")
        #expect(!FileManager.default.fileExists(atPath: directory))
    }

    /// Nothing is changed by a commit that a Postfix cannot do: neither what is committed, nor what is in force, nor what is served.
    private func expectRefused(_ cluster: KeptCluster) async throws {
        let before = try await cluster.json(["machine", "list"])
        let (effective, changed) = (["effective", "mx2"], ["--output", "json"])
        let settings = try await cluster.succeed(effective + changed)
        let address = try await cluster.address(of: "mx2")
        let served = try await cluster.witness(address)
        let edits: [(command: [String], reasons: [String])] = [
            (
                ["interface", "set", "data1", "--machine", "mx2", "--https-certificate", "mail"],
                ["machine mx2 (postfix): interfaces/data1: it has HTTPS, and Postfix has none"]
            ),
            (
                ["listener", "set", "public", "--sender-group", "NAMED=plaintext:.partner.example"],
                PostfixStoryTests.names.map {
                    "machine \($0) (postfix): listeners/public: the sender group NAMED has host names, and its policy plaintext does not offer TLS"
                }
            ),
        ]
        for edit in edits {
            try await cluster.succeed(edit.command)
            let refused = try await cluster.run(["commit", "--wait"])
            #expect(refused.status == 1)
            for reason in edit.reasons { #expect(refused.error.contains(reason), "\(refused.error)") }
            #expect(try await cluster.json(["changes"]).items?.count == 1)
            try await cluster.succeed(["discard"])
        }
        #expect(try await cluster.succeed(effective + changed) == settings)
        #expect(try await cluster.witness(address) == served)
        let revisions = { (list: JSONValue) in list.items?.map { [$0["name"], $0["state"], $0["appliedRevision"]] } }
        #expect(revisions(try await cluster.json(["machine", "list"])) == revisions(before))
    }

    /// One machine gets a certificate of its own that expired; answers its fingerprint once the watch has said so.
    private func expire(_ machine: String, _ cluster: KeptCluster) async throws -> String {
        let old = try makeSelfSigned(
            SelfSignedRequest(commonName: "\(machine).example.com", days: 30), now: Timestamp(Date()).adding(seconds: -40 * 86_400))
        let (chain, key) = ("\(cluster.directory)/expired.pem", "\(cluster.directory)/expired.key")
        try old.chain.pem.write(toFile: chain, atomically: false, encoding: .utf8)
        try old.key.pem.write(toFile: key, atomically: false, encoding: .utf8)
        let expired = old.chain.facts[0].fingerprint.hex
        let imported = try await cluster.succeed(["cert", "import", "mail", "--machine", machine, "--pem", chain, "--key", key])
        #expect(imported.contains("error expired:"))
        try await cluster.succeed(["commit", "-m", "What was lying about", "--wait"])
        // Postfix serves it without a word, so that it is proved like any other.
        #expect(try await cluster.witness(try await cluster.address(of: machine)) == expired)
        let alert = try await cluster.wait(for: ["alert", "list"]) { answer in
            answer.items?.first { $0["severity"] == "error" }
        }
        #expect(alert["machine"]?.text == machine && alert["code"] == "certificate-expiring", "\(alert)")
        #expect(alert["fingerprint"]?.text == expired)
        let what = "The certificate mail at machine/\(machine), which delivery, listener/public on \(machine) use, expired at "
        #expect(try await cluster.succeed(["alert", "list"]).contains(what))
        return expired
    }

    /// The cluster's certificate anew, for the machine with one of its own as well; answers the new fingerprint.
    private func renew(_ cluster: KeptCluster) async throws -> String {
        let hosts = PostfixStoryTests.names.flatMap { ["--san", "\($0).example.com"] }
        let renew = ["cert", "renew", "mail", "--with", "mail-next", "--common-name", "mail.example.com", "--days", "398"] + hosts
        let careful = try await cluster.run(renew)
        #expect(careful.status == 1 && careful.error.contains("--include-overrides") && careful.error.contains("  - mx2"))
        let renewed = try await cluster.succeed(renew + ["--include-overrides", "--retire"])
        for machine in PostfixStoryTests.names { #expect(renewed.contains("\(machine): proved (delivery, listener/public)"), "\(renewed)") }
        try await cluster.succeed(["cert", "delete", "mail", "--machine", "mx2"])
        let commit = try await cluster.json(["commit", "-m", "Without its own", "--wait"])
        #expect(commit["proved"]?.items?.compactMap(\.text) == PostfixStoryTests.names)
        return try #require(try await cluster.json(["cert", "show", "mail-next"])["fingerprint"]?.text)
    }

    /// Every wire shows it: to openssl, and to the machines' own handshakes, on which the manager says that they are synced.
    private func expectServed(_ fingerprint: String, _ cluster: KeptCluster) async throws {
        let machines = try await cluster.json(["status"])["machines"]?.items ?? []
        #expect(machines.compactMap { $0["name"]?.text } == PostfixStoryTests.names)
        for machine in machines {
            let name = try #require(machine["name"]?.text)
            let listener = machine["services"]?.items?.first { $0["service"] == "listener/public" }
            #expect(machine["state"] == "synced" && listener?["fingerprint"]?.text == fingerprint, "\(machine)")
            #expect(listener?["served"]?.text == fingerprint)
            #expect(try await cluster.witness(try await cluster.address(of: name)) == fingerprint)
            let log = try String(contentsOfFile: "\(cluster.directory)/\(name)-postfix/log", encoding: .utf8)
            #expect(log.contains("postfix/public/smtpd") && log.contains("TLS connection established"))
        }
        #expect(try await cluster.json(["alert", "list"]).items?.filter { $0["severity"] == "error" } == [])
    }

    // MARK: - The demo

    @Test func `an interrupted demo leaves no Postfix, no other process and no file`() async throws {
        var directory = ""
        let run = try await Subprocess.run(
            .path(FilePath(musterBinary.path())), arguments: ["demo", "--machines", "2", "--gateway", "postfix"], input: .none,
            output: .sequence, error: .discarded
        ) { execution in
            for try await line in execution.standardOutput.strings() {
                if let start = line.ranges(of: " in /").first, let end = line.ranges(of: "/manager.").first {
                    directory = String(line[line.index(before: start.upperBound)..<end.lowerBound])
                }
                guard line.contains("Committing the settings") else { continue }
                // The worst moment: one Postfix is being started, and nobody has seen it serve yet.
                let logs = ["mx1", "mx2"].map { "\(directory)/\($0)-postfix/log" }
                while !logs.contains(where: FileManager.default.fileExists) { await Task.yield() }
                kill(execution.processIdentifier.value, SIGINT)
            }
        }
        #expect(run.terminationStatus == .exited(128 + SIGINT))
        #expect(directory.contains("/muster-demo-"), "\(directory)")
        #expect(try processes(about: directory).isEmpty)
        #expect(!FileManager.default.fileExists(atPath: directory))
    }

    @Test func `without Postfix or root the demo says what is missing and how to get it`() async throws {
        let demo = "exec \(musterBinary.path()) demo --gateway postfix"
        let hidden = try await Subprocess.run(
            .name("unshare"), arguments: ["-m", "sh", "-c", "mount --bind /dev/null /usr/sbin/postmap && \(demo)"],
            output: .string(limit: 1 << 16), error: .string(limit: 1 << 16))
        #expect(hidden.terminationStatus == .exited(1) && hidden.standardOutput.isEmpty)
        #expect(hidden.standardError.contains("/usr/sbin has no postmap. Install the package: apt-get install postfix"))
        #expect(!hidden.standardError.contains("obeys root"))
        // In a name space where nobody has a number, the process is not root's any more.
        let other = try await Subprocess.run(
            .name("unshare"), arguments: ["-U", "sh", "-c", demo], output: .string(limit: 1 << 16), error: .string(limit: 1 << 16))
        #expect(other.terminationStatus == .exited(1) && other.standardOutput.isEmpty)
        #expect(other.standardError.contains("Postfix obeys root only. Run the demo as root: sudo "), "\(other.standardError)")
        try await withScratch { place in
            try FileManager.default.setAttributes([.posixPermissions: 0o700], ofItemAtPath: place)
            let closed = try await muster(["demo", "--gateway", "postfix"], environment: ["TMPDIR": place])
            #expect(closed.status == 1 && closed.error.contains("Name another: TMPDIR=/tmp"), "\(closed.error)")
        }
    }

    /// Processes that were started in a directory's cause: it stands in their arguments or their environment.
    private func processes(about directory: String) throws -> [String] {
        try #require(directory.hasPrefix("/"))
        return try FileManager.default.contentsOfDirectory(atPath: "/proc").filter { process in
            guard Int32(process) != nil else { return false }
            return ["cmdline", "environ"].contains { file in
                // One that ended meanwhile has neither.
                let bytes = FileManager.default.contents(atPath: "/proc/\(process)/\(file)") ?? Data()
                return String(decoding: bytes, as: UTF8.self).contains(directory)
            }
        }
    }
}
