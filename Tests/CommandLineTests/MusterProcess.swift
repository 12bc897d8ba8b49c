import AdminClient
import FoundationEssentials
import Subprocess
import SystemPackage
import Testing

/// What a run of the built binary left behind.
struct Run: Sendable {
    var status: Int
    var output: String
    var error: String
}

/// The binary beside the tests.
var musterBinary: URL {
    // Where there is no such link, nothing runs, and every test says so.
    let tests = (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")) ?? ""
    return URL(filePath: tests).deletingLastPathComponent().appending(path: "muster")
}

/// Runs the binary beside the tests, with a home of its own and no terminal.
func muster(
    _ arguments: [String], profile: Profile? = nil, input: String = "", environment more: [String: String] = [:]
) async throws -> Run {
    try await withScratch { directory in
        var environment = ["HOME": directory, "PATH": "/usr/bin:/bin"].merging(more) { $1 }
        if let profile {
            let path = "\(directory)/profile.json"
            try profile.fileContent.write(toFile: path, atomically: true, encoding: .utf8)
            environment["MUSTER_PROFILE"] = path
        }
        let keyed = Dictionary(uniqueKeysWithValues: environment.map { (Environment.Key(stringLiteral: $0.key), $0.value) })
        let result = try await Subprocess.run(
            .path(FilePath(musterBinary.path())), arguments: Arguments(arguments), environment: .custom(keyed), input: .string(input),
            output: .string(limit: 4 << 20), error: .string(limit: 1 << 20))
        let status: Int = if case .exited(let code) = result.terminationStatus { Int(code) } else { -1 }
        return Run(status: status, output: result.standardOutput, error: result.standardError)
    }
}

/// Lends a directory that is gone afterwards.
func withScratch<Result>(_ body: (String) async throws -> Result) async throws -> Result {
    let directory = FileManager.default.temporaryDirectory.appending(path: "muster-test-\(UUID().uuidString)").path()
    try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(atPath: directory) }
    return try await body(directory)
}

/// Compares text with a file under Golden. With MUSTER_UPDATE_GOLDEN set it writes the file instead.
func expectGolden(_ text: String, _ name: String, sourceLocation: SourceLocation = #_sourceLocation) throws {
    let file = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "Golden/\(name).txt")
    if ProcessInfo.processInfo.environment["MUSTER_UPDATE_GOLDEN"] != nil {
        try text.write(to: file, atomically: true, encoding: .utf8)
    }
    let expected = (try? String(contentsOf: file, encoding: .utf8)) ?? "there is no such file; run with MUSTER_UPDATE_GOLDEN=1"
    #expect(text == expected, sourceLocation: sourceLocation)
}
