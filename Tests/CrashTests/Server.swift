import FoundationEssentials
import Glibc
import Subprocess
import SystemPackage
import Testing

/// A `muster` that runs until it ends or is killed: a manager or an agent. It leads a session of its own.
final class Server: Sendable {
    private let pid: Int32
    private let lines: AsyncStream<String>
    private let ending: Task<Ending, any Error>

    enum Ending: Hashable, Sendable {
        case exited(Int)
        case killed
    }

    /// Starts it. `failpoint` is the moment at which it is to die, `clock` a file that says how far its clock is ahead; its log is
    /// appended to the file.
    init(_ arguments: [String], log: String, failpoint: String? = nil, clock: String? = nil) async throws {
        let (lines, feed) = AsyncStream.makeStream(of: String.self)
        let (started, starting) = AsyncStream.makeStream(of: Int32.self)
        let output = try FileDescriptor.open(
            FilePath(log), .writeOnly, options: [.create, .append, .closeOnExec], permissions: [.ownerReadWrite])
        ending = Task {
            defer {
                feed.finish()
                starting.finish()
            }
            let result = try await Subprocess.run(
                .path(Muster.binary), arguments: Arguments(arguments), environment: Muster.environment(failpoint: failpoint, clock: clock),
                input: .none, output: .sequence, error: .fileDescriptor(output, closeAfterSpawningProcess: true)
            ) { execution in
                starting.yield(execution.processIdentifier.value)
                for try await line in execution.standardOutput.strings() { feed.yield(line) }
            }
            return Ending(result.terminationStatus)
        }
        self.lines = lines
        pid = try #require(await started.first { _ in true }, "The process did not start.")
    }

    /// Waits until it says that it is ready; false when it ended before.
    func isReady() async -> Bool { await lines.first { $0.contains(" ready") } != nil }

    /// Kills it as `kill -9` does, if it is still there, and waits for its end.
    func kill() async throws {
        _ = Glibc.kill(pid, SIGKILL)
        _ = try await end()
    }

    /// Waits for its end.
    func end() async throws -> Ending { try await ending.value }
}

extension Server.Ending {
    init(_ status: TerminationStatus) {
        switch status {
        case .exited(let code): self = .exited(Int(code))
        case .signaled: self = .killed
        }
    }
}

/// The built binary, and what it is run with.
enum Muster {
    struct Run: Sendable {
        var ending: Server.Ending
        var output: String
        var error: String

        var isDone: Bool { ending == .exited(0) }
        var isKilled: Bool { ending == .killed }
    }

    static let binary: FilePath = {
        // The tests lie beside it.
        let tests = (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")) ?? ""
        return FilePath(tests).removingLastComponent().appending("muster")
    }()

    static func environment(failpoint: String? = nil, clock: String? = nil) -> Environment {
        var environment: [Environment.Key: String] = ["HOME": "/nonexistent", "PATH": "/usr/bin:/bin"]
        if let failpoint { environment["MUSTER_KILL_AT"] = failpoint }
        if let clock {
            environment["LD_PRELOAD"] = binary.removingLastComponent().appending("libClockShift.so").string
            environment["MUSTER_CLOCK_SHIFT"] = clock
        }
        return .custom(environment)
    }

    /// Runs a command to its end.
    static func run(_ arguments: [String], input: String = "", failpoint: String? = nil, clock: String? = nil) async throws -> Run {
        let result = try await Subprocess.run(
            .path(binary), arguments: Arguments(arguments), environment: environment(failpoint: failpoint, clock: clock),
            input: .string(input),
            output: .string(limit: 1 << 20), error: .string(limit: 1 << 20))
        return Run(
            ending: Server.Ending(result.terminationStatus), output: result.standardOutput, error: result.standardError)
    }

    /// Runs a command that must succeed.
    @discardableResult
    static func succeed(_ arguments: [String], input: String = "") async throws -> String {
        let run = try await run(arguments, input: input)
        try #require(run.isDone, "muster \(arguments.joined(separator: " ")): \(run.error)")
        return run.output
    }
}
