import CMemoryFile
import ClusterModel
import Glibc
import Subprocess
import SystemPackage

/// A program of this machine that a gateway runs: no shell, bounded in time and output, without a secret in arguments or environment.
struct LocalProgram: Sendable {
    /// Absolute.
    let path: String
    let seconds: Int
    let clock: any Clock<Duration>

    /// How a run ended.
    struct Ending: Sendable {
        enum Kind: Hashable, Sendable {
            case status(Int)
            case signal(Int)
            case outOfTime
        }

        var kind: Kind
        /// What it said, both streams, in the order in which it came.
        var output: String

        var isFine: Bool { kind == .status(0) }

        /// `ended with status 3`.
        func description(seconds: Int) -> String {
            switch kind {
            case .status(let status): "ended with status \(status)"
            case .signal(let signal): "was ended by signal \(signal)"
            case .outOfTime: "did not end within \(seconds) seconds, and was killed"
            }
        }
    }

    static let searchPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

    /// Runs it with nothing to read and these variables beside PATH. What it leaves running when it ends in time may go on.
    func run(_ arguments: [String], environment: [String: String] = [:], in directory: String? = nil) async throws(Refusal) -> Ending {
        let output = try ProgramOutput()
        defer { output.close() }
        var variables: [Environment.Key: String] = ["PATH": LocalProgram.searchPath]
        for (name, value) in environment { variables[Environment.Key(stringLiteral: name)] = value }
        let status = try await inTime { [variables] in
            var platform = PlatformOptions()
            // A group of its own, so that what it started ends with it when the time is up.
            platform.createSession = true
            platform.teardownSequence = [.send(signal: .kill, toProcessGroup: true, allowedDurationToNextStep: .zero)]
            return try await Subprocess.run(
                .path(FilePath(path)), arguments: Arguments(arguments), environment: .custom(variables),
                workingDirectory: directory.map { FilePath($0) }, platformOptions: platform, input: .none,
                output: .fileDescriptor(output.file, closeAfterSpawningProcess: false),
                error: .combinedWithOutput
            ).terminationStatus
        }
        let kind: Ending.Kind =
            switch status {
            case .exited(let code): .status(Int(code))
            case .signaled(let signal): .signal(Int(signal))
            case nil: .outOfTime
            }
        return Ending(kind: kind, output: output.text)
    }

    /// Nil when the time was up.
    private func inTime(_ body: @escaping @Sendable () async throws -> TerminationStatus) async throws(Refusal) -> TerminationStatus? {
        do {
            return try await withThrowingTaskGroup(of: TerminationStatus?.self) { [clock, seconds] tasks in
                tasks.addTask { try await body() }
                tasks.addTask {
                    try await clock.sleep(for: .seconds(seconds))
                    return nil
                }
                defer { tasks.cancelAll() }
                return try await tasks.next() ?? nil
            }
        } catch is CancellationError {
            return nil
        } catch {
            throw Refusal(.unavailable, "\(path) could not be run: \(error)")
        }
    }
}

/// Takes what a program says without ever making it wait: a file in memory that cannot grow beyond a limit. What is more than that fails to
/// be written, and what still runs when the program has ended may keep its end of it.
private struct ProgramOutput {
    let file: FileDescriptor

    init() throws(Refusal) {
        let descriptor = unsafe muster_memory_file("output", off_t(Limits.programOutputBytes))
        guard descriptor >= 0 else {
            let reason = unsafe String(cString: strerror(errno))
            throw Refusal(.unavailable, "There is no memory for what a program says: \(reason).")
        }
        file = FileDescriptor(rawValue: descriptor)
    }

    /// What was written: its writers share one place in the file, and have left it behind the last byte.
    var text: String {
        let length = min(max(0, lseek(file.rawValue, 0, SEEK_CUR)), off_t(Limits.programOutputBytes))
        var bytes = [UInt8](repeating: 0, count: Int(length))
        let count = unsafe bytes.withUnsafeMutableBytes { unsafe pread(file.rawValue, $0.baseAddress, $0.count, 0) }
        return String(decoding: bytes.prefix(max(0, count)), as: UTF8.self)
    }

    func close() {
        // Nothing is lost with it.
        try? file.close()
    }
}
