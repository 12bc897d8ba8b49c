import ClusterModel
import FoundationEssentials
import Glibc
import Subprocess
import SystemPackage
import Testing

/// The built binary, run as people run it.
enum Muster {
    struct Run: Sendable {
        var status: Int
        var output: String
        var error: String
    }

    private static let binary: FilePath = {
        // The tests lie beside it.
        let tests = (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")) ?? ""
        return FilePath(tests).removingLastComponent().appending("muster")
    }()

    private static func environment(_ more: [String: String]) -> Environment {
        let all = ["HOME": "/nonexistent", "PATH": "/usr/bin:/bin"].merging(more) { $1 }
        return .custom(Dictionary(uniqueKeysWithValues: all.map { (Environment.Key(stringLiteral: $0.key), $0.value) }))
    }

    /// Runs a command to its end.
    static func run(_ arguments: [String], _ more: [String: String] = [:], input: String = "") async throws -> Run {
        let result = try await Subprocess.run(
            .path(binary), arguments: Arguments(arguments), environment: environment(more), input: .string(input),
            output: .string(limit: 1 << 20), error: .string(limit: 1 << 20))
        let status: Int = if case .exited(let code) = result.terminationStatus { Int(code) } else { -1 }
        return Run(status: status, output: result.standardOutput, error: result.standardError)
    }

    /// Runs a command that must succeed.
    @discardableResult
    static func succeed(_ arguments: [String], _ more: [String: String] = [:], input: String = "") async throws -> String {
        let run = try await run(arguments, more, input: input)
        try #require(run.status == 0, "muster \(arguments.joined(separator: " ")): \(run.error)")
        return run.output
    }

    /// Runs a manager or an agent for as long as the body takes, once it is ready, and has it end cleanly.
    static func serving<Result: Sendable>(
        _ arguments: [String], _ more: [String: String] = [:], body: () async throws -> Result
    ) async throws -> Result {
        let (started, starting) = AsyncStream.makeStream(of: Int32.self)
        let (ready, saying) = AsyncStream.makeStream(of: Bool.self)
        let process = Task {
            defer {
                starting.finish()
                saying.finish()
            }
            _ = try await Subprocess.run(
                .path(binary), arguments: Arguments(arguments), environment: environment(more), input: .none, output: .sequence,
                error: .discarded
            ) { execution in
                starting.yield(execution.processIdentifier.value)
                for try await line in execution.standardOutput.strings() where line.contains(" ready") { saying.yield(true) }
            }
        }
        let pid = try #require(await started.first { _ in true }, "muster \(arguments.joined(separator: " ")) did not start")
        let result: Swift.Result<Result, any Error>
        do {
            let isReady = await ready.first { $0 } ?? false
            try #require(isReady, "muster \(arguments.joined(separator: " ")) ended before it was ready")
            result = .success(try await body())
        } catch {
            result = .failure(error)
        }
        _ = kill(pid, SIGTERM)
        _ = await process.result
        return try result.get()
    }
}

/// A cluster of real processes in a directory, on a loopback network of its own.
struct SmallCluster: Sendable {
    let directory: String
    let network = "127.\(Int.random(in: 16...250)).\(Int.random(in: 1...250))"

    var data: String { "\(directory)/manager" }
    func state(of machine: String) -> String { "\(directory)/\(machine)" }

    func makeManager() async throws {
        try await Muster.succeed([
            "manager", "init", "--name", "fixture", "--data-dir", data, "--admin-listen", "\(network).1:0", "--member-listen",
            "\(network).1:0",
        ])
    }

    func withManager<Result: Sendable>(_ body: () async throws -> Result) async throws -> Result {
        try await Muster.serving(["manager", "run", "--data-dir", data], body: body)
    }

    /// Runs an agent that pretends not to know some sections.
    func withAgent<Result: Sendable>(
        _ machine: String, unaware sections: String = "", body: () async throws -> Result
    ) async throws -> Result {
        try await Muster.serving(
            ["agent", "run", "--state-dir", state(of: machine)], SmallCluster.unaware(of: sections), body: body)
    }

    private static func unaware(of sections: String) -> [String: String] { sections.isEmpty ? [:] : ["MUSTER_PRETEND_UNKNOWN": sections] }

    /// An administrator's command.
    func ask(_ arguments: String...) async throws -> Muster.Run {
        try await Muster.run(arguments, ["MUSTER_PROFILE": "\(data)/admin.profile.json"])
    }

    /// An administrator's command that must succeed.
    @discardableResult
    func tell(_ arguments: String...) async throws -> String {
        let run = try await Muster.run(arguments, ["MUSTER_PROFILE": "\(data)/admin.profile.json"])
        try #require(run.status == 0, "muster \(arguments.joined(separator: " ")): \(run.error)")
        return run.output
    }

    func join(_ machine: String, unaware sections: String = "") async throws -> Muster.Run {
        try await Muster.run(
            [
                "agent", "join", "-", "--state-dir", state(of: machine), "--name", machine, "--hostname", "\(machine).example.com",
                "--interface", "data1=\(network).\(10 + (machine.last?.wholeNumberValue ?? 0))", "--accept-loss",
            ], SmallCluster.unaware(of: sections), input: try await tell("invite"))
    }

    func machine(_ name: String) async throws -> JSONValue {
        try JSONValue(parsing: try await tell("machine", "show", name, "--output", "json").utf8)
    }

    /// Waits until something holds that other processes bring about, within reason.
    func wait(for what: String, _ holds: () async throws -> Bool) async throws {
        let clock = ContinuousClock()
        let end = clock.now.advanced(by: .seconds(30))
        while clock.now < end {
            if try await holds() { return }
            try await clock.sleep(for: .milliseconds(50))
        }
        throw Refusal(.unavailable, "Waited 30 seconds for \(what), in vain.")
    }
}
