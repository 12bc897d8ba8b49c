import ClusterModel
import FoundationEssentials
import Glibc
import Subprocess
import SystemPackage
import Testing

/// CI must have nginx: there it is tried, and fails if it cannot.
private let hasNginx = unsafe getenv("CI") != nil || FileManager.default.isExecutableFile(atPath: "/usr/sbin/nginx")

@Suite(
    "Machines with other gateways, through the real binary", .timeLimit(.minutes(3)),
    .enabled(if: hasNginx, "nginx is not installed"))
struct OtherGatewayStoryTests {
    @Test func `a certificate reaches nginx and a hook, and its successor; what nginx cannot do is not committed`() async throws {
        try await KeptCluster.with(machines: 2) { cluster in
            let mail = try await cluster.address(of: "mx1")
            let network = mail.split(separator: ".").prefix(3).joined(separator: ".")
            let (web, told) = ("\(network).77", "\(cluster.directory)/told")
            defer { endNginx(of: cluster) }
            try write("#!/bin/sh\nopenssl x509 -in certificates/mail/chain.pem -noout -fingerprint -sha256 >> \(told)\n", to: cluster.hook)
            try await join(cluster, "web1", "web=\(web)", "nginx", ["config-dir=\(cluster.directory)/nginx"])
            try await join(
                cluster, "dir1", "data1=\(network).78", "directory",
                ["path=\(cluster.directory)/files", "hook=\(cluster.hook)", "prove=no"])
            try await withAgents(cluster, ["web1", "dir1"]) {
                try await cluster.succeed(
                    ["interface", "set", "web", "--machine", "web1", "--https-port", "8443", "--https-certificate", "mail"])
                try await cluster.succeed(["commit", "--wait", "--timeout", "60s"])
                let first = try await expectServed(cluster, mail, web, told)
                try await cluster.succeed(["cert", "create", "mail", "--common-name", "new.example.com", "--replace"])
                try await cluster.succeed(["commit", "--wait", "--timeout", "60s"])
                let second = try await expectServed(cluster, mail, web, told)
                #expect(second != first)
                try await cluster.succeed(
                    ["interface", "set", "data1", "--machine", "web1", "--hostname", "web1.example.com", "--address", web])
                let refused = try await cluster.run(["commit"])
                #expect(refused.status == 1 && refused.error.contains("web1"), "\(refused.error)")
                #expect(refused.error.contains("it takes mail, and nginx serves HTTPS only"), "\(refused.error)")
                #expect(try await fingerprint(cluster, of: web) == second)
            }
        }
    }

    /// The certificate that mail, nginx and the hook have alike.
    private func expectServed(_ cluster: KeptCluster, _ mail: String, _ web: String, _ told: String) async throws -> String {
        let served = try await cluster.witness(mail)
        #expect(try await fingerprint(cluster, of: web) == served)
        let lines = try String(contentsOfFile: told, encoding: .utf8).split(separator: "\n")
        #expect(digits(String(lines.last ?? "")) == served)
        return served
    }

    private func fingerprint(_ cluster: KeptCluster, of address: String) async throws -> String {
        let shown = try await cluster.openssl(["s_client", "-connect", "\(address):8443"], input: "")
        return digits(try await cluster.openssl(["x509", "-noout", "-fingerprint", "-sha256"], input: shown))
    }

    private func digits(_ printed: String) -> String {
        (printed.split(separator: "=").last ?? "").filter(\.isHexDigit).lowercased()
    }

    private func join(
        _ cluster: KeptCluster, _ name: String, _ interface: String, _ gateway: String, _ options: [String]
    ) async throws {
        let invitation = try await cluster.succeed(["invite"])
        let joined = try await muster(
            [
                "agent", "join", "-", "--state-dir", "\(cluster.directory)/\(name)", "--name", name, "--hostname", "\(name).example.com",
                "--interface", interface, "--gateway", gateway,
            ] + options.flatMap { ["--gateway-option", $0] }, input: invitation)
        try #require(joined.status == 0, "\(joined.error)")
    }

    /// Runs a body beside running agents.
    private func withAgents(_ cluster: KeptCluster, _ names: [String], _ body: () async throws -> Void) async throws {
        guard let name = names.first else { return try await body() }
        _ = try await Subprocess.run(
            .path(FilePath(musterBinary.path())), arguments: ["agent", "run", "--state-dir", "\(cluster.directory)/\(name)"],
            input: .none, output: .sequence, error: .discarded
        ) { execution in
            defer { kill(execution.processIdentifier.value, SIGTERM) }
            for try await line in execution.standardOutput.strings() where line.contains("muster agent ready") {
                return try await withAgents(cluster, Array(names.dropFirst()), body)
            }
            throw Refusal(.unavailable, "the agent \(name) ended")
        }
    }

    private func write(_ script: String, to file: String) throws {
        try script.write(toFile: file, atomically: false, encoding: .utf8)
        try FileManager.default.setAttributes([.posixPermissions: 0o700], ofItemAtPath: file)
    }

    private func endNginx(of cluster: KeptCluster) {
        let text = FileManager.default.contents(atPath: "\(cluster.directory)/nginx/run/nginx.pid") ?? Data()
        if let id = pid_t(String(decoding: text, as: UTF8.self).prefix { $0.isNumber }) { kill(id, SIGTERM) }
    }
}

extension KeptCluster {
    fileprivate var hook: String { "\(directory)/hook" }
}
