import AdminClient
import AdminContract
import Certificates
import ClusterModel
import FoundationEssentials
import MemberAgent
import Subprocess
import SystemPackage
import Testing

/// A cluster of real processes with one directory and one loopback network of its own. Its files go with the test.
final class CrashCluster: Sendable {
    let directory: String
    let network = "127.\(Int.random(in: 16...250)).\(Int.random(in: 1...250))"

    /// Lends a cluster whose manager has been made and does not run.
    static func with(_ body: (CrashCluster) async throws -> Void) async throws {
        let cluster = try CrashCluster()
        defer { try? FileManager.default.removeItem(atPath: cluster.directory) }
        try await cluster.makeManager()
        do {
            try await body(cluster)
        } catch {
            // What the processes said tells why.
            Issue.record("\(cluster.logs())")
            throw error
        }
    }

    private init() throws {
        // Where flushing is cheap: a crash of a process loses nothing that was written, flushed or not.
        let place = FileManager.default.isWritableFile(atPath: "/dev/shm") ? "/dev/shm" : FileManager.default.temporaryDirectory.path()
        directory = "\(place)/muster-crash-\(UUID().uuidString.prefix(8))"
        try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: false)
    }

    var data: String { "\(directory)/manager" }
    func state(of machine: String) -> String { "\(directory)/\(machine)" }
    func address(of machine: String) -> String { "\(network).\(10 + (machine.last?.wholeNumberValue ?? 0))" }
    func disk(of machine: String) -> StateDirectory { StateDirectory(path: state(of: machine)) }

    /// The ends of the logs of its processes.
    func logs() -> String {
        ["manager", "mx1", "mx2"].map { name in
            let text = (try? String(contentsOfFile: "\(directory)/\(name).log", encoding: .utf8)) ?? ""
            return "\(name):\n" + text.split(separator: "\n").suffix(15).joined(separator: "\n")
        }.joined(separator: "\n")
    }

    // MARK: - The manager

    private func makeManager() async throws {
        try await Muster.succeed([
            "manager", "init", "--name", "crash", "--data-dir", data, "--admin-listen", "\(network).1:0",
            "--member-listen", "\(network).1:0",
        ])
    }

    /// Starts the manager; it may not be ready yet.
    func startManager(killedAt failpoint: String? = nil) async throws -> Server {
        try await Server(["manager", "run", "--data-dir", data], log: "\(directory)/manager.log", failpoint: failpoint)
    }

    /// Runs a manager for as long as the body takes, then kills it.
    @discardableResult
    func withManager<Result>(_ body: (AdminClient) async throws -> Result) async throws -> Result {
        let manager = try await startManager()
        return try await ending(manager) {
            try #require(await manager.isReady())
            return try await withClient(body)
        }
    }

    func withClient<Result>(_ body: (AdminClient) async throws -> Result) async throws -> Result {
        try await AdminClient.with(Profile(file: "\(data)/admin.profile.json"), body)
    }

    /// Kills a server when the body is through, whatever came of it.
    func ending<Result>(_ server: Server, _ body: () async throws -> Result) async throws -> Result {
        do {
            let result = try await body()
            try await server.kill()
            return result
        } catch {
            try await server.kill()
            throw error
        }
    }

    // MARK: - Machines

    func startAgent(_ machine: String, killedAt failpoint: String? = nil) async throws -> Server {
        try await Server(["agent", "run", "--state-dir", state(of: machine)], log: "\(directory)/\(machine).log", failpoint: failpoint)
    }

    /// Runs an agent, once it is ready, for as long as the body takes, then kills it.
    @discardableResult
    func withAgent<Result>(_ machine: String, _ body: () async throws -> Result) async throws -> Result {
        let agent = try await startAgent(machine)
        return try await ending(agent) {
            try #require(await agent.isReady(), "\(logs())")
            return try await body()
        }
    }

    func makeMachine(_ machine: String) async throws {
        try await Muster.succeed([
            "agent", "init", "--state-dir", state(of: machine), "--name", machine, "--hostname", "\(machine).example.com",
            "--interface", "data1=\(address(of: machine))",
        ])
    }

    func join(_ machine: String, _ client: AdminClient) async throws {
        let invitation = try await client.invite(InvitationRequest(group: nil, expiresSeconds: 3600)).invitation
        try await Muster.succeed(["agent", "join", "-", "--state-dir", state(of: machine), "--accept-loss"], input: invitation)
    }

    /// Keeps a copy of what a machine, whose agent does not run, has on its disk.
    func keep(_ machine: String) throws {
        try FileManager.default.copyItem(atPath: state(of: machine), toPath: "\(state(of: machine)).kept")
    }

    /// Puts the copy back.
    func restore(_ machine: String) throws {
        try FileManager.default.removeItem(atPath: state(of: machine))
        try FileManager.default.copyItem(atPath: "\(state(of: machine)).kept", toPath: state(of: machine))
    }

    /// What a stranger's openssl sees: a handshake that succeeds shows that key and certificate belong together.
    func served(by machine: String) async throws -> Served? {
        let result = try await Subprocess.run(
            .name("openssl"),
            arguments: ["s_client", "-starttls", "smtp", "-ign_eof", "-connect", "\(address(of: machine)):\(CrashCluster.port)"],
            input: .string("EHLO witness\r\nQUIT\r\n"), output: .string(limit: 1 << 20), error: .discarded)
        guard let leaf = Served.leaf(in: result.standardOutput) else { return nil }
        let hello = result.standardOutput.split(whereSeparator: \.isNewline).first { $0.hasPrefix("250-mx") }
        return Served(fingerprint: leaf, hostname: hello.map { String($0.dropFirst(4)) } ?? "")
    }

    /// What a machine serves: one of these, or what a second look shows.
    ///
    /// A session that began just before a configuration took over has the host name of then and the certificate of now: no machine serves a
    /// mix for that. One that does shows it again.
    func served(by machine: String, oneOf known: [Served]) async throws -> Served? {
        let seen = try await served(by: machine)
        if let seen, !known.contains(seen) { return try await served(by: machine) }
        return seen
    }

    static let port = 2525
}

/// What is served at an address: two things of one configuration, which must come from the same revision.
struct Served: Hashable, Sendable, CustomStringConvertible {
    var fingerprint: Digest
    var hostname: String

    var description: String { "\(fingerprint.short) as \(hostname)" }

    /// The fingerprint of the certificate that openssl shows; nil for none.
    static func leaf(in text: String) -> Digest? { (try? CertificateChain(pem: certificate(in: text)))?.facts.first?.fingerprint }

    private static func certificate(in text: String) -> String {
        let lines = text.split(separator: "\n", omittingEmptySubsequences: false)
        guard let start = lines.firstIndex(of: "-----BEGIN CERTIFICATE-----"),
            let end = lines[start...].firstIndex(of: "-----END CERTIFICATE-----")
        else { return "" }
        return lines[start...end].joined(separator: "\n") + "\n"
    }
}

// MARK: - Settings

extension CrashCluster {
    /// Submits a listener for every machine.
    func submitListener(_ client: AdminClient) async throws {
        _ = try await client.edit([
            EntryEdit(
                level: .cluster, section: .listeners, entry: "public",
                operation: .set([
                    "interface": "data1", "port": .integer(Int64(CrashCluster.port)), "certificate": "mail", "defaultPolicy": "accepted",
                ])),
            EntryEdit(level: .cluster, section: .mailFlowPolicies, entry: "accepted", operation: .set(["tls": "preferred"])),
        ])
    }

    /// Commits a new certificate and, on the machine, a new host name; answers what then should be served.
    func renew(_ machine: String, number: Int, _ client: AdminClient) async throws -> Served {
        let made = try await client.createCertificate(
            CertificateCreation(
                level: .cluster, name: "mail", request: SelfSignedRequest(commonName: "mail.example.com"), replace: true))
        let hostname = "\(machine)-\(number).example.com"
        let level = Level.machine(machine)
        _ = try await client.edit([
            EntryEdit(
                level: level, section: .interfaces, entry: "data1",
                operation: .set(["hostname": .string(hostname), "address": .string(address(of: machine))]))
        ])
        _ = try await client.commit(CommitRequest(comment: "renewal \(number)"))
        return Served(fingerprint: made.fingerprint, hostname: hostname)
    }

    /// Waits until a machine has applied and proved its newest target.
    func synced(_ machine: String, _ client: AdminClient) async throws {
        try await wait(for: "\(machine) to be synced") {
            try await client.machines().contains { $0.name == machine && $0.state == .synced }
        }
    }

    /// Waits until a machine knows that it is in no cluster.
    func standalone(_ machine: String) async throws {
        try await wait(for: "\(machine) to be standalone") { try self.disk(of: machine).status()?.mode == .standalone }
    }

    /// Waits until something holds that other processes bring about, within reason: an agent that has missed its manager a while looks for it
    /// every half a minute.
    func wait(for what: String, _ holds: () async throws -> Bool) async throws {
        let clock = ContinuousClock()
        let end = clock.now.advanced(by: .seconds(60))
        while clock.now < end {
            if try await holds() { return }
            try await clock.sleep(for: .milliseconds(10))
        }
        throw Refusal(.unavailable, "Waited 60 seconds for \(what), in vain.")
    }

    /// Runs an agent that dies at the failpoint, or brings about what is awaited. Whether it died.
    func dies(_ machine: String, at failpoint: String, unless awaited: @escaping @Sendable () async throws -> Bool) async throws -> Bool {
        let agent = try await startAgent(machine, killedAt: failpoint)
        return try await ending(agent) {
            try await withThrowingTaskGroup(of: Bool?.self) { group in
                group.addTask { try await agent.end() == .killed }
                group.addTask {
                    try await self.wait(for: "\(machine), which should not die at \(failpoint) either") { try await awaited() }
                    return nil
                }
                do {
                    let died = try await group.next() ?? nil
                    group.cancelAll()
                    if died == nil { try await agent.kill() }
                    try #require(died != false, "\(machine) ended by itself at \(failpoint)")
                    return died == true
                } catch {
                    try await agent.kill()
                    throw error
                }
            }
        }
    }
}
