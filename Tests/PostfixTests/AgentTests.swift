import ClusterModel
import Foundation
import Glibc
import PostfixFixtures
import SMTPFixtures
import Subprocess
import SystemPackage
import Testing

/// The real binary on a real Postfix.
@Suite(
    "An agent drives Postfix", .timeLimit(.minutes(2)), .enabled(if: PostfixLab.isPossible, "Postfix obeys root only"))
struct AgentTests {
    private static let settings = """
        settings:
          cluster:
            mailFlowPolicies: { open: { tls: preferred } }
            listeners: { public: { interface: data1, port: 2525, certificate: demo, defaultPolicy: open } }
        """

    private var binary: FilePath {
        // Where there is no such link, nothing runs, and the test says so.
        let tests = (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")) ?? ""
        return FilePath(URL(filePath: tests).deletingLastPathComponent().appending(path: "muster").path())
    }

    private func muster(_ arguments: [String]) async throws -> (isFine: Bool, error: String) {
        let result = try await run(
            .path(binary), arguments: Arguments(arguments), output: .discarded, error: .string(limit: 1 << 20))
        return (result.terminationStatus.isSuccess, result.standardError)
    }

    @Test func `a machine is made for Postfix, serves through it, and Postfix goes on when the agent ends`() async throws {
        try await PostfixLab.with { lab in
            let (state, document) = ("\(lab.root)/state", "\(lab.root)/settings.yaml")
            try AgentTests.settings.write(toFile: document, atomically: false, encoding: .utf8)
            let new = [
                "agent", "init", "--state-dir", state, "--name", "mx1", "--hostname", "mx1.example.com", "--interface",
                "data1=\(lab.address)", "--gateway", "postfix",
            ]
            let nameless = try await muster(new)
            #expect(!nameless.isFine && nameless.error.contains("--gateway-option config-dir=/etc/postfix"))
            let made = try await muster(new + ["--gateway-option", "config-dir=\(lab.configuration)"])
            #expect(made.isFine, "\(made.error)")
            let applied = try await muster(["agent", "apply", "--state-dir", state, "-f", document])
            #expect(applied.isFine, "\(applied.error)")
            let agent = try await run(
                .path(binary), arguments: ["agent", "run", "--state-dir", state], input: .none, output: .sequence, error: .discarded
            ) { execution -> Digest? in
                defer { kill(execution.processIdentifier.value, SIGTERM) }
                for try await line in execution.standardOutput.strings() where line.contains("muster agent ready") {
                    return try await served(lab)
                }
                return nil
            }
            #expect(agent.terminationStatus.isSuccess)
            #expect(try await served(lab) == agent.closureResult)
        }
    }

    @Test func `an agent that is set up to mends what somebody did to Postfix`() async throws {
        try await PostfixLab.with { lab in
            let (state, document) = ("\(lab.root)/state", "\(lab.root)/settings.yaml")
            try AgentTests.settings.write(toFile: document, atomically: false, encoding: .utf8)
            let new = [
                "agent", "init", "--state-dir", state, "--name", "mx1", "--hostname", "mx1.example.com", "--interface",
                "data1=\(lab.address)", "--gateway", "postfix", "--gateway-option", "config-dir=\(lab.configuration)",
            ]
            for arguments in [new, ["agent", "apply", "--state-dir", state, "-f", document]] {
                let done = try await muster(arguments)
                #expect(done.isFine, "\(done.error)")
            }
            _ = try await run(
                .path(binary), arguments: ["agent", "run", "--state-dir", state, "--mend-drift"],
                environment: .inherit.updating(["MUSTER_LOOK_SECONDS": "1"]), input: .none, output: .sequence, error: .discarded
            ) { execution in
                defer { kill(execution.processIdentifier.value, SIGTERM) }
                for try await line in execution.standardOutput.strings() where line.contains("muster agent ready") {
                    let before = try FileManager.default.destinationOfSymbolicLink(atPath: "\(state)/current")
                    try "# by hand\n".write(toFile: "\(lab.configuration)/gen/1/main.cf", atomically: false, encoding: .utf8)
                    try await lab.until("the file is put right, and that is proved") {
                        try FileManager.default.destinationOfSymbolicLink(atPath: "\(state)/current") != before
                    }
                    #expect(lab.read("etc/main.cf")?.contains("Made by Muster") == true)
                    #expect(lab.read("etc/replaced/main.cf.1") == "# by hand\n")
                    try await lab.until("nothing is wrong") { lab.read("state/status.json")?.contains(#""reasons":[]"#) == true }
                    try lab.killMaster()
                    // It waits a minute before it mends again, and says so.
                    try await lab.until("it is said") { lab.read("state/status.json")?.contains("Postfix does not run") == true }
                    #expect(lab.read("state/status.json")?.contains("it was mended once and changed again") == true)
                    return
                }
            }
        }
    }

    private func served(_ lab: PostfixLab) async throws -> Digest {
        let peer = try await Peer.connect(to: lab.address, from: "\(lab.network).2")
        let leaf = try await peer.secure()
        await peer.close()
        return leaf
    }
}
