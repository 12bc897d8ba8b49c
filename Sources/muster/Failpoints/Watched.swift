#if DEBUG
    import ClusterModel
    import Gateways
    import MemberAgent
    import Replication

    // The real things, with the moments of a Failpoint around them.

    struct WatchedDisk: DiskFaults {
        func before(_ step: DiskStep) { Failpoint.meet("disk", .before) }
    }

    struct WatchedGateway: Gateway {
        let gateway: any Gateway

        func apply(_ configuration: GatewayConfiguration) async throws(Refusal) {
            Failpoint.meet("apply", .before)
            try await gateway.apply(configuration)
            Failpoint.meet("apply", .after)
        }

        func stop() async { await gateway.stop() }

        func observe(_ configuration: GatewayConfiguration) async -> [GatewayObservation] { await gateway.observe(configuration) }
    }

    struct WatchedConnector: ManagerConnector {
        let connector: any ManagerConnector

        func connect(to manager: String, as identity: MemberIdentity?, trusting trust: ManagerTrust) async throws(Refusal)
            -> (link: any Link<MemberMessage>, events: AsyncStream<MemberLinkEvent>)
        {
            let (link, events) = try await connector.connect(to: manager, as: identity, trusting: trust)
            return (WatchedLink(link: link) { $0.word }, events)
        }
    }

    struct WatchedPort: MemberPort {
        let port: any MemberPort

        func opened(_ connection: ConnectionID, peer: Peer, link: any Link<ManagerMessage>) {
            port.opened(connection, peer: peer, link: WatchedLink(link: link) { $0.word })
        }

        func turnedAway(_ membership: MembershipID, because reason: String) { port.turnedAway(membership, because: reason) }

        func received(_ message: MemberMessage, on connection: ConnectionID) { port.received(message, on: connection) }

        func closed(_ connection: ConnectionID) { port.closed(connection) }
    }

    final class WatchedLink<Outgoing: Sendable>: Link {
        private let link: any Link<Outgoing>
        private let word: @Sendable (Outgoing) -> String

        /// What a message takes to leave this process.
        private static var departure: Duration { .milliseconds(20) }

        init(link: any Link<Outgoing>, word: @escaping @Sendable (Outgoing) -> String) {
            self.link = link
            self.word = word
        }

        func send(_ message: Outgoing) {
            let subject = "send:\(word(message))"
            Failpoint.meet(subject, .before)
            link.send(message)
            guard Failpoint.isMet(subject, .after) else { return }
            Task {
                // Nobody cancels it.
                try? await ContinuousClock().sleep(for: WatchedLink.departure)
                Failpoint.die()
            }
        }

        func close() { link.close() }
    }

    extension MemberMessage {
        fileprivate var word: String {
            switch self {
            case .hello: "hello"
            case .receipt: "receipt"
            case .localEdits: "local-edits"
            case .inventory: "inventory"
            case .join: "join"
            case .papers: "papers"
            case .renewal: "renewal"
            case .ping: "ping"
            case .pong: "pong"
            }
        }
    }

    extension ManagerMessage {
        fileprivate var word: String {
            switch self {
            case .welcome: "welcome"
            case .update: "update"
            case .apart: "apart"
            case .settled: "settled"
            case .question: "question"
            case .ended: "ended"
            case .refused: "refused"
            case .joined: "joined"
            case .authorities: "authorities"
            case .renewed: "renewed"
            case .ping: "ping"
            case .pong: "pong"
            }
        }
    }
#endif
