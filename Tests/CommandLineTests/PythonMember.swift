import FoundationEssentials
import Glibc
import Subprocess
import SystemPackage
import Testing

/// The member in Python (`Tests/WireMember`), which knows the protocol's page and what `protoc` makes of `wire.proto`.
struct PythonMember {
    /// Its state, and the generated code beside it.
    let directory: String
    private static let root = #filePath.split(separator: "/").dropLast(3).map { "/\($0)" }.joined()

    var state: String { "\(directory)/state" }

    static func with(_ body: (PythonMember) async throws -> Void) async throws {
        try await withScratch { directory in
            let generated = try await Subprocess.run(
                .name("protoc"),
                arguments: ["--proto_path=\(PythonMember.root)/Sources/WireMessages", "--python_out=\(directory)", "wire.proto"],
                output: .discarded, error: .string(limit: 1 << 16))
            try #require(generated.terminationStatus.isSuccess, "protoc: \(generated.standardError)")
            try await body(PythonMember(directory: directory))
        }
    }

    /// Debian's Python: its packages are there for no other.
    private static let python = Executable.path("/usr/bin/python3")

    private var environment: Environment {
        .custom(["PYTHONPATH": "\(directory)", "PYTHONDONTWRITEBYTECODE": "1", "PATH": "/usr/bin:/bin"])
    }

    private func arguments(_ command: [String]) -> Arguments {
        Arguments(["\(PythonMember.root)/Tests/WireMember/member.py"] + command + ["--state-dir", state])
    }

    func join(_ invitation: String, as name: String, at address: String) async throws -> Run {
        let result = try await Subprocess.run(
            PythonMember.python,
            arguments: arguments(["join", "--name", name, "--hostname", "\(name).example.com", "--interface", "data1=\(address)"]),
            environment: environment, input: .string(invitation), output: .string(limit: 1 << 16), error: .string(limit: 1 << 16))
        let status: Int = if case .exited(let code) = result.terminationStatus { Int(code) } else { -1 }
        return Run(status: status, output: result.standardOutput, error: result.standardError)
    }

    /// Runs the member while the body runs, then takes its power away.
    func run(_ options: [String] = [], _ body: (inout Said) async throws -> Void) async throws {
        _ = try await Subprocess.run(
            PythonMember.python, arguments: arguments(["run"] + options), environment: environment, input: .none, output: .sequence,
            error: .combinedWithOutput
        ) { execution in
            defer { kill(execution.processIdentifier.value, SIGKILL) }
            var said = Said(execution.standardOutput)
            try await body(&said)
        }
    }

    /// What the member says, line by line.
    struct Said {
        private var lines: SubprocessOutputSequence.StringSequence<UTF8>.AsyncIterator
        private var earlier: [String] = []

        init(_ output: SubprocessOutputSequence) { lines = output.strings().makeAsyncIterator() }

        /// Waits for a line that begins with these words; answers the rest of it, word by word. A rejection is never waited for.
        mutating func hear(_ words: String, sourceLocation: SourceLocation = #_sourceLocation) async throws -> [String] {
            while let line = try await lines.next(isolation: #isolation) {
                earlier.append(line)
                if line.hasPrefix("rejected") || line.hasPrefix("Traceback") { break }
                if line.hasPrefix(words) { return line.dropFirst(words.count).split(separator: " ").map(String.init) }
            }
            Issue.record("The member never said \"\(words)\", but: \(earlier)", sourceLocation: sourceLocation)
            throw CancellationError()
        }
    }
}
