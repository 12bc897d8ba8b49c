import ClusterModel
import Subprocess
import Synchronization

import FoundationEssentials
import Glibc
import SystemPackage

/// The demo's processes and files: a manager and some agents, each a `muster` of its own.
final class DemoCluster: Sendable {
    struct Machine: Sendable {
        var name: String
        var address: String
        var state: String
    }

    /// What a command that ended printed.
    struct Answer: Sendable {
        var status: Int
        var output: String
        var error: String
    }

    let directory: String
    let machines: [Machine]
    let gateway: DemoGateway
    private let executable: String
    private let servers = Mutex<[String: Server]>([:])

    private struct Server {
        var pid: ProcessIdentifier
        var ended: Task<Void, Never>
    }

    /// Seconds a server has to say that it is ready.
    private static let patience = 30
    /// Seconds a server has to end when asked; then it is killed.
    private static let farewell = 15

    init(machines count: Int, gateway: DemoGateway) throws {
        self.gateway = gateway
        executable = try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")
        var generator = SystemRandomNumberGenerator()
        let name = "muster-demo-" + String(randomIdentifier(using: &generator).prefix(8))
        let parent = FileManager.default.temporaryDirectory
        if gateway == .postfix { try DemoPostfix.check(below: parent.path) }
        directory = parent.appendingPathComponent(name).path
        // Postfix's processes have to get through to what is theirs; what is private has a mode of its own.
        try FileManager.default.createDirectory(
            atPath: directory, withIntermediateDirectories: true,
            attributes: [.posixPermissions: gateway == .postfix ? 0o711 : 0o700])
        // A network of its own within 127.0.0.0/8, so that two demos, or a demo and a mail server, do not meet.
        let network = "127.\(Int.random(in: 16...250)).\(Int.random(in: 1...250))"
        let root = directory
        machines = (1...count).map {
            Machine(name: "mx\($0)", address: "\(network).\(10 + $0)", state: "\(root)/mx\($0)")
        }
    }

    var profile: String { "\(directory)/manager/admin.profile.json" }

    /// The machines' Postfix instances; none with another gateway.
    private var instances: [DemoPostfix] { gateway == .postfix ? machines.map(postfix) : [] }

    /// The Postfix instance of a machine.
    func postfix(of machine: Machine) -> DemoPostfix { DemoPostfix(directory: "\(machine.state)-postfix") }

    /// Runs one command to its end. The profile is given by the environment, as an administrator would.
    func run(_ arguments: [String], input: String = "") async throws -> Answer {
        let result = try await Subprocess.run(
            .path(FilePath(executable)), arguments: Arguments(arguments),
            environment: .inherit.updating(["MUSTER_PROFILE": profile, "NO_COLOR": "1"]), input: .string(input),
            output: .string(limit: 4 << 20), error: .string(limit: 1 << 20))
        let status: Int = if case .exited(let code) = result.terminationStatus { Int(code) } else { -1 }
        return Answer(status: status, output: result.standardOutput, error: result.standardError)
    }

    /// Runs one command that must succeed.
    @discardableResult
    func succeed(_ arguments: [String], input: String = "") async throws -> String {
        let answer = try await run(arguments, input: input)
        guard answer.status == 0 else {
            throw Refusal(
                .unavailable,
                "muster \(arguments.joined(separator: " ")) ended with status \(answer.status): \(answer.error)\(answer.output)")
        }
        return answer.output
    }

    /// Starts a server and waits until it says that it is ready.
    func start(_ name: String, _ arguments: [String]) async throws {
        let log = "\(directory)/\(name).log"
        let started = AsyncStream.makeStream(of: ProcessIdentifier.self)
        let executable = self.executable
        let descriptor = try FileDescriptor.open(
            FilePath(log), .writeOnly, options: [.create, .truncate], permissions: [.ownerReadWrite])
        var platform = PlatformOptions()
        platform.createSession = true
        let options = platform
        let ended = Task(name: "demo/\(name)") {
            defer { started.continuation.finish() }
            // How it ended is in its log; the story looks at what it serves.
            _ = try? await Subprocess.run(
                .path(FilePath(executable)), arguments: Arguments(arguments), platformOptions: options, input: .none,
                output: .fileDescriptor(descriptor, closeAfterSpawningProcess: true), error: .combinedWithOutput
            ) { execution in
                started.continuation.yield(execution.processIdentifier)
            }
        }
        // Heard also when the demo is told to stop at this moment: what runs has to be known, to be ended.
        guard let pid = await Task(operation: { await started.stream.first { _ in true } }).value else {
            throw Refusal(.unavailable, "The process \(name) could not be started.")
        }
        servers.withLock { $0[name] = Server(pid: pid, ended: ended) }
        try await waitUntilReady(name, log: log)
    }

    private func waitUntilReady(_ name: String, log: String) async throws {
        let clock = ContinuousClock()
        let end = clock.now.advanced(by: .seconds(DemoCluster.patience))
        while clock.now < end {
            let text = (try? String(contentsOfFile: log, encoding: .utf8)) ?? ""  // not there yet: not ready yet
            if text.split(separator: "\n").contains(where: { $0.hasPrefix("muster ") && $0.contains(" ready") }) { return }
            try await clock.sleep(for: .milliseconds(50))
        }
        throw Refusal(.unavailable, "\(name) did not get ready within \(DemoCluster.patience) seconds. Its log is \(log).")
    }

    /// Ends every process and every Postfix, and removes the files.
    func tearDown(keepingFiles: Bool) async {
        let running = servers.withLock { $0 }
        for server in running.values { _ = kill(server.pid.value, SIGTERM) }
        let late = Task(name: "demo/late") {
            try await ContinuousClock().sleep(for: .seconds(DemoCluster.farewell))
            for server in running.values { _ = kill(server.pid.value, SIGKILL) }
        }
        for server in running.values { await server.ended.value }
        late.cancel()
        // After the agents, which would start them again.
        let left = await withTaskGroup(of: DemoPostfix?.self) { group in
            for instance in instances { group.addTask(name: "demo/stop") { await instance.stop() ? nil : instance } }
            return await group.reduce(into: [DemoPostfix]()) { left, instance in if let instance { left.append(instance) } }
        }
        for instance in left {
            Output.error("A Postfix of the demo could not be stopped. Stop it by hand: \(instance.command("stop"))")
        }
        if !keepingFiles, left.isEmpty {
            try? FileManager.default.removeItem(atPath: directory)  // a leftover in the temporary directory harms nobody
        }
    }

    /// How to talk to a cluster that was kept.
    func explain() {
        let pids = servers.withLock { $0.values.map { "\($0.pid.value)" }.sorted().joined(separator: " ") }
        let muster = executable
        Output.line("")
        Output.line("The cluster goes on running. Talk to it like this:")
        Output.line("  export MUSTER_PROFILE=\(profile)")
        Output.line("  \(muster) status")
        Output.line("  \(muster) cert create mail --common-name mail.example.com --replace && \(muster) commit --wait")
        if let first = machines.first {
            Output.line("  openssl s_client -starttls smtp -connect \(first.address):2525 </dev/null")
            if gateway == .postfix {
                let instance = postfix(of: first)
                Output.line("  postconf -c \(instance.configuration) -M   # or -n: what Muster made of it; its log is \(instance.log)")
            }
        }
        let stops = instances.map { "\($0.command("stop")); " }.joined()
        Output.line("And end it like this:")
        Output.line("  kill \(pids); \(stops)rm -r \(directory)")
    }
}
