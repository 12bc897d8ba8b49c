import ClusterLog

import Glibc

/// Holds a data directory for one process, by `flock(2)` on the file `lock` in it. Let go by the last reference, or by the process's end.
final class DirectoryLock: Sendable {
    private let descriptor: CInt

    /// Takes the lock, or says who holds it.
    init(directory: String) throws(LogError) {
        let path = directory + "/lock"
        let descriptor = try PrivateFile.open(path, O_RDWR | O_CREAT)
        guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
            let code = errno
            let holder = code == EWOULDBLOCK ? PrivateFile.text(descriptor).flatMap { Int($0) } : nil
            close(descriptor)
            guard code == EWOULDBLOCK else { throw PrivateFile.failure("Locking \(path)", code) }
            let who = holder.map { "the process \($0)" } ?? "another process"
            throw LogError(
                .unavailable,
                "The data directory \(directory) is in use by \(who): one manager may run on it. Stop that one, or use another directory.")
        }
        PrivateFile.write(String(getpid()), to: descriptor)
        self.descriptor = descriptor
    }

    deinit {
        // A process that is being started may hold a copy of the descriptor for a moment: closing alone would not let go.
        _ = flock(descriptor, LOCK_UN)
        close(descriptor)
    }
}

/// The few calls to the system that the log makes itself.
enum PrivateFile {
    /// Opens a file that only its owner may read and write, whatever its mode was before.
    static func open(_ path: String, _ flags: CInt) throws(LogError) -> CInt {
        let descriptor = unsafe Glibc.open(path, flags | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw failure("Opening \(path)", errno) }
        guard fchmod(descriptor, 0o600) == 0 else {
            let code = errno
            close(descriptor)
            throw failure("Closing \(path) to other users", code)
        }
        return descriptor
    }

    /// Makes sure that a file is there, for its owner alone.
    static func create(_ path: String) throws(LogError) {
        close(try open(path, O_RDWR | O_CREAT))
    }

    /// Replaces what a file holds. It is there for people only: a failure changes nothing.
    static func write(_ text: String, to descriptor: CInt) {
        let bytes = Array(text.utf8)
        guard ftruncate(descriptor, 0) == 0 else { return }
        _ = unsafe pwrite(descriptor, bytes, bytes.count, 0)
    }

    /// The first few characters of a file.
    static func text(_ descriptor: CInt) -> String? {
        var bytes = [UInt8](repeating: 0, count: 32)
        let count = unsafe pread(descriptor, &bytes, bytes.count, 0)
        return count > 0 ? String(validating: bytes.prefix(count), as: UTF8.self) : nil
    }

    static func failure(_ what: String, _ code: CInt) -> LogError {
        LogError(.unavailable, "\(what) failed: \(unsafe String(cString: strerror(code))).")
    }
}
