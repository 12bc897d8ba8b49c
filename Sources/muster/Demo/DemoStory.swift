import ClusterFixtures
import ClusterModel
import Gateways
import NIOPosix

import FoundationEssentials

/// What the demo does, step by step. Each step is said, done, and seen to hold.
struct DemoStory {
    let cluster: DemoCluster

    func tell() async throws {
        try await bringUp()
        try await join()
        let first = try await commitDocument()
        let second = try await changeCertificate(from: first)
        let own = try await override(second)
        try await removeAndReturn(own: own, cluster: second)
        say("Everything was seen to hold.")
    }

    // MARK: - First half: one edit, followed

    private func bringUp() async throws {
        say("Making a cluster: a manager with its own certificate authority, in \(cluster.directory)/manager.")
        try await cluster.succeed([
            "manager", "init", "--name", "demo", "--data-dir", "\(cluster.directory)/manager", "--admin-listen", "127.0.0.1:0",
            "--member-listen", "127.0.0.1:0",
        ])
        try await cluster.start("manager", ["manager", "run", "--data-dir", "\(cluster.directory)/manager"])
    }

    private func join() async throws {
        for machine in cluster.machines {
            var options = ["--gateway", cluster.gateway.rawValue]
            var means = ""
            if cluster.gateway == .postfix {
                let instance = cluster.postfix(of: machine)
                try instance.layOut(for: machine.name)
                options += ["--gateway-option", "config-dir=\(instance.configuration)"]
                means = ", with a Postfix of its own in \(instance.directory)"
            }
            say(
                "Inviting \(machine.name): the invitation is single-use, expires, and pins the cluster's authority. It joins and serves on \(machine.address)\(means)."
            )
            try await invite(machine, options)
            try await cluster.start(machine.name, ["agent", "run", "--state-dir", machine.state])
        }
    }

    private func invite(_ machine: DemoCluster.Machine, _ gateway: [String]) async throws {
        let invitation = try await cluster.succeed(["invite"])
        try await cluster.succeed(
            [
                "agent", "join", "-", "--state-dir", machine.state, "--name", machine.name, "--hostname", "\(machine.name).example.com",
                "--interface", "data1=\(machine.address)",
            ] + gateway, input: invitation)
    }

    private func commitDocument() async throws -> String {
        say("Committing the settings of demo.yaml: a self-signed certificate \"mail\", a listener on every machine, who must use TLS.")
        let file = "\(cluster.directory)/demo.yaml"
        try ClusterFixtures.demo.write(toFile: file, atomically: true, encoding: .utf8)
        try await cluster.succeed(["apply", "-f", file])
        try await cluster.succeed(["commit", "-m", "The demo's settings", "--wait", "--timeout", "60s"])
        return try await everyMachineServes("after the first commit")
    }

    private func changeCertificate(from first: String) async throws -> String {
        say("Replacing the certificate \"mail\" and committing: no session is dropped, and every machine must prove the new one.")
        try await cluster.succeed(["cert", "create", "mail", "--common-name", "mail.example.com", "--days", "90", "--replace"])
        try await cluster.succeed(["commit", "-m", "A new certificate", "--wait", "--timeout", "60s"])
        let second = try await everyMachineServes("after the second commit")
        try require(second != first, "the certificate that is served did not change")
        return second
    }

    // MARK: - Second half: leaving, returning, and the documented loss

    private func override(_ fleet: String) async throws -> String {
        let machine = cluster.machines[0]
        say("Overriding \"mail\" on \(machine.name) alone with a machine-level certificate.")
        try await cluster.succeed(["cert", "create", "mail", "--machine", machine.name, "--common-name", "\(machine.name).example.com"])
        try await cluster.succeed(["commit", "-m", "Its own certificate for \(machine.name)", "--wait", "--timeout", "60s"])
        let seen = try await look("with the override on \(machine.name)")
        let own = seen[machine.name] ?? ""
        try require(own != fleet, "\(machine.name) does not serve its own certificate")
        try require(seen.filter { $0.key != machine.name }.values.allSatisfy { $0 == fleet }, "another machine changed too")
        return own
    }

    private func removeAndReturn(own: String, cluster fleet: String) async throws {
        let machine = cluster.machines[0]
        say("What would removing \(machine.name) lose? Asked before it happens:")
        Output.line(indented(try await cluster.succeed(["machine", "remove", machine.name, "--preview"])))
        say("Removing \(machine.name). It goes on serving exactly as before, standalone.")
        try await cluster.succeed(["machine", "remove", machine.name])
        try await standalone(machine)
        try require(try await served(by: machine) == own, "\(machine.name) does not serve its own certificate after the removal")
        say("\(machine.name) still serves \(own.prefix(12)). Now it returns; the loss is listed again, and this time accepted:")
        let invitation = try await cluster.succeed(["invite"])
        let joined = try await cluster.succeed(["agent", "join", "-", "--state-dir", machine.state, "--accept-loss"], input: invitation)
        Output.line(indented(joined))
        try await cluster.settled()
        let seen = try await look("after the return of \(machine.name)")
        try require(seen.values.allSatisfy { $0 == fleet }, "\(machine.name) does not serve the cluster's certificate after its return")
    }

    /// Waits until the removed machine has learned of it.
    private func standalone(_ machine: DemoCluster.Machine) async throws {
        try await cluster.wait(for: "\(machine.name) to be standalone") {
            let answer = try await cluster.run(["agent", "status", "--state-dir", machine.state, "--output", "json"])
            return try JSONValue(parsing: answer.output.utf8)["mode"]?.text == "standalone"
        }
    }

    // MARK: - Seeing

    /// Every machine must serve one and the same certificate; answers its fingerprint.
    private func everyMachineServes(_ moment: String) async throws -> String {
        let seen = try await look(moment)
        let all = Set(seen.values)
        try require(all.count == 1, "the machines serve \(all.count) different certificates")
        return all.first ?? ""
    }

    /// Prints a table of what every machine runs and was seen to serve; answers the fingerprints by machine.
    private func look(_ moment: String) async throws -> [String: String] {
        let list = try JSONValue(parsing: try await cluster.succeed(["machine", "list", "--output", "json"]).utf8)
        var seen: [String: String] = [:]
        var rows: [[String]] = []
        for machine in cluster.machines {
            let entry = list.items?.first { $0["name"]?.text == machine.name }
            let listener = entry?["services"]?.items?.first { $0["service"]?.text == "listener/public" }
            let served = try await served(by: machine)
            let intended = listener?["fingerprint"]?.text ?? ""
            try require(served == intended, "\(machine.name) should serve \(intended.prefix(12)) and serves \(served.prefix(12))")
            try require(entry?["state"]?.text == "synced", "\(machine.name) is \(entry?["state"]?.text ?? "unknown"), not synced")
            seen[machine.name] = served
            let revision = entry?["appliedRevision"]?.number.map(String.init) ?? "-"
            rows.append([machine.name, revision, "\(machine.address):2525", String(served.prefix(12))])
        }
        Output.line("")
        Output.line("  \(moment), seen by connecting to each listener:")
        Output.line(indented(Table(["MACHINE", "REVISION", "LISTENER", "CERTIFICATE SEEN"], rows).text))
        return seen
    }

    /// The demo's own handshake: nobody's word but the wire's.
    private func served(by machine: DemoCluster.Machine) async throws -> String {
        let prober = TLSProber(group: MultiThreadedEventLoopGroup.singleton)
        let service = IntendedService(
            service: "listener/public", certificate: "mail", fingerprint: Digest(hashing: []),
            probe: .startTLS(address: machine.address, port: 2525))
        return await prober.prove([service]).first?.served?.hex ?? "nothing"
    }

    private func say(_ sentence: String) {
        Output.line("")
        Output.line("* \(sentence)")
    }

    private func require(_ holds: Bool, _ otherwise: String) throws {
        guard holds else { throw Refusal(.unavailable, "This did not hold: \(otherwise).") }
    }

    private func indented(_ text: String) -> String {
        let lines = text.split(separator: "\n", omittingEmptySubsequences: false).map { $0.isEmpty ? "" : "    \($0)" }
        return lines.prefix((lines.lastIndex { !$0.isEmpty } ?? -1) + 1).joined(separator: "\n")
    }
}

extension DemoCluster {
    /// Waits until something holds, with a limit.
    func wait(for what: String, _ holds: () async throws -> Bool) async throws {
        let clock = ContinuousClock()
        let end = clock.now.advanced(by: .seconds(30))
        while clock.now < end {
            if try await holds() { return }
            try await clock.sleep(for: .milliseconds(100))
        }
        throw Refusal(.unavailable, "Waited 30 seconds for \(what), in vain.")
    }

    /// Waits until every machine is synced.
    func settled() async throws {
        try await wait(for: "every machine to be synced") {
            let list = try JSONValue(parsing: try await succeed(["machine", "list", "--output", "json"]).utf8)
            return list.items?.count == machines.count && list.items?.allSatisfy { $0["state"]?.text == "synced" } == true
        }
    }
}
