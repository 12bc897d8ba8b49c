import FoundationEssentials
import Glibc
import Subprocess
import SystemPackage
import Testing

/// A unit of Docs/systemd, with its drop-in if it is meant with it.
struct UnitFile: CustomTestStringConvertible, Sendable {
    var name: String
    var dropIn: String?
    /// What `systemd-analyze security` may say at most, in tenths.
    var exposure: Int

    static let all = [
        UnitFile(name: "muster-manager.service", exposure: 15), UnitFile(name: "muster-agent.service", exposure: 41),
        UnitFile(name: "muster-agent.service", dropIn: "user.conf", exposure: 18),
    ]

    var testDescription: String { [name, dropIn].compactMap(\.self).joined(separator: " with ") }

    static let folder = URL(filePath: #filePath).appending(path: "../../../Docs/systemd").standardized

    /// Copies it, with the built binary in the place of the one that is installed.
    func lay(in directory: String) throws -> String {
        let text = try String(contentsOf: UnitFile.folder.appending(path: name), encoding: .utf8)
        let path = "\(directory)/\(name)"
        try text.replacing("/usr/local/bin/muster", with: musterBinary.path()).write(toFile: path, atomically: false, encoding: .utf8)
        if let dropIn {
            try FileManager.default.createDirectory(atPath: "\(path).d", withIntermediateDirectories: true)
            try FileManager.default.copyItem(
                atPath: UnitFile.folder.appending(path: "\(name).d/\(dropIn)").path(), toPath: "\(path).d/\(dropIn)")
        }
        return path
    }
}

private let hasAnalyzer = FileManager.default.isExecutableFile(atPath: "/usr/bin/systemd-analyze")

@Suite("Unit files", .timeLimit(.minutes(1)))
struct UnitFileTests {
    // In CI the package is there, or the test fails.
    @Test(
        .enabled(if: ProcessInfo.processInfo.environment["CI"] != nil || hasAnalyzer, "systemd is not installed"), arguments: UnitFile.all)
    func `systemd has nothing against a unit, and it lets its process do little`(_ unit: UnitFile) async throws {
        try await withScratch { directory in
            let path = try unit.lay(in: directory)
            let verified = try await analyze(["verify", "--man=no", path])
            #expect(verified.status == 0 && verified.error.isEmpty, "\(verified.error)")
            let judged = try await analyze(["security", "--offline=yes", "--no-pager", "--threshold=\(unit.exposure)", path])
            #expect(judged.status == 0, "\(judged.output.suffix(200))\(judged.error)")
        }
    }

    @Test(arguments: UnitFile.all)
    func `what a unit starts is a command`(_ unit: UnitFile) async throws {
        let text = try String(contentsOf: UnitFile.folder.appending(path: unit.name), encoding: .utf8)
        let start = try #require(text.split(separator: "\n").first { $0.hasPrefix("ExecStart=") })
        // The directories that it names are not there; that the options are no options would be said first, with 64.
        let run = try await muster(start.split(separator: " ").dropFirst().map(String.init))
        #expect(run.status == 1 && run.error.contains("/var/lib/muster"), "\(run.error)")
    }

    private func analyze(_ arguments: [String]) async throws -> Run {
        let result = try await Subprocess.run(
            .path("/usr/bin/systemd-analyze"), arguments: Arguments(arguments), output: .string(limit: 1 << 20),
            error: .string(limit: 1 << 20))
        let status: Int = if case .exited(let code) = result.terminationStatus { Int(code) } else { -1 }
        return Run(status: status, output: result.standardOutput, error: result.standardError)
    }

    // MARK: - Type=notify

    @Test(arguments: [false, true])
    func `manager and agent tell systemd when they are ready, and when they begin to end`(_ isAbstract: Bool) async throws {
        try await withScratch { directory in
            let manager = ["manager", "run", "--data-dir", "\(directory)/manager"]
            let agent = ["agent", "run", "--state-dir", "\(directory)/agent"]
            let made = [
                try await muster([
                    "manager", "init", "--name", "notified", "--data-dir", "\(directory)/manager", "--admin-listen", "127.0.0.1:0",
                    "--member-listen", "127.0.0.1:0",
                ]),
                try await muster([
                    "agent", "init", "--state-dir", "\(directory)/agent", "--name", "mx1", "--hostname", "mx1.example.com", "--interface",
                    "data1=127.0.0.1",
                ]),
            ]
            try #require(made.allSatisfy { $0.status == 0 })
            for command in [manager, agent] {
                let socket = try NotifySocket(isAbstract ? "@\(directory)/notify" : "\(directory)/notify")
                defer { socket.close() }
                let run = try await Subprocess.run(
                    .path(FilePath(musterBinary.path())), arguments: Arguments(command),
                    environment: .custom(["NOTIFY_SOCKET": socket.name]), input: .none, output: .sequence, error: .discarded
                ) { execution in
                    for try await line in execution.standardOutput.strings() where line.contains(" ready") {
                        #expect(await socket.word() == "READY=1")
                        kill(execution.processIdentifier.value, SIGTERM)
                    }
                    return await socket.word()
                }
                #expect(run.terminationStatus.isSuccess)
                #expect(run.closureResult == "STOPPING=1")
            }
        }
    }
}

/// The socket on which systemd hears its services.
private final class NotifySocket: Sendable {
    let name: String
    private let descriptor: Int32

    init(_ name: String) throws {
        self.name = name
        descriptor = socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue) | Int32(SOCK_NONBLOCK.rawValue), 0)
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        var path = Array(name.utf8)
        if path[0] == UInt8(ascii: "@") { path[0] = 0 }
        unsafe withUnsafeMutableBytes(of: &address.sun_path) { unsafe $0.copyBytes(from: path) }
        let length = socklen_t(2 + path.count)
        let isBound = unsafe withUnsafePointer(to: &address) { pointer in
            unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { unsafe bind(descriptor, $0, length) == 0 }
        }
        try #require(isBound, "\(name) cannot be bound: \(errno)")
    }

    /// The next word, within half a minute; nil for none.
    func word() async -> String? {
        let end = ContinuousClock.now.advanced(by: .seconds(30))
        var bytes = [UInt8](repeating: 0, count: 256)
        while ContinuousClock.now < end {
            let count = unsafe recv(descriptor, &bytes, bytes.count, 0)
            if count > 0 { return String(decoding: bytes.prefix(count), as: UTF8.self) }
            try? await ContinuousClock().sleep(for: .milliseconds(5))
        }
        return nil
    }

    func close() {
        _ = Glibc.close(descriptor)
        // An abstract one has no file.
        _ = unsafe unlink(name)
    }
}
