import ClusterModel
import FoundationEssentials

/// A manager, an administrator and some agents, each on a machine of its own in a laboratory.
final class Cluster: Sendable {
    let lab: Lab
    let manager: Server
    let agents: [String: Server]
    let directory: String
    let admin: Node
    private let muster: String

    private init(_ lab: Lab, agents names: [String], directory: String) throws {
        self.lab = lab
        self.directory = directory
        muster = try Lab.built("muster")
        admin = try Cluster.node("admin", in: lab)
        manager = try Server(
            on: try Cluster.node("manager", in: lab), ["manager", "run", "--data-dir", "\(directory)/manager"], directory: directory)
        agents = Dictionary(
            uniqueKeysWithValues: try names.map { name in
                let node = try Cluster.node(name, in: lab)
                return (name, try Server(on: node, ["agent", "run", "--state-dir", "\(directory)/\(name)"], directory: directory))
            })
    }

    private static func node(_ name: String, in lab: Lab) throws -> Node {
        guard let node = lab.nodes[name] else { throw Tap.Failure(description: "there is no machine \(name)") }
        return node
    }

    /// Lends a cluster whose agents have joined, serve and are synced; its processes and files are gone afterwards.
    static func with(agents names: [String], seed: UInt64, _ body: (Cluster, Chronicle) async throws -> Void) async throws {
        let directory = FileManager.default.temporaryDirectory.appending(path: "muster-hostile-\(UUID().uuidString)").path()
        try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: directory) }
        try await Lab.with(["manager", "admin"] + names, seed: seed) { lab in
            let cluster = try Cluster(lab, agents: names, directory: directory)
            let chronicle = Chronicle()
            do {
                try await cluster.bringUp(names, chronicle)
                try await body(cluster, chronicle)
            } catch {
                await cluster.end()
                throw error
            }
            await cluster.end()
        }
    }

    private func bringUp(_ names: [String], _ chronicle: Chronicle) async throws {
        let place = manager.node.address
        let made = try await Lab.run(
            on: manager.node,
            [
                muster, "manager", "init", "--name", "hostile", "--data-dir", "\(directory)/manager", "--admin-listen", "\(place):8460",
                "--member-listen", "\(place):8461",
            ])
        guard made.isGood else { throw Tap.Failure(description: made.error) }
        try await manager.start()
        for name in names {
            guard let agent = agents[name] else { continue }
            let joined = try await join(
                agent, ["--name", name, "--hostname", "\(name).example.com", "--interface", "data1=\(agent.node.address)"])
            guard joined.isGood else { throw Tap.Failure(description: "\(name) did not join: \(joined.error)") }
            try await agent.start()
        }
        try await succeed("policy", "set", "accepted", "--tls", "preferred")
        let first = try await newCertificate("change 0")
        try await succeed("cert", "import", "mail", "--pem", first.pem, "--key", first.key)
        try await succeed(
            "listener", "set", "public", "--interface", "data1", "--port", "2525", "--certificate", "mail", "--default-policy", "accepted")
        chronicle.attempt(Chronicle.Change(comment: "change 0", fingerprint: first.fingerprint))
        let commit = try await json(["commit", "-m", "change 0", "--wait", "--timeout", "60s"], seconds: 90)
        guard let revision = commit?["revision"]?.number else { throw Tap.Failure(description: "the first commit did not arrive") }
        chronicle.answered("change 0", as: revision)
    }

    private func end() async {
        for server in [manager] + agents.values { await server.kill() }
    }

    // MARK: - What people do

    /// Runs `muster` where the administrator is.
    func run(_ arguments: [String], seconds: Int = 30) async throws -> Answer {
        try await Lab.run(
            on: admin, [muster] + arguments, environment: ["MUSTER_PROFILE": "\(directory)/manager/admin.profile.json"], seconds: seconds)
    }

    func succeed(_ arguments: String...) async throws {
        let answer = try await run(arguments, seconds: 90)
        guard answer.isGood else { throw Tap.Failure(description: "\(arguments.joined(separator: " ")): \(answer.error)\(answer.output)") }
    }

    /// The answer in JSON, or nil when there was none.
    func json(_ arguments: [String], seconds: Int = 30) async throws -> JSONValue? {
        let answer = try await run(arguments + ["--output", "json"], seconds: seconds)
        return answer.isGood ? try JSONValue(parsing: answer.output.utf8) : nil
    }

    func machines() async throws -> [JSONValue]? { try await json(["machine", "list"])?.items }

    /// Every revision with its comment, as `REVISION COMMENT`.
    func history() async throws -> Set<String> {
        var all: Set<String> = []
        var page: [String] = []
        while let revisions = try await json(["history"] + page, seconds: 90)?.items, let last = revisions.last?["revision"]?.number {
            for revision in revisions { all.insert("\(revision["revision"]?.number ?? 0) \(revision["comment"]?.text ?? "")") }
            page = ["--after", "\(last)"]
        }
        return all
    }

    /// Invites and joins, where the agent is.
    func join(_ agent: Server, _ arguments: [String] = []) async throws -> Answer {
        let invitation = try await run(["invite"])
        guard invitation.isGood else { return invitation }
        let state = "\(directory)/\(agent.node.name)"
        return try await Lab.run(
            on: agent.node, [muster, "agent", "join", "-", "--state-dir", state, "--accept-loss"] + arguments, input: invitation.output)
    }

    /// Whether an agent believes that it is a member.
    func isMember(_ agent: Server) async throws -> Bool {
        let state = "\(directory)/\(agent.node.name)"
        let answer = try await Lab.run(on: agent.node, [muster, "agent", "status", "--state-dir", state, "--output", "json"])
        return try JSONValue(parsing: answer.output.utf8)["mode"]?.text == "member"
    }

    /// A certificate made elsewhere, so that its fingerprint is known before any manager hears of it.
    func newCertificate(_ comment: String) async throws -> (pem: String, key: String, fingerprint: String) {
        let (pem, key) = ("\(directory)/next.pem", "\(directory)/next.key")
        let made = try await Lab.run(
            "openssl",
            [
                "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-noenc", "-days", "30", "-subj",
                "/CN=mail.example.com/O=\(comment)", "-keyout", key, "-out", pem,
            ])
        guard made.isGood, let fingerprint = Cluster.fingerprint(inPEM: try String(contentsOfFile: pem, encoding: .utf8)) else {
            throw Tap.Failure(description: "openssl made no certificate: \(made.error)")
        }
        return (pem, key, fingerprint)
    }

    /// What a whole handshake with a machine's listener shows, or nil when there was none.
    func served(by node: Node) async throws -> String? {
        let shown = try await Lab.run(
            on: node, ["openssl", "s_client", "-starttls", "smtp", "-connect", "\(node.address):2525"], input: "QUIT\r\n", seconds: 20)
        return Cluster.fingerprint(inPEM: shown.output)
    }

    private static func fingerprint(inPEM text: String) -> String? {
        let lines = text.split(separator: "\n")
        guard let start = lines.firstIndex(of: "-----BEGIN CERTIFICATE-----"),
            let end = lines[start...].firstIndex(of: "-----END CERTIFICATE-----"),
            let bytes = Data(base64Encoded: lines[(start + 1)..<end].joined())
        else { return nil }
        return Digest(hashing: bytes).hex
    }
}
