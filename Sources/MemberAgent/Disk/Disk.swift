import ClusterModel
import Glibc

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// The few file operations that a state directory is kept with. Paths are relative to its root; "" is the root.
///
/// Files are 0600 and directories 0700. Nothing tidies up after a failure: what is left then is what a crash would leave,
/// and is cleared away the same way, at the next start or the next change.
struct Disk: Sendable {
    let root: String
    let faults: any DiskFaults

    func absolute(_ path: String) -> String { path.isEmpty ? root : "\(root)/\(path)" }

    // MARK: - Changing

    func makeDirectory(_ path: String) throws(Refusal) {
        try faults.before(DiskStep(.makeDirectory, path))
        guard unsafe mkdir(absolute(path), 0o700) == 0 else { throw failure("make the directory", path) }
    }

    /// Makes a directory and those above it that are missing.
    func makeDirectories(_ path: String) throws(Refusal) {
        try faults.before(DiskStep(.makeDirectory, path))
        do {
            try FileManager.default.createDirectory(
                atPath: absolute(path), withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
        } catch {
            throw Refusal(.unavailable, "Muster cannot make the directory \(absolute(path)): \(error)")
        }
    }

    /// Lets nobody but the owner into a directory.
    func protect(_ path: String) throws(Refusal) {
        guard unsafe chmod(absolute(path), 0o700) == 0 else { throw failure("protect", path) }
    }

    /// Writes a new file and waits until it is on the disk.
    func create(_ path: String, _ bytes: [UInt8]) throws(Refusal) {
        try faults.before(DiskStep(.create, path))
        let file = unsafe open(absolute(path), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0o600)
        guard file >= 0 else { throw failure("create", path) }
        defer { _ = close(file) }
        try faults.before(DiskStep(.write, path))
        var rest = bytes[...]
        while !rest.isEmpty {
            let count = unsafe rest.withUnsafeBytes { unsafe write(file, $0.baseAddress, $0.count) }
            guard count >= 0 || errno == EINTR else { throw failure("write", path) }
            rest = rest.dropFirst(max(0, count))
        }
        try faults.before(DiskStep(.sync, path))
        guard fsync(file) == 0 else { throw failure("write", path) }
    }

    /// Waits until the names in a directory are on the disk.
    func sync(_ path: String) throws(Refusal) {
        try faults.before(DiskStep(.sync, path))
        let directory = unsafe open(absolute(path), O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard directory >= 0 else { throw failure("open", path) }
        defer { _ = close(directory) }
        guard fsync(directory) == 0 else { throw failure("write", path) }
    }

    /// One step: afterwards the new name is the old content, and no moment is between.
    func rename(_ path: String, to new: String) throws(Refusal) {
        try faults.before(DiskStep(.rename, new))
        guard unsafe Glibc.rename(absolute(path), absolute(new)) == 0 else { throw failure("put in place", new) }
    }

    func link(_ path: String, to destination: String) throws(Refusal) {
        try faults.before(DiskStep(.link, path))
        guard unsafe symlink(destination, absolute(path)) == 0 else { throw failure("create", path) }
    }

    /// Removes a file, a link or a directory with all in it; nothing there is well too.
    func remove(_ path: String) throws(Refusal) {
        var facts = stat()
        guard unsafe lstat(absolute(path), &facts) == 0 else { return }
        let isDirectory = facts.st_mode & S_IFMT == S_IFDIR
        if isDirectory {
            for name in try list(path) {
                try remove("\(path)/\(name)")
            }
        }
        try faults.before(DiskStep(.remove, path))
        guard unsafe (isDirectory ? rmdir(absolute(path)) : unlink(absolute(path))) == 0 else { throw failure("remove", path) }
    }

    /// Replaces a file in one step, durably. The name beside it begins with a dot, so that leftovers are told apart.
    func replace(_ name: String, with bytes: [UInt8]) throws(Refusal) {
        let aside = ".new-\(name)"
        try remove(aside)
        try create(aside, bytes)
        try rename(aside, to: name)
        try sync("")
    }

    // MARK: - Looking

    /// What a file holds; nil when there is none.
    func read(_ path: String, limit: Int) throws(Refusal) -> [UInt8]? {
        let file = unsafe open(absolute(path), O_RDONLY | O_CLOEXEC | O_NOFOLLOW)
        guard file >= 0 else {
            if errno == ENOENT || errno == ENOTDIR { return nil }
            throw failure("read", path)
        }
        defer { _ = close(file) }
        var bytes: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 64 << 10)
        while true {
            let count = unsafe buffer.withUnsafeMutableBytes { unsafe Glibc.read(file, $0.baseAddress, $0.count) }
            guard count >= 0 || errno == EINTR else { throw failure("read", path) }
            guard count != 0 else { return bytes }
            bytes += buffer.prefix(max(0, count))
            guard bytes.count <= limit else { throw Refusal(.limit, "\(absolute(path)) has over \(limit) bytes.") }
        }
    }

    /// The names in a directory, sorted; none when it is not there.
    func list(_ path: String) throws(Refusal) -> [String] {
        guard exists(path) else { return [] }
        do {
            return try FileManager.default.contentsOfDirectory(atPath: absolute(path)).sorted()
        } catch {
            throw Refusal(.unavailable, "The directory \(absolute(path)) cannot be read: \(error)")
        }
    }

    func exists(_ path: String) -> Bool {
        var facts = stat()
        return unsafe lstat(absolute(path), &facts) == 0
    }

    /// What tells a file from what it was before, without reading it; nil when there is none.
    func mark(_ path: String) -> FileMark? {
        var facts = stat()
        guard unsafe lstat(absolute(path), &facts) == 0 else { return nil }
        let (written, changed) = (facts.st_mtim, facts.st_ctim)
        return FileMark(
            file: facts.st_ino, bytes: facts.st_size, written: [written.tv_sec, written.tv_nsec],
            changed: [changed.tv_sec, changed.tv_nsec])
    }

    /// Where a symbolic link points; nil when there is none.
    func destination(ofLink path: String) -> String? {
        // Why there is none does not matter to who asks.
        try? FileManager.default.destinationOfSymbolicLink(atPath: absolute(path))
    }

    private func failure(_ attempt: String, _ path: String) -> Refusal {
        let reason = unsafe String(cString: strerror(errno))
        return Refusal(.unavailable, "Muster cannot \(attempt) \(absolute(path)): \(reason).")
    }
}

/// What a file system says of a file: whoever changes the content changes this.
struct FileMark: Hashable, Sendable {
    var file: UInt
    var bytes: Int
    /// When the content was written, and when anything of the file was changed, which nobody can set back; seconds and nanoseconds.
    var written: [Int]
    var changed: [Int]
}
