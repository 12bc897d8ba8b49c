import ClusterModel
import Glibc

/// A lock on a file or directory (`flock`): it ends with its owner, and with the process at the latest.
final class DirectoryLock: Sendable {
    private let file: Int32

    private init(file: Int32) { self.file = file }

    deinit {
        // A process that is being started may hold a copy of the descriptor for a moment: closing alone would not let go.
        _ = flock(file, LOCK_UN)
        _ = close(file)
    }

    /// Holds the lock file; nil when somebody else does.
    static func attempt(_ path: String) throws(Refusal) -> DirectoryLock? {
        let lock = try opened(path, O_RDWR | O_CREAT)
        if flock(lock.file, LOCK_EX | LOCK_NB) == 0 { return lock }
        guard errno == EWOULDBLOCK else { throw failure(path) }
        return nil
    }

    /// Waits for a directory to be free. Its holders change a few files and let go.
    static func wait(_ path: String) throws(Refusal) -> DirectoryLock {
        let lock = try opened(path, O_RDONLY | O_DIRECTORY)
        while flock(lock.file, LOCK_EX) != 0 {
            guard errno == EINTR else { throw failure(path) }
        }
        return lock
    }

    private static func opened(_ path: String, _ flags: Int32) throws(Refusal) -> DirectoryLock {
        let file = unsafe open(path, flags | O_CLOEXEC, 0o600)
        guard file >= 0 else { throw failure(path) }
        return DirectoryLock(file: file)
    }

    private static func failure(_ path: String) -> Refusal {
        let reason = unsafe String(cString: strerror(errno))
        return Refusal(.unavailable, "Muster cannot lock \(path): \(reason).")
    }
}
