import ClusterLog
import GRDB

extension LogError {
    /// What the database said, as the log's error; errors that are the log's already stay as they are.
    init(_ error: any Error, _ action: String, path: String) {
        if let error = error as? LogError {
            self = error
        } else if let error = error as? DatabaseError {
            self.init(database: error, action, path: path)
        } else {
            self = .damaged(path, "\(action) met a value of another kind than was written")
        }
    }

    /// A database that does not hold what was written to it.
    static func damaged(_ path: String, _ what: String) -> LogError {
        LogError(.corrupt, "The database \(path) is damaged: \(what). \(LogError.repair)")
    }

    private init(database error: DatabaseError, _ action: String, path: String) {
        // Not `error.description`, which has the statement in it.
        let said = error.message ?? "error \(error.extendedResultCode.rawValue)"
        switch error.resultCode {
        case .SQLITE_CORRUPT, .SQLITE_NOTADB, .SQLITE_ERROR, .SQLITE_MISMATCH, .SQLITE_FORMAT:
            // The statements are fixed: one that makes no sense to the database means tables that are not those of the log.
            self = .damaged(path, "\(action) failed (\(said))")
        case .SQLITE_FULL:
            self.init(.unavailable, "\(action) failed: the disk of \(path) is full. Nothing was changed; make room and try again.")
        case .SQLITE_BUSY, .SQLITE_LOCKED:
            self.init(.unavailable, "\(action) failed: another program keeps \(path) locked. End it and try again.")
        case .SQLITE_MISUSE:
            self = .closed
        default:
            self.init(.unavailable, "\(action) failed: \(said), in \(path).")
        }
    }
}
