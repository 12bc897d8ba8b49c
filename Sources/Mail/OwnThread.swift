import ClusterModel
import Glibc

/// Runs something that blocks on a thread of its own, so that the few threads of the concurrency pool go on.
///
/// The thread ends with the work: whoever calls keeps the number of them small, and the work bounded.
func onOwnThread<Result: Sendable>(_ work: @escaping @Sendable () throws(Refusal) -> Result) async throws(Refusal) -> Result {
    let outcome: Swift.Result<Result, Refusal> = await withCheckedContinuation { continuation in
        let job = Job {
            do throws(Refusal) { continuation.resume(returning: .success(try work())) } catch {
                continuation.resume(returning: .failure(error))
            }
        }
        if !job.start() {
            continuation.resume(returning: .failure(Refusal(.unavailable, "The system has no thread to spare. Try again in a while.")))
        }
    }
    return try outcome.get()
}

private final class Job: Sendable {
    private let work: @Sendable () -> Void

    init(_ work: @escaping @Sendable () -> Void) { self.work = work }

    /// False where there is no thread to be had; nothing has run then.
    func start() -> Bool {
        var attributes = pthread_attr_t()
        unsafe pthread_attr_init(&attributes)
        defer { unsafe pthread_attr_destroy(&attributes) }
        unsafe pthread_attr_setdetachstate(&attributes, Int32(PTHREAD_CREATE_DETACHED))
        var thread = pthread_t()
        // The thread takes the one reference over.
        let reference = unsafe Unmanaged.passRetained(self)
        let problem = unsafe pthread_create(
            &thread, &attributes,
            { context in
                guard let context = unsafe context else { return nil }
                unsafe Unmanaged<Job>.fromOpaque(context).takeRetainedValue().work()
                return nil
            }, reference.toOpaque())
        if problem != 0 { unsafe reference.release() }
        return problem == 0
    }
}
