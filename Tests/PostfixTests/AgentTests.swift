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

    private func served(_ lab: PostfixLab) async throws -> Digest {
        let peer = try await Peer.connect(to: lab.address, from: "\(lab.network).2")
        let leaf = try await peer.secure()
        await peer.close()
        return leaf
    }
}
