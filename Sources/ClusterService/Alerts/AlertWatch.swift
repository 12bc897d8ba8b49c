package import ClusterModel
package import Logging
import ServiceLifecycle
import Synchronization

/// Watches over what people must hear of: looks at the start, whenever the cluster changes, and when a day turns.
///
/// What holds is computed by values (``ClusterModel/ClusterState/expiryConditions(at:)``), what is new by ``ClusterModel/AlertBook``. It
/// looks beside everything else, at the newest state only, so that no commit waits for it.
package final class AlertWatch: Service {
    private let ledger: Ledger
    private let desk: AlertDesk
    private let now: WallClock
    private let clock: any Clock<Duration>
    private let logger: Logger
    private let heard: @Sendable (AlertBook.News) async -> Void
    /// When it looked last, and when it has to look again although nothing changes.
    private let turn = Mutex<(last: Timestamp, next: Timestamp)>((Timestamp(seconds: 0), Timestamp(seconds: 0)))

    /// Seconds until it looks again after it could not keep what it found.
    private static let retrySeconds: Int64 = 60

    /// `heard` is told what each look raised and cleared, once that is kept: the place for whoever carries alerts further.
    package init(
        ledger: Ledger, desk: AlertDesk, now: @escaping WallClock, clock: any Clock<Duration> = ContinuousClock(), logger: Logger,
        heard: @escaping @Sendable (AlertBook.News) async -> Void = { _ in }
    ) {
        self.ledger = ledger
        self.desk = desk
        self.now = now
        self.clock = clock
        self.logger = logger
        self.heard = heard
    }

    package func run() async throws {
        // One look is enough for whatever happened since the last.
        let (reasons, look) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask(name: "alerts/states", priority: .utility) {
                for await _ in await self.ledger.states().cancelOnGracefulShutdown() { look.yield() }
            }
            group.addTask(name: "alerts/days", priority: .utility) {
                while await self.waitForTurn() { look.yield() }
            }
            group.addTask(name: "alerts/looks", priority: .utility) {
                for await _ in reasons.cancelOnGracefulShutdown() { await self.look() }
            }
            _ = try await group.next()
            group.cancelAll()
        }
    }

    /// Waits until it is time to look although nothing changed; false when the service ends.
    private func waitForTurn() async -> Bool {
        while true {
            let (last, next) = turn.withLock { $0 }
            let left = next.seconds - now().seconds
            let wait = max(1, min(left, Int64(Limits.watchSeconds)))
            do {
                try await cancelWhenGracefulShutdown { try await self.clock.sleep(for: .seconds(wait)) }
            } catch {
                return false
            }
            if Task.isCancelled || Task.isShuttingDownGracefully { return false }
            // A clock that was set back has days to turn again.
            if now() >= next || now() < last { return true }
        }
    }

    private func look() async {
        let state = await ledger.state
        let time = now()
        do throws(Refusal) {
            let news = try await desk.take(state.expiryConditions(at: time), of: .certificateExpiring)
            turn.withLock { $0 = (time, state.nextExpiryTurn(after: time)) }
            guard !news.isEmpty else { return }
            tell(news)
            await heard(news)
        } catch {
            turn.withLock { $0 = (time, time.adding(seconds: AlertWatch.retrySeconds)) }
            logger.error("alerts cannot be kept", metadata: ["reason": "\(error.reason)"])
        }
    }

    private func tell(_ news: AlertBook.News) {
        for alert in news.raised {
            logger.warning(
                "alert raised", metadata: ["alert": "\(alert.id)", "kind": "\(alert.condition.kind)", "what": "\(alert.condition.text)"])
        }
        for alert in news.cleared {
            logger.notice(
                "alert cleared", metadata: ["alert": "\(alert.id)", "kind": "\(alert.condition.kind)", "what": "\(alert.condition.text)"])
        }
    }
}
