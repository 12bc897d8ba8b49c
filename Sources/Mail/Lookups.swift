package import ClusterModel
import Synchronization

/// The look-ups that a manager makes for those who ask it to: few at once, and not too many a minute, so that nobody wears down a DNS
/// server, or the manager, through it.
package final class Lookups: Sendable {
    private let gate = Mutex(LookupGate())

    package init() {}

    /// ``MailExchangers/lookup(_:resolver:)``, or a refusal with `limit` while there are too many.
    package func exchangers(of domain: String, resolver: NameServer?) async throws(Refusal) -> MailExchangers {
        // What is no domain costs nobody a place.
        let domain = try MailExchangers.check(domain: domain)
        try gate.withLock { gate throws(Refusal) in try gate.enter(at: .now) }
        defer { gate.withLock { $0.leave() } }
        return try await MailExchangers.lookup(domain, resolver: resolver)
    }
}

/// Decides who may look up now.
package struct LookupGate: Sendable {
    private var running = 0
    /// When those of the last minute began, the oldest first.
    private var begun: [ContinuousClock.Instant] = []

    package init() {}

    package mutating func enter(at now: ContinuousClock.Instant) throws(Refusal) {
        begun.removeAll { $0 + .seconds(60) <= now }
        guard running < Limits.lookups else {
            throw Refusal(.limit, "\(running) look-ups are under way, and there are no more at once. Ask again in a few seconds.")
        }
        guard begun.count < Limits.lookupsPerMinute else {
            throw Refusal(.limit, "\(begun.count) look-ups were made within a minute, and there are no more. Ask again in a minute.")
        }
        running += 1
        begun.append(now)
    }

    package mutating func leave() { running -= 1 }
}
