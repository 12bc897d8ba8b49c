import FoundationEssentials
import Glibc
import Subprocess
import SystemPackage
import Testing

/// What the unit with its drop-in allows, by means that need no systemd: a user who is nobody, without a capability, on a system of which
/// only the state directory can be written to.
@Suite(
    "An agent that is not root's", .timeLimit(.minutes(1)),
    .enabled(if: ProcessInfo.processInfo.environment["CI"] != nil || geteuid() == 0, "only root can be somebody else"))
struct UnprivilegedAgentTests {
    private static let settings = """
        settings:
          cluster:
            mailFlowPolicies: { open: { tls: preferred } }
            listeners: { public: { interface: data1, port: 2525, certificate: demo, defaultPolicy: open } }

        """
    private static let user = "65534"

    @Test(arguments: ["embedded", "directory"])
    func `it is made, serves or lays out what it is given, and writes nowhere else`(_ gateway: String) async throws {
        try await withScratch { place in
            // The binary's own directory may be closed to others.
            try Data().write(to: URL(filePath: "\(place)/muster"))
            try FileManager.default.createDirectory(atPath: "\(place)/state", withIntermediateDirectories: false)
            let document = "\(place)/settings.yaml"
            try UnprivilegedAgentTests.settings.write(toFile: document, atomically: false, encoding: .utf8)
            try #require(unsafe chown("\(place)/state", uid_t(UnprivilegedAgentTests.user) ?? 0, 65534) == 0)
            try #require(unsafe chmod("\(place)/state", 0o700) == 0)
            let address = "127.\(Int.random(in: 16...250)).\(Int.random(in: 1...250)).11"
            let (state, files) = ("\(place)/state/agent", "\(place)/state/files")
            var new = [
                "agent", "init", "--state-dir", state, "--name", "mx1", "--hostname", "mx1.example.com", "--interface", "data1=\(address)",
                "--gateway", gateway,
            ]
            if gateway == "directory" { new += ["--gateway-option", "path=\(files)", "--gateway-option", "prove=no"] }
            for command in [new, ["agent", "apply", "--state-dir", state, "-f", document]] {
                let run = try await Subprocess.run(
                    .name("unshare"), arguments: Arguments(confined(command, in: place)), output: .string(limit: 1 << 16),
                    error: .string(limit: 1 << 16))
                try #require(run.terminationStatus.isSuccess, "\(run.standardError)")
            }
            let agent = try await Subprocess.run(
                .name("unshare"), arguments: Arguments(confined(["agent", "run", "--state-dir", state], in: place)), input: .none,
                output: .sequence, error: .discarded
            ) { execution in
                defer { kill(execution.processIdentifier.value, SIGTERM) }
                for try await line in execution.standardOutput.strings() where line.contains("muster agent ready") {
                    gateway == "embedded" ? try await expectServed(address) : try expectLaidOut(files)
                    let status = try String(contentsOfFile: "/proc/\(execution.processIdentifier.value)/status", encoding: .utf8)
                    #expect(status.contains("\nUid:\t65534\t65534\t65534\t65534\n") && status.contains("\nCapBnd:\t0000000000000000\n"))
                    return true
                }
                return false
            }
            #expect(agent.closureResult && agent.terminationStatus.isSuccess)
        }
    }

    /// A command as somebody who may nothing; what is not below the state directory cannot be written to.
    private func confined(_ command: [String], in place: String) -> [String] {
        let script = """
            mount --bind \(musterBinary.path()) \(place)/muster && mount --bind \(place)/state \(place)/state && \
            mount -o remount,bind,ro / && exec setpriv --reuid \(UnprivilegedAgentTests.user) --regid 65534 --clear-groups \
            --no-new-privs --inh-caps=-all --bounding-set=-all \(place)/muster "$@"
            """
        return ["-m", "sh", "-c", script, "sh"] + command
    }

    private func expectServed(_ address: String) async throws {
        let shown = try await Subprocess.run(
            .name("openssl"), arguments: ["s_client", "-starttls", "smtp", "-connect", "\(address):2525"], input: .string("QUIT\r\n"),
            output: .string(limit: 1 << 20), error: .discarded)
        #expect(shown.standardOutput.contains("BEGIN CERTIFICATE"))
    }

    private func expectLaidOut(_ files: String) throws {
        let key = "\(files)/current/certificates/demo/key.pem"
        #expect(try String(contentsOfFile: key, encoding: .utf8).contains("PRIVATE KEY"))
        let mode = try FileManager.default.attributesOfItem(atPath: key)[.posixPermissions] as? Int
        #expect(mode == 0o600)
    }
}
