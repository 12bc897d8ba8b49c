import FoundationEssentials
import Glibc
import SystemPackage
import Testing

/// A disk that can be filled: a file system in memory, mounted over a directory. Needs root.
struct SmallDisk {
    let path: String

    /// Whether this process may mount a disk. CI must: there it is tried, and fails if it cannot.
    static var isPossible: Bool { unsafe geteuid() == 0 || getenv("CI") != nil }

    /// Moves what is in a directory onto a disk of so many bytes for as long as the body takes.
    static func at(_ path: String, bytes: Int, _ body: (SmallDisk) async throws -> Void) async throws {
        let manager = FileManager.default
        let before = "\(path).before"
        try manager.moveItem(atPath: path, toPath: before)
        try manager.createDirectory(atPath: path, withIntermediateDirectories: false)
        guard unsafe mount("tmpfs", path, "tmpfs", 0, "size=\(bytes),mode=0700") == 0 else { throw Errno(rawValue: errno) }
        defer { _ = unsafe umount2(path, 2) }  // MNT_DETACH: whoever has it open keeps it until then
        for name in try manager.contentsOfDirectory(atPath: before) {
            try manager.copyItem(atPath: "\(before)/\(name)", toPath: "\(path)/\(name)")
        }
        try await body(SmallDisk(path: path))
    }

    private var filler: String { "\(path)/filler" }
    private static let page = 4096

    /// Fills it but for some pages.
    func fill(leaving pages: Int = 0) throws {
        let file = try FileDescriptor.open(FilePath(filler), .writeOnly, options: [.create, .truncate], permissions: .ownerReadWrite)
        defer { try? file.close() }
        let bytes = [UInt8](repeating: 1, count: SmallDisk.page)
        var size = 0
        while let count = try? file.writeAll(bytes), count > 0 { size += count }
        guard ftruncate(file.rawValue, max(0, size - pages * SmallDisk.page)) == 0 else { throw Errno(rawValue: errno) }
    }

    /// Makes room again.
    func clear() throws { try FileManager.default.removeItem(atPath: filler) }
}
