import ClusterModel
import FoundationEssentials
import Gateways
import Glibc
import SMTPFixtures
import Testing

/// What happens where a gateway's files do not fit.
@Suite(
    "A full disk takes nothing that is served", .timeLimit(.minutes(2)), .enabled(if: GatewayLab.mayMount, "only root mounts a disk"))
struct FullDiskTests {
    @Test(arguments: GatewayKeeper.here.filter { $0.place != nil })
    func `nothing changes however much of a change still fits, and it comes into force when there is room`(_ keeper: GatewayKeeper)
        async throws
    {
        try await GatewayLab.with(keeper) { lab in
            try await lab.onSmallDisk { disk in
                let gateway = try lab.gateway()
                var fixture = try await keeper.fixture()
                try await gateway.apply(try fixture.configuration)
                let (old, files, marks) = (try await fixture.served(), disk.files, lab.marks)
                fixture.certificates["web"] = try await .make("new.example")
                fixture.authorities["partners"] = try await TestCertificate.make("authority.example").list
                let next = try fixture.configuration
                var pages = 0
                while let refusal = await refusal(of: next, by: gateway, on: disk, leaving: pages) {
                    #expect(refusal.code == .unavailable)
                    #expect(refusal.reason.contains(" \(disk.path)/"))
                    #expect(refusal.reason.contains(": No space left on device. Make room there (df -h \(disk.path)"))
                    #expect(disk.files == files, "with \(pages) pages")
                    #expect(lab.marks == marks)
                    #expect(try await fixture.served() == old)
                    pages += 1
                    try #require(pages < 40)
                }
                // Each file takes one at least.
                #expect(pages > 2)
                #expect(try await fixture.served() == fixture.certificates["web"]?.fingerprint)
                await gateway.stop()
            }
        }
    }

    private func refusal(
        of configuration: GatewayConfiguration, by gateway: any Gateway, on disk: SmallDisk, leaving pages: Int
    ) async -> Refusal? {
        disk.fill(leaving: pages)
        do throws(Refusal) { try await gateway.apply(configuration) } catch { return error }
        return nil
    }
}

/// A disk of 64 pages.
struct SmallDisk: Sendable {
    let path: String

    private var filler: String { "\(path)/filler" }

    /// What lies on it, but for what fills it.
    var files: [String] {
        ((try? FileManager.default.subpathsOfDirectory(atPath: path)) ?? []).filter { $0 != "filler" }.sorted()
    }

    /// Leaves so many pages free.
    func fill(leaving pages: Int) {
        try? FileManager.default.removeItem(atPath: filler)
        var facts = statvfs()
        guard unsafe statvfs(path, &facts) == 0 else { return }
        let size = max(0, Int(facts.f_bavail) - pages) * Int(facts.f_bsize)
        _ = FileManager.default.createFile(atPath: filler, contents: Data(count: size))
    }
}

extension GatewayLab {
    /// Whether this process may mount a disk. CI must: there it is tried, and fails if it cannot.
    static var mayMount: Bool { unsafe geteuid() == 0 || getenv("CI") != nil }

    /// Runs a body with a small disk in the place of the gateway's files; what lay there lies on it.
    func onSmallDisk(_ body: (SmallDisk) async throws -> Void) async throws {
        let disk = SmallDisk(path: "\(directory)/\(try #require(keeper.place))")
        try FileManager.default.createDirectory(atPath: disk.path, withIntermediateDirectories: true)
        let main = FileManager.default.contents(atPath: "\(disk.path)/main.cf")
        let isMounted = unsafe mount("tmpfs", disk.path, "tmpfs", 0, "size=256k,mode=0755") == 0
        try #require(isMounted)
        defer { _ = unsafe umount2(disk.path, 2) }  // MNT_DETACH
        if let main { try main.write(to: URL(filePath: "\(disk.path)/main.cf")) }
        try await body(disk)
    }
}
