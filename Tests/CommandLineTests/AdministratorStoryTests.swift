import AdminClient
import ClusterModel
import FoundationEssentials
import Glibc
import Testing

@Suite("Two administrators and real machines, through the real binary", .timeLimit(.minutes(3)))
struct AdministratorStoryTests {
    @Test func `they disagree, decide, look back, roll back and are told what every machine serves`() async throws {
        try await KeptCluster.with(machines: 2) { ann in
            let bob = try await ann.admit("bob", role: "operator")
            try await expectRoles(ann, bob)
            try await expectDecisions(ann, bob)
            try await expectReplacedAndRolledBack(ann, bob)
            try await expectAbsenceIsNamed(ann)
            try await expectRemovedUserIsNobody(ann, bob)
        }
    }

    /// Who may only look changes nothing; who may commit lets nobody in.
    private func expectRoles(_ ann: KeptCluster, _ bob: KeptCluster) async throws {
        let rita = try await ann.admit("rita", role: "read-only")
        #expect(try await rita.run(["status"]).status == 0)
        let edit = try await rita.run(["destination", "set", "x.example", "--tls", "none"])
        #expect(edit.status == 1)
        #expect(edit.error.contains("rita is read-only, and this needs the role operator"))
        #expect(try await bob.run(["invite"]).error.contains("needs the role administrator"))
        let last = try await ann.run(["user", "remove", "admin"])
        #expect(last.status == 1 && last.error.contains("the only administrator"))
    }

    /// One takes the other's version, one keeps hers; what nobody else touched goes through.
    private func expectDecisions(_ ann: KeptCluster, _ bob: KeptCluster) async throws {
        for entry in ["default", "bank.example"] {
            try await ann.succeed(["destination", "set", entry, "--tls", "required"])
            try await bob.succeed(["destination", "set", entry, "--tls", "none"])
        }
        try await bob.succeed(["destination", "set", "own.example", "--tls", "required"])
        try await ann.succeed(["commit", "-m", "Encrypt", "--wait"])
        let refused = try await bob.run(["commit", "-m", "Do not"])
        #expect(refused.status == 1)
        #expect(refused.error.contains("admin set it to tls=required in revision 4"))
        #expect(refused.error.contains("you set it to tls=none"))
        #expect(refused.error.contains("muster changes --keep destinations/default --cluster"))
        #expect(!refused.error.contains("own.example"))
        let shown = try await bob.succeed(["changes"])
        #expect(shown.contains("At cluster") && shown.contains("it was: tls=preferred"))
        #expect(shown.contains("A commit would be refused until you decided on the 2 conflicts above."))
        try await bob.succeed(["changes", "--keep", "destinations/default", "--cluster"])
        try await bob.succeed(["discard", "destinations/bank.example"])
        let commit = try await bob.json(["commit", "-m", "Do not", "--wait"])
        #expect(commit["revision"] == 5)
        #expect(commit["proved"] == ["mx1", "mx2"])
        #expect(try await bob.succeed(["changes"]).isEmpty)
        let set = try await ann.json(["show", "destinations"]).items ?? []
        #expect(set.map { $0["value"]?["tls"]?.text } == ["required", "none", "required"])
    }

    /// What is announced by fingerprint is what openssl sees, forth and back again.
    private func expectReplacedAndRolledBack(_ ann: KeptCluster, _ bob: KeptCluster) async throws {
        let address = try await ann.address(of: "mx2")
        let first = try await ann.witness(address)
        try await bob.succeed(["cert", "create", "mail", "--common-name", "mail.example.com", "--replace"])
        let preview = try await bob.json(["changes", "--preview"])
        let impact = preview["machines"]?.items?.first { $0["machine"] == "mx2" }
        let service = impact?["services"]?.items?.first { $0["service"] == "listener/public" }
        #expect(service?["before"]?["fingerprint"]?.text == first)
        let announced = try #require(service?["after"]?["fingerprint"]?.text)
        #expect(
            try await bob.succeed(["changes"]).contains(
                "mx1, mx2: listener/public will serve mail (\(announced.prefix(12))) instead of \(first.prefix(12))"))
        let refused = try await bob.run(["rollback", "5"])
        #expect(refused.status == 1 && refused.error.contains("1 uncommitted edit"))
        try await bob.succeed(["commit", "--wait"])
        #expect(try await ann.witness(address) == announced)

        let diff = try await ann.succeed(["diff", "head", "3"])
        #expect(diff.contains("Changed destinations/bank.example\n    tls: required → required-verify"))
        #expect(diff.contains("Unset: destinations/own.example"))
        // In revision 3, the former membership of mx1 had a certificate of its own.
        let rollback = try await ann.json(["rollback", "3", "-m", "As it was", "--wait"])
        #expect(rollback["revision"] == 7)
        #expect(rollback["proved"] == ["mx1", "mx2"])
        #expect(rollback["leftOut"] == [["level": "machine/mx1", "reason": "ended", "entries": ["certificates/mail"]]])
        for machine in ["mx1", "mx2"] { #expect(try await ann.witness(try await ann.address(of: machine)) == first) }
        let newest = try await ann.json(["history", "--limit", "1"]).items?.first
        #expect(newest?["kind"] == "rollback" && newest?["author"] == "admin")
        let missing = try await ann.run(["rollback", "99"])
        #expect(missing.status == 1 && missing.error.contains("There is no revision 99: the newest is 7"))
    }

    /// A machine that is not there is named, with the reason, and does not count as done.
    private func expectAbsenceIsNamed(_ ann: KeptCluster) async throws {
        let agent = try #require(
            ann.processes.first { process in
                let words = (try? Data(contentsOf: URL(filePath: "/proc/\(process)/cmdline"))) ?? Data()
                return String(decoding: words, as: UTF8.self).contains("/mx1")
            })
        kill(agent, SIGKILL)
        try await ann.succeed(["destination", "set", "late.example", "--tls", "required"])
        // The manager sees the connection end at once, or while it waits.
        let run = try await ann.run(["commit", "--wait", "--timeout", "20s"])
        #expect(run.status == 0, "\(run.error)")
        #expect(run.output.contains("mx1: absent: it has no connection, last seen 20"))
        #expect(run.output.contains("Proved by 1 of 2 machines. Missing: mx1 (offline)"))
        let shown = try await ann.json(["machine", "show", "mx1"])
        #expect(shown["lastApplied"]?["revision"] == 7 && shown["targetRevision"] == 8)
        #expect(shown["lastRejected"] == .null)
    }

    private func expectRemovedUserIsNobody(_ ann: KeptCluster, _ bob: KeptCluster) async throws {
        try await bob.succeed(["destination", "set", "never.example", "--tls", "none"])
        #expect(try await ann.succeed(["user", "remove", "bob"]).contains("1 token ended; 1 uncommitted change went"))
        let run = try await bob.run(["status"])
        #expect(run.status == 1 && run.error.contains("no valid bearer token"))
        let kinds = try await ann.json(["audit", "list"]).items?.compactMap { $0["kind"]?.text } ?? []
        #expect(kinds.filter { $0.hasPrefix("user-") } == ["user-added", "user-added", "user-removed"])
        #expect(try await ann.run(["audit", "verify"]).status == 0)
    }
}

extension KeptCluster {
    /// The same cluster as another user sees it, who is added for that.
    func admit(_ user: String, role: String, group: String? = nil) async throws -> KeptCluster {
        try await succeed(["user", "add", user, "--role", role] + (group.map { ["--group", $0] } ?? []))
        let file = "\(directory)/\(user).profile.json"
        try await succeed(["token", "create", "--user", user, "--expires", "1h"]).write(toFile: file, atomically: true, encoding: .utf8)
        return KeptCluster(directory: directory, profile: try Profile(file: file), processes: [])
    }

    func run(_ arguments: [String]) async throws -> Run {
        try await muster(arguments, profile: profile)
    }

    /// Runs one command that must succeed; answers what it printed.
    @discardableResult
    func succeed(_ arguments: [String]) async throws -> String {
        let run = try await run(arguments)
        try #require(run.status == 0, "\(arguments): \(run.error)\(run.output)")
        return run.output
    }
}
