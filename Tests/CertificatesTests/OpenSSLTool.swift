import FoundationEssentials
import Subprocess
import Testing

/// A directory of its own for one test, and the real `openssl` in it.
struct OpenSSLTool: ~Copyable {
    let directory: String

    init() throws {
        directory = "/tmp/muster-certificates-\(UUID().uuidString)"
        try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: false)
    }

    deinit {
        try? FileManager.default.removeItem(atPath: directory)  // what is left in /tmp hurts nobody
    }

    /// Runs `openssl` in the directory and returns what it prints. `@name` stands for the file of that name there.
    @discardableResult
    func callAsFunction(_ arguments: String...) async throws -> String { try await self(arguments: arguments) }

    @discardableResult
    func callAsFunction(arguments: [String]) async throws -> String { try await run(arguments).output }

    /// What `openssl` writes to its error output when it succeeds.
    func errors(_ arguments: String...) async throws -> String { try await run(arguments).errors }

    private func run(_ arguments: [String]) async throws -> (output: String, errors: String) {
        let directory = directory
        let result = try await Subprocess.run(
            .name("openssl"), arguments: .init(arguments.map { $0.hasPrefix("@") ? "\(directory)/\($0.dropFirst())" : $0 }),
            output: .string(limit: 1 << 20), error: .string(limit: 1 << 16))
        let succeeded = result.terminationStatus.isSuccess
        try #require(succeeded, "openssl \(arguments): \(result.standardError)")
        return (result.standardOutput, result.standardError)
    }

    func write(_ name: String, _ text: String) throws {
        try Data(text.utf8).write(to: URL(filePath: "\(directory)/\(name)"))
    }

    func write(_ name: String, _ bytes: [UInt8]) throws {
        try Data(bytes).write(to: URL(filePath: "\(directory)/\(name)"))
    }

    func bytes(_ name: String) throws -> [UInt8] {
        Array(try Data(contentsOf: URL(filePath: "\(directory)/\(name)")))
    }

    func has(_ name: String) -> Bool { FileManager.default.fileExists(atPath: "\(directory)/\(name)") }

    func text(_ name: String) throws -> String {
        String(decoding: try bytes(name), as: UTF8.self)
    }
}
