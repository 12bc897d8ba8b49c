package import ClusterModel
import Synchronization

/// Those who follow a log's head: what a keeper announces to, in whatever order its appends end.
package final class Followers: Sendable {
    private struct State {
        var streams: [Int: AsyncStream<LogHead>.Continuation] = [:]
        var nextStream = 0
        var newest = 0
        var finished = false
    }

    private let state = Mutex(State())

    package init() {}

    /// A stream of the heads announced from now on: the newest one only, when its reader is slow. Over at once after ``finish()``.
    package func follow() -> AsyncStream<LogHead> {
        let (stream, continuation) = AsyncStream.makeStream(of: LogHead.self, bufferingPolicy: .bufferingNewest(1))
        let id: Int? = state.withLock { state in
            guard !state.finished else { return nil }
            state.nextStream += 1
            state.streams[state.nextStream] = continuation
            return state.nextStream
        }
        guard let id else {
            continuation.finish()
            return stream
        }
        continuation.onTermination = { [weak self] _ in
            self?.state.withLock { _ = $0.streams.removeValue(forKey: id) }
        }
        return stream
    }

    /// Tells everyone about a new head. One that comes late, behind a newer one, is left out.
    package func announce(_ head: LogHead) {
        state.withLock { state in
            guard head.position > state.newest else { return }
            state.newest = head.position
            for stream in state.streams.values { stream.yield(head) }
        }
    }

    /// Ends all streams.
    package func finish() {
        // A stream that ends calls back for the lock: ended outside of it.
        let streams = state.withLock { state in
            state.finished = true
            return Array(state.streams.values)
        }
        for stream in streams { stream.finish() }
    }
}
