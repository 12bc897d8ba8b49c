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
    private let executable: String
    private let servers = Mutex<[String: Server]>([:])

    private struct Server {
        var pid: ProcessIdentifier
        var ended: Task<Void, Never>
    }

    /// Seconds a server has to say that it is ready, and to end when asked.
    private static let patience = 30

    init(machines count: Int) throws {
        executable = try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")
        var generator = SystemRandomNumberGenerator()
        let name = "muster-demo-" + String(randomIdentifier(using: &generator).prefix(8))
        directory = FileManager.default.temporaryDirectory.appendingPathComponent(name).path
        try FileManager.default.createDirectory(
            atPath: directory, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
        // A network of its own within 127.0.0.0/8, so that two demos, or a demo and a mail server, do not meet.
        let network = "127.\(Int.random(in: 16...250)).\(Int.random(in: 1...250))"
        let root = directory
        machines = (1...count).map {
            Machine(name: "mx\($0)", address: "\(network).\(10 + $0)", state: "\(root)/mx\($0)")
        }
    }

    var profile: String { "\(directory)/manager/admin.profile.json" }

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
        var iterator = started.stream.makeAsyncIterator()
        guard let pid = await iterator.next() else {
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

    /// Asks every process to end, waits for it, and removes the files.
    func tearDown(keepingFiles: Bool) async {
        let running = servers.withLock { $0 }
        for server in running.values { _ = kill(server.pid.value, SIGTERM) }
        for server in running.values { await server.ended.value }
        if !keepingFiles {
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
        }
        Output.line("And end it like this:")
        Output.line("  kill \(pids); rm -r \(directory)")
    }
}
