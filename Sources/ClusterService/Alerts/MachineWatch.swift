package import ClusterModel
package import Logging
import ServiceLifecycle

/// Keeps an alert for every machine that drifted, refused what it should run, or is away, until that is over.
///
/// Beside ``AlertWatch``, because it is the members that bring news, not the log and not the calendar.
package struct MachineWatch: Service {
    private let ledger: Ledger
    private let fleet: FleetService
    private let desk: AlertDesk
    private let clock: any Clock<Duration>
    private let logger: Logger
    private let heard: @Sendable (AlertBook.News) async -> Void

    /// `heard` is told what each look raised and cleared, once that is kept.
    package init(
        ledger: Ledger, fleet: FleetService, desk: AlertDesk, clock: any Clock<Duration> = ContinuousClock(), logger: Logger,
        heard: @escaping @Sendable (AlertBook.News) async -> Void = { _ in }
    ) {
        self.ledger = ledger
        self.fleet = fleet
        self.desk = desk
        self.clock = clock
        self.logger = logger
        self.heard = heard
    }

    package func run() async throws {
        for await _ in fleet.news().cancelOnGracefulShutdown() {
            var isKept = false
            while !isKept {
                isKept = await look()
                // After a commit ten thousand machines have something to say, and one look a second is enough for all of them.
                do { try await cancelWhenGracefulShutdown { try await clock.sleep(for: .seconds(1)) } } catch { return }
            }
        }
    }

    /// False when what it found could not be kept.
    private func look() async -> Bool {
        // Before the first state nothing is known of any machine, which is not that all is well.
        guard fleet.isServing else { return true }
        do throws(Refusal) {
            let told = try await desk.book().active
            let conditions = fleet.alertConditions(of: await ledger.state, told: told)
            for kind in FleetService.alertKinds {
                let news = try await desk.take(conditions[kind] ?? [], of: kind)
                for alert in news.raised { logger.warning("alert raised", metadata: alert.metadata) }
                for alert in news.cleared { logger.notice("alert cleared", metadata: alert.metadata) }
                if !news.isEmpty { await heard(news) }
            }
            return true
        } catch {
            logger.error("alerts cannot be kept", metadata: ["reason": "\(error.reason)"])
            return false
        }
    }
}

extension Alert {
    fileprivate var metadata: Logger.Metadata {
        ["alert": "\(id)", "kind": "\(condition.kind)", "what": "\(condition.text)"]
    }
}
