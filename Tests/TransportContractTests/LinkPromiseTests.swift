import ClusterModel
import Replication
import ReplicationTransport
import Testing

/// Who keeps the link promise.
enum LinkKeeper: CaseIterable, Sendable {
    case inProcess
    case tls
}

/// The promises of ``Replication/Link``, whoever keeps them.
@Suite(.timeLimit(.minutes(2))) struct LinkPromiseTests {
    private func withLink(
        _ keeper: LinkKeeper, _ port: RecordingPort = RecordingPort(), asMember: Bool = true,
        _ body: (any Link<MemberMessage>, inout LinkEvents, inout PortEvents) async throws -> Void
    ) async throws {
        let cluster = try TestCluster()
        let identity = asMember ? try cluster.member() : nil
        var heard = PortEvents(port)
        switch keeper {
        case .inProcess:
            let connector = InProcessConnector(port: port) { _ in TestCluster.membership }
            let (link, events) = try await connector.connect(to: "manager", as: identity, trusting: cluster.trust)
            var stream = LinkEvents(events)
            try await body(link, &stream, &heard)
        case .tls:
            try await cluster.withPort(port) { _, address in
                let (link, events) = try await cluster.connector().connect(to: address, as: identity, trusting: cluster.trust)
                var stream = LinkEvents(events)
                try await body(link, &stream, &heard)
            }
        }
    }

    @Test(arguments: LinkKeeper.allCases)
    func `the port hears who is there, then what is said, then the end`(_ keeper: LinkKeeper) async throws {
        try await withLink(keeper) { link, _, heard in
            let (connection, peer, _) = try await heard.opened()
            #expect(peer == .member(TestCluster.membership))
            link.send(.hello(Samples.hello))
            #expect(try await heard.received() == .hello(Samples.hello))
            link.close()
            #expect(try await heard.closed() == connection)
        }
    }

    @Test(arguments: LinkKeeper.allCases)
    func `messages arrive whole and in order, both ways at once`(_ keeper: LinkKeeper) async throws {
        let count = 2000
        try await withLink(keeper) { link, events, heard in
            let (_, _, back) = try await heard.opened()
            async let sending: Void = {
                for number in 0..<count {
                    link.send(.hello(Hello(agent: "\(number)", clock: Samples.time, running: nil)))
                }
            }()
            for number in 0..<count { back.send(.ended(Ended(reason: "\(number)", time: Samples.time))) }
            await sending
            for number in 0..<count {
                #expect(try await heard.received() == .hello(Hello(agent: "\(number)", clock: Samples.time, running: nil)))
                #expect(try await events.received() == .ended(Ended(reason: "\(number)", time: Samples.time)))
            }
        }
    }

    @Test(arguments: LinkKeeper.allCases)
    func `a close by the manager comes behind what it queued`(_ keeper: LinkKeeper) async throws {
        try await withLink(keeper) { link, events, heard in
            let (connection, _, back) = try await heard.opened()
            back.send(.update(Samples.update))
            back.send(.ended(Ended(reason: "removed", time: Samples.time)))
            back.close()
            back.send(.ping)
            #expect(try await events.received() == .update(Samples.update))
            #expect(try await events.received() == .ended(Ended(reason: "removed", time: Samples.time)))
            _ = try await events.closed()
            link.send(.hello(Samples.hello))
            #expect(try await heard.closed() == connection)
        }
    }

    @Test(arguments: LinkKeeper.allCases)
    func `a close by the member comes behind what it queued`(_ keeper: LinkKeeper) async throws {
        try await withLink(keeper) { link, events, heard in
            let (connection, _, back) = try await heard.opened()
            for _ in 0..<100 { link.send(.hello(Samples.hello)) }
            link.close()
            link.send(.hello(Samples.hello))
            for _ in 0..<100 { #expect(try await heard.received() == .hello(Samples.hello)) }
            #expect(try await heard.closed() == connection)
            back.send(.update(Samples.update))
            back.close()
            _ = try await events.closed()
        }
    }

    @Test(arguments: LinkKeeper.allCases)
    func `the port may answer and close from within its being called`(_ keeper: LinkKeeper) async throws {
        let port = RecordingPort { _, link in
            link.send(.ended(Ended(reason: "removed", time: Samples.time)))
            link.close()
        }
        try await withLink(keeper, port) { _, events, heard in
            let (connection, _, _) = try await heard.opened()
            #expect(try await heard.closed() == connection)
            #expect(try await events.received() == .ended(Ended(reason: "removed", time: Samples.time)))
            _ = try await events.closed()
        }
    }

    @Test(arguments: LinkKeeper.allCases)
    func `a stranger's join is heard and answered`(_ keeper: LinkKeeper) async throws {
        try await withLink(keeper, asMember: false) { link, events, heard in
            let (_, peer, back) = try await heard.opened()
            #expect(peer == .stranger)
            link.send(.join(Samples.join()))
            #expect(try await heard.received() == .join(Samples.join()))
            back.send(.joined(Samples.joined))
            #expect(try await events.received() == .joined(Samples.joined))
        }
    }

    @Test(arguments: LinkKeeper.allCases)
    func `no two connections have the same number`(_ keeper: LinkKeeper) async throws {
        var numbers: Set<ConnectionID> = []
        for _ in 0..<3 {
            try await withLink(keeper) { _, _, heard in numbers.insert(try await heard.opened().connection) }
        }
        #expect(numbers.count == 3)
    }

    @Test func `a frame of the largest size arrives, one byte more does not`() async throws {
        try await withLink(.tls) { _, events, heard in
            let (_, _, back) = try await heard.opened()
            let largest = Samples.update(ofBytes: Limits.frameBytes)
            #expect(try WireTestCodec.size(largest) == Limits.frameBytes)
            back.send(.update(largest))
            #expect(try await events.received() == .update(largest))
            back.send(.update(Samples.update(ofBytes: Limits.frameBytes + 1)))
            #expect(try await events.refused().code == .limit)
            _ = try await events.closed()
        }
    }

    @Test func `a member's message that is too large ends the connection with that reason`() async throws {
        try await withLink(.tls) { link, events, heard in
            _ = try await heard.opened()
            let names = (0..<900).map { SectionName(rawValue: String(repeating: "x", count: 2000) + "\($0)") }
            let knowledge = AgentKnowledge(agent: "", sections: Dictionary(uniqueKeysWithValues: names.map { ($0, 1) }))
            link.send(.hello(Hello(knowledge: knowledge, clock: Samples.time, running: nil)))
            #expect(try await events.closed().contains("over the limit"))
        }
    }

    @Test func `pings are answered on both sides, and heard`() async throws {
        try await withLink(.tls) { link, events, heard in
            let (_, _, back) = try await heard.opened()
            link.send(.ping)
            #expect(try await heard.received() == .ping)
            #expect(try await events.received() == .pong)
            back.send(.ping)
            #expect(try await events.received() == .ping)
            #expect(try await heard.received() == .pong)
        }
    }
}
