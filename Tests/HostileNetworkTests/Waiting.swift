/// Asks again and again, a moment apart, until there is an answer; nil when the time runs out. The one place where these tests wait.
func poll<Answer>(within limit: Duration, every pause: Duration = .milliseconds(100), _ question: () async throws -> Answer?) async throws
    -> Answer?
{
    let clock = ContinuousClock()
    let end = clock.now + limit
    while true {
        if let answer = try await question() { return answer }
        guard clock.now + pause < end else { return nil }
        try await clock.sleep(for: pause)
    }
}

/// Lets so much time pass.
func pass(_ time: Duration) async throws {
    _ = try await poll(within: time + .milliseconds(1), every: time) { () -> Bool? in nil }
}
