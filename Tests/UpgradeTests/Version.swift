import ClusterModel
import FoundationEssentials
import Testing

/// What a version of Muster left behind: `ClusterFixtures/VersionN`.
struct Version: Sendable, CustomTestStringConvertible {
    var number: Int

    /// Every version whose leavings are kept. All are read by today's code.
    static let all: [Version] = [Version(number: 1)]

    /// The version to write, if somebody asked for that: `MUSTER_WRITE_VERSION=2`.
    static let written: Version? = ProcessInfo.processInfo.environment["MUSTER_WRITE_VERSION"].flatMap(Int.init).map(Version.init)

    private static let root = #filePath.split(separator: "/").dropLast(3).map { "/\($0)" }.joined()

    var directory: String { "\(Version.root)/ClusterFixtures/Version\(number)" }
    var testDescription: String { "version \(number)" }

    func path(_ name: String) -> String { "\(directory)/\(name)" }

    func text(_ name: String) throws -> String { try String(contentsOfFile: path(name), encoding: .utf8) }

    /// What was true of the cluster when it was left, by the words of the version that left it.
    struct Facts: Codable, Hashable {
        var cluster: String
        var position: Int
        var head: Digest
        var epoch: Int
        var revision: Int
        var machines: [String]
        var keys: Int
        var chains: Int
        /// What the machine `mx1` gets, and what lies on its disk.
        var digest: Digest
        /// The kinds of events in the log.
        var events: [String]
    }

    func facts() throws -> Facts { try JSONValue(parsing: text("facts.json").utf8).decode(Facts.self) }

    /// Lends a copy of a directory or file of the version: what is read may be changed by that, and only its owner may read it.
    func withCopy<Result>(of names: String..., body: (String) async throws -> Result) async throws -> Result {
        try await withScratch { scratch in
            for name in names { try FileManager.default.copyItem(atPath: path(name), toPath: "\(scratch)/\(name)") }
            return try await body(scratch)
        }
    }
}

/// Lends a directory that is gone afterwards.
func withScratch<Result>(_ body: (String) async throws -> Result) async throws -> Result {
    let directory = FileManager.default.temporaryDirectory.appending(path: "muster-upgrade-\(UUID().uuidString.prefix(8))").path()
    try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: false)
    defer { try? FileManager.default.removeItem(atPath: directory) }
    return try await body(directory)
}
