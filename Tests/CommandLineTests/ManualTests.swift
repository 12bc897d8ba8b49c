import ClusterModel
import FoundationEssentials
import Subprocess
import Testing

/// The manual under Docs/man is what the commands say of themselves. With MUSTER_UPDATE_GOLDEN set, it is written anew.
@Suite("The manual", .timeLimit(.minutes(2)))
struct ManualTests {
    private static let folder = URL(filePath: #filePath).appending(path: "../../../Docs/man").standardized.path

    private func pages() async throws -> [ManualPage] {
        let dump = try await muster(["--experimental-dump-help"])
        let command = try #require(JSONValue(parsing: dump.output.utf8)["command"])
        let version = try await muster(["--version"]).output.filter { $0 != "\n" }
        return ManualPage.all(of: command, version: version)
    }

    @Test func `every command has its page, which says what the command says`() async throws {
        let pages = try await pages()
        #expect(pages.count > 20)
        if ProcessInfo.processInfo.environment["MUSTER_UPDATE_GOLDEN"] != nil {
            try? FileManager.default.removeItem(atPath: Self.folder)  // on the first run there is none
            try FileManager.default.createDirectory(atPath: Self.folder, withIntermediateDirectories: true)
            for page in pages {
                try page.text.write(to: URL(filePath: "\(Self.folder)/\(page.name).1"), atomically: true, encoding: .utf8)
            }
        }
        let files = try FileManager.default.contentsOfDirectory(atPath: Self.folder)
        #expect(Set(files) == Set(pages.map { "\($0.name).1" }))
        for page in pages {
            let stored = try? String(contentsOf: URL(filePath: "\(Self.folder)/\(page.name).1"), encoding: .utf8)
            #expect(stored == page.text, "\(page.name).1 is not what the command says; write it with MUSTER_UPDATE_GOLDEN=1")
        }
    }

    @Test func `every page reads in man as it should`() async throws {
        for page in try await pages() {
            let printed = try await Subprocess.run(
                .name("groff"), arguments: ["-man", "-Tascii", "-ww", "-P-cbou"], input: .string(page.text),
                output: .string(limit: 1 << 20),
                error: .string(limit: 1 << 16))
            #expect(printed.terminationStatus.isSuccess && printed.standardError == "", "\(page.name): \(printed.standardError)")
            guard page.name == "muster-cert" else { continue }
            for line in [
                "       muster-cert - Make, import and look at certificates.", "   muster cert csr",
                "         muster commit --wait -m \"Certificates for mail\"",
            ] {
                #expect(
                    printed.standardOutput.split(separator: "\n").contains(Substring(line)), "no \"\(line)\" in\n\(printed.standardOutput)")
            }
        }
    }
}
