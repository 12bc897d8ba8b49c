import FoundationEssentials
import Glibc
import Subprocess
import Synchronization
import SystemPackage

/// A machine of the laboratory: a network namespace with one card.
struct Node: Sendable, Hashable {
    var name: String
    var port: Int
    var namespace: String

    /// Of TEST-NET-2 (RFC 5737); it exists within the namespaces only.
    var address: String { "198.51.100.\(port + 1)" }
}

/// What a command left behind.
struct Answer: Sendable {
    var status: Int
    var output: String
    var error: String

    var isGood: Bool { status == 0 }
}

/// Namespaces, and a switch between them: a network on one machine that is as bad as one likes.
final class Lab: Sendable {
    let nodes: [String: Node]
    let cables: Cables
    private let outgoing = Mutex<[Node: Weather]>([:])
    private let incoming = Mutex<[Node: Weather]>([:])

    /// Whether this process may make namespaces and network cards. CI must: there it is tried, and fails if it cannot.
    static let isPossible =
        unsafe getuid() == 0 && access("/dev/net/tun", R_OK | W_OK) == 0 || getenv("CI") != nil

    private init(nodes: [Node], cables: Cables) {
        self.nodes = Dictionary(uniqueKeysWithValues: nodes.map { ($0.name, $0) })
        self.cables = cables
    }

    /// Lends a network of machines with these names; nothing is left of it afterwards, however the body ends.
    static func with(_ names: [String], seed: UInt64, _ body: (Lab) async throws -> Void) async throws {
        // Unique, so that runs do not meet: a process has one laboratory at a time.
        let nodes = names.enumerated().map { Node(name: $1, port: $0, namespace: "muster-\(getpid())-\($1)") }
        let taps = try nodes.map { try Tap(name: "mh\(getpid() % 10_000_000)x\($0.port)") }
        let lab = Lab(nodes: nodes, cables: Cables(taps, seed: seed))
        do {
            for (node, tap) in zip(nodes, taps) { try await lab.build(node, tap) }
            try await body(lab)
        } catch {
            await lab.tearDown()
            throw error
        }
        await lab.tearDown()
    }

    private func build(_ node: Node, _ tap: Tap) async throws {
        let hardware = Cables.hardware(node.port).map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined(separator: ":")
        try await ip("netns", "add", node.namespace)
        try await ip("link", "set", "dev", tap.name, "address", hardware)
        try await ip("link", "set", "dev", tap.name, "netns", node.namespace, "name", "eth0")
        try await ip("-n", node.namespace, "addr", "add", "\(node.address)/24", "dev", "eth0")
        try await ip("-n", node.namespace, "link", "set", "lo", "up")
        try await ip("-n", node.namespace, "link", "set", "eth0", "up")
    }

    private func tearDown() async {
        cables.stop()
        for node in nodes.values { try? await ip("netns", "del", node.namespace) }
    }

    private func ip(_ arguments: String...) async throws {
        let answer = try await Lab.run("ip", arguments)
        guard answer.isGood else { throw Tap.Failure(description: "ip \(arguments.joined(separator: " ")): \(answer.error)") }
    }

    /// Takes a machine's card down or up: its peers are told nothing.
    func set(_ node: Node, isUp: Bool) async throws {
        try await ip("-n", node.namespace, "link", "set", "eth0", isUp ? "up" : "down")
    }

    /// Sets the weather from, or to, a machine. Whoever is cut off stays so, whatever the weather at the other end.
    func set(_ weather: Weather, from node: Node) {
        outgoing.withLock { $0[node] = weather }
        for other in nodes.values where other != node { join(node, other) }
    }

    func set(_ weather: Weather, to node: Node) {
        incoming.withLock { $0[node] = weather }
        for other in nodes.values where other != node { join(other, node) }
    }

    private func join(_ from: Node, _ to: Node) {
        // Within the lock, so that the last word on a lane is about what holds.
        outgoing.withLock { outgoing in
            let weather = incoming.withLock { $0[to] } ?? .fair
            cables.set((outgoing[from] ?? .fair).and(weather), from: from.port, to: to.port)
        }
    }

    // MARK: - Commands

    /// What makes a command run on a machine.
    static func inside(_ node: Node) -> [String] { ["netns", "exec", node.namespace] }

    /// Runs a program on a machine; it is ended when it takes too long, and its status is then not 0.
    static func run(
        on node: Node, _ program: [String], environment: [String: String] = [:], input: String = "", seconds: Int = 30
    ) async throws -> Answer {
        try await run("ip", inside(node) + ["timeout", "-s", "KILL", "\(seconds)"] + program, environment: environment, input: input)
    }

    static func run(_ program: String, _ arguments: [String], environment: [String: String] = [:], input: String = "") async throws
        -> Answer
    {
        var all: [Environment.Key: String] = ["PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "HOME": "/nonexistent"]
        for (key, value) in environment { all[Environment.Key(stringLiteral: key)] = value }
        let result = try await Subprocess.run(
            program.hasPrefix("/") ? .path(FilePath(program)) : .name(program), arguments: Arguments(arguments), environment: .custom(all),
            input: .string(input),
            output: .string(limit: 4 << 20), error: .string(limit: 1 << 20))
        let status: Int = if case .exited(let code) = result.terminationStatus { Int(code) } else { -1 }
        return Answer(status: status, output: result.standardOutput, error: result.standardError)
    }

    /// Where what was built lies.
    static func built(_ name: String) throws -> String {
        let tests = try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")
        return URL(filePath: tests).deletingLastPathComponent().appending(path: name).path()
    }
}
