import ClusterModel
import FoundationEssentials
import Glibc

/// A directory whose files are changed so that a crash or a full disk leaves the old or the new, and never half of it. Paths are below it.
protocol DurableDirectory: Sendable {
    var directory: String { get }
    /// What directories that it makes may be used for, and by whom.
    static var directoryMode: mode_t { get }
    static var fileMode: mode_t { get }
    /// By how many seconds files are said to be older than they are.
    static var age: Int { get }
}

extension DurableDirectory {
    func absolute(_ path: String) -> String { path.isEmpty ? directory : "\(directory)/\(path)" }

    /// Of a link itself, whatever it leads to.
    func exists(_ path: String) -> Bool { FileFacts(absolute(path), ofLink: true) != nil }

    /// What a link leads to, as it says; nil for none, whyever.
    func destination(of link: String) -> String? {
        // Why there is none does not matter here.
        try? FileManager.default.destinationOfSymbolicLink(atPath: absolute(link))
    }

    /// The generations in a folder, which are called by their numbers; none before the first.
    func numbers(in folder: String) -> [Int] {
        // What cannot be looked into holds no generation that could be read.
        ((try? FileManager.default.contentsOfDirectory(atPath: absolute(folder))) ?? []).compactMap { Int($0) }
    }

    func makeDirectory(_ path: String, mode: mode_t = Self.directoryMode) throws(Refusal) {
        guard unsafe mkdir(absolute(path), mode) == 0 || errno == EEXIST else {
            throw failure("make the directory", path, errno)
        }
    }

    /// Makes a file that was not there, or none.
    func create(_ path: String, _ text: String, mode: mode_t = Self.fileMode) throws(Refusal) {
        let file = unsafe open(absolute(path), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, mode)
        guard file >= 0 else { throw failure("create", path, errno) }
        defer { _ = close(file) }
        guard fill(file, text, mode) else {
            let code = errno
            _ = unsafe unlink(absolute(path))
            throw failure("write", path, code)
        }
    }

    /// False, and `errno`, where it did not work.
    private func fill(_ file: Int32, _ text: String, _ mode: mode_t) -> Bool {
        var rest = Array(text.utf8)[...]
        while !rest.isEmpty {
            let count = unsafe rest.withUnsafeBytes { unsafe Glibc.write(file, $0.baseAddress, $0.count) }
            guard count >= 0 || errno == EINTR else { return false }
            rest = rest.dropFirst(max(0, count))
        }
        let then = timespec(tv_sec: time(nil) - Self.age, tv_nsec: 0)
        // The mode whatever the process's mask says.
        return unsafe fchmod(file, mode) == 0 && (Self.age == 0 || futimens(file, [then, then]) == 0) && fsync(file) == 0
    }

    /// Makes a directory aside and has it filled, then gives it its name: half of it is never seen under that.
    func makeWhole(_ path: String, _ fill: (_ aside: String) throws(Refusal) -> Void) throws(Refusal) {
        let aside = "\(path).new"
        try remove(aside)
        do throws(Refusal) {
            try makeDirectory(aside)
            try fill(aside)
            try sync(aside)
            try move(aside, to: path)
        } catch {
            // What stays is removed the next time.
            try? remove(aside)
            throw error
        }
    }

    /// Makes a link lead somewhere else, in one step.
    func link(_ path: String, to destination: String) throws(Refusal) {
        try remove("\(path).new")
        guard unsafe symlink(destination, absolute("\(path).new")) == 0 else { throw failure("create", path, errno) }
        try move("\(path).new", to: path)
    }

    func move(_ path: String, to new: String) throws(Refusal) {
        guard unsafe rename(absolute(path), absolute(new)) == 0 else { throw failure("put in place", new, errno) }
        try sync(String(new[..<(new.lastIndex(of: "/") ?? new.startIndex)]))
    }

    /// With all that is in it.
    func remove(_ path: String) throws(Refusal) {
        guard exists(path) else { return }
        do { try FileManager.default.removeItem(atPath: absolute(path)) } catch {
            throw Refusal(.unavailable, "Muster cannot remove \(absolute(path)): \(error)")
        }
    }

    /// Waits until the names in a directory are on the disk.
    func sync(_ path: String) throws(Refusal) {
        let folder = unsafe open(absolute(path), O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard folder >= 0 else { throw failure("open", path, errno) }
        defer { _ = close(folder) }
        guard fsync(folder) == 0 else { throw failure("write", path, errno) }
    }

    /// What to say of an attempt that did not work.
    func failure(_ attempt: String, _ path: String, _ code: Int32) -> Refusal {
        let reason = unsafe String(cString: strerror(code))
        let remedy =
            switch code {
            case ENOSPC, EDQUOT: " Make room there (df -h \(directory)), then: muster machine retry, or apply it once more."
            case EROFS: " Make the disk writable, then: muster machine retry, or apply it once more."
            default: ""
            }
        return Refusal(.unavailable, "Muster cannot \(attempt) \(absolute(path)): \(reason).\(remedy)")
    }
}
