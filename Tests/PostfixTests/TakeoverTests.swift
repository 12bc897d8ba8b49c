import Certificates
import ClusterModel
import Foundation
import Gateways
import Glibc
import NIOCore
import NIOPosix
import PostfixFixtures
import SMTPFixtures
import Subprocess
import SystemPackage
import Testing

/// Only services at port 25 are adopted; a mail server that runs here may have it at all addresses. CI has none, and fails if it has.
private let hasPort25 =
    unsafe getenv("CI") != nil
    || (try? ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton).bind(host: "127.0.0.25", port: 25).wait().close().wait()) != nil

/// A Postfix made by hand is adopted by the real binary and taken over: whoever sends to it sees no difference.
@Suite(
    "A Postfix that is there is taken over", .timeLimit(.minutes(2)), .enabled(if: PostfixLab.isPossible, "Postfix obeys root only"),
    .enabled(if: hasPort25, "port 25 is taken on this machine"))
struct TakeoverTests {
    /// What a sender finds at one address.
    private struct Found: Equatable {
        /// The answer to EHLO, without the name.
        var extensions: Set<String> = []
        var leaf: Digest?
        /// The answers to a recipient: without TLS, with it, and with a certificate of the sender's own. Nil for a session that ends.
        var clear: String?
        var encrypted: String?
        var known: String?
    }

    private struct Hand {
        var lab: PostfixLab
        var client: TestCertificate
        var addresses: [String] { [1, 3, 4, 5].map { "\(lab.network).\($0)" } }
    }

    /// The address of each service is in the order of `addresses`: preferred, required, with clients' certificates, and without TLS.
    private func write(_ hand: Hand, _ issuer: Issuer) throws {
        let (root, addresses) = (hand.lab.root, hand.addresses)
        func put(_ text: String, _ name: String) throws { try hand.lab.put(text, name) }
        let (first, second) = (try issuer.issue("mx1.example.com"), try issuer.issue("mx2.example.com"))
        try put(first.chain, "mx1.crt")
        try put(first.key, "mx1.key")
        try put(second.key + second.chain, "mx2.pem")
        try put(try issuer.list.pem, "partners.pem")
        try put("bank.example secure match=nexthop\nother.example none\n", "etc/policy")
        let processes = try PostfixBase().processes.map(\.text).joined()
        let services = [
            "\(addresses[0]):smtp inet n - n - - smtpd -o message_size_limit=54321",
            "\(addresses[1]):25 inet n - n - - smtpd -o smtpd_tls_security_level=encrypt -o smtpd_tls_chain_files=\(root)/mx2.pem",
            "\(addresses[2]):25 inet n - n - - smtpd -o smtpd_tls_security_level=encrypt -o smtpd_tls_req_ccert=yes",
            "\(addresses[3]):25 inet n - n - - smtpd -o { smtpd_tls_security_level = none }",
            "\(addresses[0]):2587 inet n - n - - smtpd -o smtpd_tls_security_level=encrypt",
        ]
        try put(processes + services.joined(separator: "\n") + "\n", "etc/master.cf")
        try put((hand.lab.read("etc/main.cf") ?? "") + main(root), "etc/main.cf")
    }

    private func main(_ root: String) -> String {
        """
        myhostname = mx1.example.com
        smtpd_tls_cert_file = \(root)/mx1.crt
        smtpd_tls_key_file = \(root)/mx1.key
        smtpd_tls_CAfile = \(root)/partners.pem
        smtpd_tls_security_level = may
        smtp_tls_security_level = may
        smtp_tls_CAfile = $smtpd_tls_CAfile
        smtp_tls_policy_maps = texthash:\(root)/etc/policy

        """
    }

    private func see(_ hand: Hand, _ address: String) async throws -> Found {
        var found = Found()
        func answer(secured: Bool, showing client: TestCertificate?) async throws -> String? {
            let peer = try await Peer.connect(to: address, port: 25, from: "\(hand.lab.network).2")
            defer { peer.channel.close(promise: nil) }
            if secured {
                found.leaf = try await peer.secure(showing: client)
            } else {
                _ = try await peer.reply()
                found.extensions = Set(try await peer.say("EHLO client.example").dropFirst().map { String($0.dropFirst(4)) })
            }
            for command in ["MAIL FROM:<a@sender.test>", "RCPT TO:<u@inbound.test>"] {
                let reply = try await peer.say(command).last ?? ""
                if !reply.hasPrefix("250") { return String(reply.prefix(3)) }
            }
            return "250"
        }
        found.clear = try await answer(secured: false, showing: nil)
        guard found.extensions.contains("STARTTLS") else { return found }
        // A session may end in the place of an answer.
        found.encrypted = try? await answer(secured: true, showing: nil)
        found.known = try? await answer(secured: true, showing: hand.client)
        return found
    }

    private func see(_ hand: Hand) async throws -> [Found] {
        var found: [Found] = []
        for address in hand.addresses { found.append(try await see(hand, address)) }
        return found
    }

    @Test func `a Postfix that is adopted shows the same certificates under the same policies at the same addresses`() async throws {
        try await PostfixLab.with { lab in
            let issuer = try Issuer("Partners")
            let hand = Hand(lab: lab, client: try issuer.issue("mta.partner.test"))
            try write(hand, issuer)
            #expect(await lab.postfix("start"))
            let before = try await see(hand)
            #expect(before.map(\.clear) == ["250", "530", "530", "250"])
            #expect(before[0].leaf != nil && before[1].leaf != before[0].leaf && before[3].leaf == nil)
            #expect(before[2].encrypted != "250" && before[2].known == "250")
            let state = "\(lab.root)/state"
            let adopt = ["agent", "adopt", "--state-dir", state, "--gateway-option", "config-dir=\(lab.configuration)"]
            let preview = try await muster(adopt + ["--preview", "--output", "json"])
            #expect(preview.isFine && preview.output.contains("\"problems\" : [\n\n  ]"), "\(preview)")
            #expect(!FileManager.default.fileExists(atPath: state))
            let adopted = try await muster(adopt + ["--name", "mx1"])
            #expect(adopted.isFine && adopted.output.contains("agent run --state-dir \(state)"), "\(adopted)")
            #expect(try await see(hand) == before)
            let agent = ["agent", "run", "--state-dir", state]
            let after = try await during(agent, until: "muster agent ready") { try await see(hand) }
            expect(try #require(after), before)
            #expect(lab.names(in: "etc/original") == ["main.cf", "master.cf"])
            let policies = lab.read("etc/current/destinations.texthash")
            #expect(policies == "bank.example secure match=nexthop\nother.example none\n")
            let again = try await muster(adopt + ["--preview"])
            #expect(!again.isFine && again.error.contains("Muster drives the Postfix of \(lab.configuration) already"), "\(again)")
            let twice = try await muster(adopt + ["--name", "mx1"])
            #expect(!twice.isFine && twice.error.contains("There is a machine in \(state) already"), "\(twice)")
            let leaf = try #require(before[0].leaf)
            let joined = try await inCluster(madeFrom: state, below: lab.root, losing: leaf) {
                try await during(agent, until: "muster agent ready") {
                    try await synced(below: lab.root)
                    return try await see(hand)
                }
            }
            expect(try #require(joined ?? nil), before)
        }
    }

    @Test func `what is in the way of adopting is said with what to do, and nothing is made`() async throws {
        try await PostfixLab.with { lab in
            let state = "\(lab.root)/state"
            let adopt = ["agent", "adopt", "--state-dir", state, "--name", "mx1", "--gateway-option"]
            func refused(_ directory: String) async throws -> String {
                let run = try await muster(adopt + ["config-dir=\(directory)"])
                #expect(!run.isFine && !FileManager.default.fileExists(atPath: state), "\(run)")
                return run.error
            }
            #expect(try await refused("\(lab.root)/none").contains("is not a directory"))
            #expect(try await refused("\(lab.root)/queue").contains("There is no main.cf that can be read in \(lab.root)/queue"))
            #expect(try await refused(lab.configuration).contains("There is no master.cf"))
            let master = "\(lab.address):25 inet n - n - - smtpd -o smtpd_tls_security_level=encrypt\n"
            try lab.put(master, "etc/master.cf")
            let main = (lab.read("etc/main.cf") ?? "") + "smtp_tls_policy_maps = hash:/none\nsmtpd_tls_cert_file = /none.pem\n"
            try lab.put(main, "etc/main.cf")
            let words = try await refused(lab.configuration)
            #expect(
                words.contains("main.cf: smtp_tls_policy_maps: hash:/none: open database /none.db: No such file or directory"), "\(words)")
            #expect(words.contains("main.cf: smtpd_tls_cert_file: /none.pem: there is no such file"), "\(words)")
            #expect(try await muster(adopt + ["config-dir=\(lab.configuration)", "--preview"]).isFine)
        }
    }

    /// A sender without a certificate that is needed hears why, where its session just ended before. All else is the same.
    private func expect(_ after: [Found], _ before: [Found]) {
        var wanted = before
        #expect(after.count == 4)
        wanted[2].encrypted = "554"
        #expect(after == wanted)
    }

    // MARK: - The binary

    private var binary: FilePath {
        // Where there is no such link, nothing runs, and the test says so.
        let tests = (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")) ?? ""
        return FilePath(URL(filePath: tests).deletingLastPathComponent().appending(path: "muster").path())
    }

    private func muster(_ arguments: [String]) async throws -> (isFine: Bool, output: String, error: String) {
        let result = try await run(
            .path(binary), arguments: Arguments(arguments), output: .string(limit: 1 << 20), error: .string(limit: 1 << 20))
        return (result.terminationStatus.isSuccess, result.standardOutput, result.standardError)
    }

    /// Starts a process, runs the body when it says that it is ready, and ends it.
    private func during<Result: Sendable>(
        _ arguments: [String], until ready: String, _ body: () async throws -> Result
    ) async throws -> Result? {
        try await run(.path(binary), arguments: Arguments(arguments), input: .none, output: .sequence, error: .discarded) {
            execution -> Result? in
            defer { kill(execution.processIdentifier.value, SIGTERM) }
            for try await line in execution.standardOutput.strings() where line.contains(ready) { return try await body() }
            return nil
        }.closureResult
    }

    // MARK: - The cluster

    /// Runs a cluster that began with a machine's settings and that the machine has joined, and the body in it.
    private func inCluster<Result: Sendable>(
        madeFrom state: String, below root: String, losing leaf: Digest, _ body: () async throws -> Result
    ) async throws -> Result? {
        let made = try await muster([
            "manager", "init", "--name", "acme", "--data-dir", "\(root)/manager", "--from", state, "--admin-listen", "127.0.0.1:0",
            "--member-listen", "127.0.0.1:0",
        ])
        #expect(made.isFine && made.output.contains("listeners/public"), "\(made)")
        return try await during(["manager", "run", "--data-dir", "\(root)/manager"], until: "muster manager ready") {
            let invited = try await muster(["invite", "--profile", "\(root)/manager/admin.profile.json"])
            let invitation = invited.output.trimmingCharacters(in: .whitespacesAndNewlines)
            let joined = try await muster(["agent", "join", invitation, "--state-dir", state, "--accept-loss", "--output", "json"])
            // What is lost is named by the certificate that was adopted.
            #expect(joined.isFine && joined.output.contains(leaf.hex), "\(joined)")
            return try await body()
        }
    }

    /// Asks until the machine has proved what the cluster holds for it; the test's time limit ends it.
    private func synced(below root: String) async throws {
        while true {
            let list = try await muster(["machine", "list", "--profile", "\(root)/manager/admin.profile.json", "--output", "json"])
            if list.output.contains("\"state\" : \"synced\"") { return }
        }
    }
}

extension PostfixLab {
    /// Writes a file below its directory that is old: Postfix's programs wait until one is older than a second.
    fileprivate func put(_ text: String, _ path: String) throws {
        try text.write(toFile: "\(root)/\(path)", atomically: false, encoding: .utf8)
        let then = Date(timeIntervalSince1970: 1_000_000)
        try FileManager.default.setAttributes([.modificationDate: then], ofItemAtPath: "\(root)/\(path)")
    }
}
