import Synchronization

/// A clock that a test turns by hand.
final class ManualClock: Clock {
    struct Instant: InstantProtocol {
        var offset: Duration
        func advanced(by duration: Duration) -> Instant { Instant(offset: offset + duration) }
        func duration(to other: Instant) -> Duration { other.offset - offset }
        static func < (left: Instant, right: Instant) -> Bool { left.offset < right.offset }
    }

    private struct State {
        var now = Instant(offset: .zero)
        var sleepers: [Int: (asked: Duration, deadline: Instant, wake: CheckedContinuation<Void, any Error>)] = [:]
        var cancelled: Set<Int> = []
        var next = 0
    }

    private let state = Mutex(State())
    /// Each time that somebody lies down.
    private let sleeps: AsyncStream<Void>
    private let sleeping: AsyncStream<Void>.Continuation

    init() { (sleeps, sleeping) = AsyncStream.makeStream() }

    var now: Instant { state.withLock { $0.now } }
    var minimumResolution: Duration { .zero }

    func sleep(until deadline: Instant, tolerance: Duration?) async throws {
        let id = state.withLock { state in
            state.next += 1
            return state.next
        }
        try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { (wake: CheckedContinuation<Void, any Error>) in
                let (isDue, isCancelled) = state.withLock { state in
                    let isCancelled = state.cancelled.remove(id) != nil
                    let isDue = deadline <= state.now
                    if !isCancelled, !isDue { state.sleepers[id] = (state.now.duration(to: deadline), deadline, wake) }
                    return (isDue, isCancelled)
                }
                if isCancelled { wake.resume(throwing: CancellationError()) } else if isDue { wake.resume() }
                sleeping.yield()
            }
        } onCancel: {
            let sleeper = state.withLock { state in
                let sleeper = state.sleepers.removeValue(forKey: id)
                if sleeper == nil { state.cancelled.insert(id) }
                return sleeper
            }
            sleeper?.wake.resume(throwing: CancellationError())
        }
    }

    /// Waits until somebody sleeps for such a time, and turns the clock to the end of it.
    func wake(where fits: (Duration) -> Bool) async {
        while !Task.isCancelled {
            if let asked = state.withLock({ $0.sleepers.values.map(\.asked).first(where: fits) }) { return advance(by: asked) }
            _ = await sleeps.first { _ in true }
        }
    }

    /// The agent's second goes by.
    func tick() async { await wake { $0 == .seconds(1) } }

    /// Turns the clock and wakes who is due.
    private func advance(by duration: Duration) {
        let due = state.withLock { state in
            state.now = state.now.advanced(by: duration)
            let due = state.sleepers.filter { $0.value.deadline <= state.now }
            for id in due.keys { state.sleepers[id] = nil }
            return due.values.map(\.wake)
        }
        for wake in due { wake.resume() }
    }
}
