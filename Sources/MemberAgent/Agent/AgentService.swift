package import ClusterModel
package import Gateways
package import Logging
package import Replication
import ServiceLifecycle

/// A machine's agent: serves what lies on its disk, follows its manager, and says how it is.
///
/// One loop takes one event at a time, so that the gateway is never asked twice at once. A manager is not needed to start
/// or to serve. Every second it looks at the disk for what commands have changed there: new settings of a standalone
/// machine, a join, a leave.
package actor AgentService {
    let directory: StateDirectory
    let connector: any ManagerConnector
    let gateway: any Gateway
    let installer: Installer
    let clock: any Clock<Duration>
    let now: WallClock
    let knowledge: AgentKnowledge
    let logger: Logger
    let onReady: @Sendable () -> Void
    let onStatus: @Sendable (AgentStatus) -> Void
    let events: AsyncStream<AgentEvent>
    let feed: AsyncStream<AgentEvent>.Continuation
    /// What managers ask, with the number of the connection. It is answered beside the loop, which may be busy for a minute.
    private let questions: (stream: AsyncStream<(Int, Question)>, continuation: AsyncStream<(Int, Question)>.Continuation)

    /// The generation in force on the disk, as this agent knows it.
    var current: Generation?
    /// Whether the gateway has it in force.
    var isInForce = false
    var retries = Retries()
    var looks: Looks
    /// Whether the agent puts right by itself what it finds changed.
    let mends: Bool
    /// That of a standalone machine; a member's follower has its own.
    var mending: Mending
    var following: Following?
    /// How many attempts to connect there were.
    var dials = 0
    var generator: any RandomNumberGenerator & Sendable
    var board: StatusBoard

    /// An agent on this state directory.
    ///
    /// `onReady` is called once, when what was in force before is in force again (or was tried); `onStatus` with each new status,
    /// after it is written; `knowledge` is what the agent says that it understands; `looks` is how often, in seconds, it looks by itself
    /// whether what is in force is still what it applied, and `mends` whether it puts that right by itself. Refuses with `not-found` when
    /// there is no machine in the directory.
    package init(
        directory: StateDirectory, gateway: any Gateway, prober: any Prober, connector: any ManagerConnector,
        clock: any Clock<Duration> = ContinuousClock(), now: @escaping WallClock,
        knowledge: AgentKnowledge = .ofThisAgent, looks: ClosedRange<Int> = Limits.lookSeconds, mends: Bool = false,
        generator: any RandomNumberGenerator & Sendable = SystemRandomNumberGenerator(), logger: Logger,
        onReady: @escaping @Sendable () -> Void = {}, onStatus: @escaping @Sendable (AgentStatus) -> Void = { _ in }
    ) throws(Refusal) {
        self.directory = directory
        self.connector = connector
        self.gateway = gateway
        self.clock = clock
        self.now = now
        let machine = try directory.machine()
        self.knowledge = knowledge.driving(machine.gateway)
        self.logger = logger
        self.onReady = onReady
        self.onStatus = onStatus
        self.generator = generator
        installer = Installer(directory: directory, gateway: gateway, prober: prober, clock: clock, logger: logger)
        board = StatusBoard(name: machine.name, now: now)
        (events, feed) = AsyncStream.makeStream()
        // A manager asks one thing at a time; who asks more is heard later, or not at all.
        questions = AsyncStream.makeStream(bufferingPolicy: .bufferingOldest(AgentService.waitingQuestions))
        self.looks = Looks(every: looks)
        self.mends = mends
        mending = Mending(isOn: mends)
    }

    private static let waitingQuestions = 4

    /// Runs until it is told to shut down; then the gateway stops.
    ///
    /// - Throws: a ``ClusterModel/Refusal`` with code `in-use` when another agent runs here, `unreadable` when a standalone machine
    ///   has no generation that is whole.
    package func run() async throws {
        let lock = try directory.lockForRunning()
        defer { withExtendedLifetime(lock) {} }
        try directory.clearLeftovers()
        let errands = try await start()
        post()
        onReady()
        await withGracefulShutdownHandler {
            await loop(after: errands)
        } onGracefulShutdown: { [feed] in
            feed.finish()
        }
        following?.connection?.link.close()
        following?.connection = nil
        await gateway.stop()
        post()
    }

    private func loop(after errands: [Errand]) async {
        await withDiscardingTaskGroup { tasks in
            func run(_ errands: [Errand]) {
                for errand in errands {
                    tasks.addTask(name: "agent/\(errand)") { [connector, clock, feed, questions] in
                        await AgentService.perform(
                            errand, connector: connector, clock: clock, feed: feed, questions: questions.continuation)
                    }
                }
            }
            tasks.addTask(name: "agent/clock") { [clock, feed] in await AgentService.tick(clock, feed) }
            tasks.addTask(name: "agent/answers") { [questions] in
                for await (number, question) in questions.stream { await self.answer(question, on: number) }
            }
            run(errands)
            for await event in events {
                guard !Task.isShuttingDownGracefully else { break }
                run(await handle(event))
                post()
            }
            tasks.cancelAll()
        }
    }

    private static func tick(_ clock: any Clock<Duration>, _ feed: AsyncStream<AgentEvent>.Continuation) async {
        // The sleep throws when the agent ends.
        while (try? await clock.sleep(for: .seconds(1))) != nil {
            feed.yield(.tick)
        }
    }

    /// One event, and what it makes necessary.
    private func handle(_ event: AgentEvent) async -> [Errand] {
        switch event {
        case .tick:
            let errands = await lookAtMembership()
            return errands + (await lookAtCurrent()) + (await obey(following?.follower.tick(now: now()))) + (await lookAround())
        case .resumptionIsDue: return await obey(following?.follower.started())
        case .opened(let connection): return await opened(connection)
        case .heard(let number, let message): return await heard(message, on: number)
        case .closed(let number, let reason): return await closed(number, reason: reason)
        }
    }

    /// Says how things are, for `agent status`. A status that cannot be written stops nothing.
    private func post() {
        guard let status = board.changed(serving: isInForce ? current : nil, following: following) else { return }
        do throws(Refusal) {
            try directory.write(status)
        } catch {
            logger.warning("the status cannot be written", metadata: ["reason": "\(error.reason)"])
        }
        onStatus(status)
    }
}

/// What the agent's loop hears of. Connections are numbered, so that word of a former one is not taken for word of this.
enum AgentEvent: Sendable {
    /// A second went by.
    case tick
    case opened(ManagerConnection)
    /// It is time to try the gateway again.
    case resumptionIsDue
    case heard(Int, ManagerMessage)
    /// The connection of that number is gone, or could not be made.
    case closed(Int, reason: String)
}

/// An open connection to a manager.
struct ManagerConnection: Sendable {
    var number: Int
    var manager: String
    var link: any Link<MemberMessage>
}

/// Work that goes on beside the loop and comes back as events.
enum Errand: Sendable, CustomStringConvertible {
    /// Connects to a manager after a while, and listens to it.
    case dial(number: Int, manager: String, membership: LocalMembership, after: Duration)
    /// Puts what was in force before in force again after a while.
    case resume(after: Duration)

    /// How long it waits first.
    var pause: Duration {
        switch self {
        case .dial(number: _, manager: _, membership: _, after: let pause), .resume(after: let pause): pause
        }
    }

    var description: String {
        switch self {
        case .dial(let number, let manager, membership: _, after: _): "connection \(number) to \(manager)"
        case .resume: "resumption"
        }
    }
}
