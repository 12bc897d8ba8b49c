import FoundationEssentials
import Glibc
import Subprocess
import Synchronization
import SystemPackage

/// A manager or an agent as a process on a machine of the laboratory, which can be paused, killed, and shown another time.
final class Server: Sendable {
    let node: Node
    let log: String
    private let arguments: [String]
    private let clockFile: String
    private let state = Mutex(State())

    private struct State {
        var process: Int32?
        var ended: Task<Void, Never>?
        /// Grows with everything that keeps the process from its work.
        var interruptions = 0
        var isInterrupted = true
    }

    init(on node: Node, _ arguments: [String], directory: String) throws {
        self.node = node
        self.arguments = arguments
        log = "\(directory)/\(node.name).log"
        clockFile = "\(directory)/\(node.name).clock"
        try Data(count: 8).write(to: URL(filePath: clockFile))
    }

    /// Starts it, again if need be, and waits until it says that it is ready.
    func start() async throws {
        let before = text.utf8.count
        let descriptor = try FileDescriptor.open(
            FilePath(log), .writeOnly, options: [.create, .append], permissions: [.ownerReadWrite])
        let command = Lab.inside(node) + ["env", "LD_PRELOAD=\(try Lab.built("libClockShift.so"))", "MUSTER_CLOCK_SHIFT=\(clockFile)"]
        let program = try Lab.built("muster")
        let arguments = arguments
        let (started, starting) = AsyncStream.makeStream(of: Int32.self)
        let ended = Task {
            defer { starting.finish() }
            var platform = PlatformOptions()
            platform.createSession = true
            // How it ended is for the test to say, which ended it.
            _ = try? await Subprocess.run(
                .name("ip"), arguments: Arguments(command + [program] + arguments),
                environment: .custom(["PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "HOME": "/nonexistent"]), platformOptions: platform,
                input: .none, output: .fileDescriptor(descriptor, closeAfterSpawningProcess: true), error: .combinedWithOutput
            ) { starting.yield($0.processIdentifier.value) }
        }
        var iterator = started.makeAsyncIterator()
        guard let process = await iterator.next() else { throw Tap.Failure(description: "\(node.name) could not be started") }
        state.withLock { ($0.process, $0.ended) = (process, ended) }
        let ready = try await poll(within: .seconds(30)) {
            String(decoding: text.utf8.dropFirst(before), as: UTF8.self).split(separator: "\n")
                .contains { $0.hasPrefix("muster ") && $0.contains(" ready") } ? true : nil
        }
        guard ready == true else { throw Tap.Failure(description: "\(node.name) did not get ready: \(text.suffix(2000))") }
        state.withLock { $0.isInterrupted = false }
    }

    /// What it has said so far.
    var text: String { (try? String(contentsOfFile: log, encoding: .utf8)) ?? "" }

    /// Kills it without a word.
    func kill() async {
        signal(SIGKILL, interrupting: true)
        let ended = state.withLock { state in
            state.process = nil
            return state.ended
        }
        await ended?.value
    }

    func pause() { signal(SIGSTOP, interrupting: true) }

    func proceed() {
        signal(SIGCONT, interrupting: false)
    }

    private func signal(_ number: Int32, interrupting: Bool) {
        state.withLock { state in
            if interrupting { state.interruptions += 1 }
            state.isInterrupted = interrupting
            if let process = state.process { _ = Glibc.kill(process, number) }
        }
    }

    /// A number that is the same later if nothing kept the process from its work in between; nil while something does.
    var undisturbed: Int? { state.withLock { $0.isInterrupted ? nil : $0.interruptions } }

    /// Moves its clock away from the right time by so many seconds.
    func setClock(off seconds: Int64) throws {
        // In place: the process has the file in its memory.
        let file = try FileDescriptor.open(FilePath(clockFile), .writeOnly)
        defer { try? file.close() }
        _ = try unsafe withUnsafeBytes(of: seconds) { unsafe try file.writeAll(toAbsoluteOffset: 0, $0) }
    }
}
