import ClusterModel
import Glibc
import Logging

/// Lets this process have as many open files as a manager of a large cluster needs, or as many as the system allows it.
///
/// Most systems give a process 1024 until it asks for more. Answers how many it may have.
@discardableResult
func raiseOpenFiles(to wanted: Int = Limits.openFiles, logger: Logger) -> Int {
    var limit = rlimit()
    guard unsafe getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else { return 0 }
    if limit.rlim_cur < rlim_t(wanted) {
        limit.rlim_cur = min(rlim_t(wanted), limit.rlim_max)
        // Refused: then it stays as it was, which is what is read next.
        _ = unsafe setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
        _ = unsafe getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
    }
    let count = Int(clamping: limit.rlim_cur)
    if count < wanted {
        logger.notice(
            "fewer files may be open than the largest cluster needs (ulimit -n)", metadata: ["allowed": "\(count)", "needed": "\(wanted)"])
    }
    return count
}
