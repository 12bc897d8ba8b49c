import ClusterModel
import Replication
import Synchronization
import Testing

/// A port that writes down what it hears, and closes a connection that says pong.
private final class WritingPort: MemberPort {
    let heard: AsyncStream<String>
    private let write: AsyncStream<String>.Continuation
    private let links = Mutex<[ConnectionID: any Link<ManagerMessage>]>([:])

    init() { (heard, write) = AsyncStream.makeStream() }

    func opened(_ connection: ConnectionID, peer: Peer, link: any Link<ManagerMessage>) {
        links.withLock { $0[connection] = link }
        write.yield("opened \(peer)")
        link.send(.welcome(.none))
    }

    func received(_ message: MemberMessage, on connection: ConnectionID) {
        write.yield("received \(message)")
        // Within the lock, as a manager does it: the port must not be called back on this thread.
        if message == .pong { links.withLock { $0[connection]?.close() } }
    }

    func closed(_ connection: ConnectionID) {
        links.withLock { $0[connection] = nil }
        write.yield("closed")
        write.finish()
    }
}

@Suite("The in-process link keeps the link's promise")
struct InProcessTests {
    private let identity = MemberIdentity(certificate: "m1", key: "")
    private let trust = ManagerTrust.authorities(pem: "", clusterID: "c")

    @Test(.timeLimit(.minutes(1)))
    func `opened first, messages in order, closed last and once`() async throws {
        let port = WritingPort()
        let connector = InProcessConnector(port: port) { MembershipID(rawValue: $0.certificate) }
        let (link, events) = try await connector.connect(to: "manager", as: identity, trusting: trust)
        link.send(.ping)
        link.send(.pong)
        link.send(.ping)
        var heard: [String] = []
        for await line in port.heard { heard.append(line) }
        #expect(heard.prefix(3) == ["opened \(Peer.member(MembershipID(rawValue: "m1")))", "received ping", "received pong"])
        #expect(heard.last == "closed")
        #expect(heard.filter { $0 == "closed" }.count == 1)
        var told: [MemberLinkEvent] = []
        for await event in events { told.append(event) }
        #expect(told == [.received(.welcome(.none)), .closed(reason: "closed by the manager")])
        link.close()
        link.send(.ping)
    }

    @Test func `an identity of another cluster is refused`() async {
        let connector = InProcessConnector(port: WritingPort()) { _ in nil }
        await #expect(throws: Refusal(.forbidden, "")) { try await connector.connect(to: "manager", as: identity, trusting: trust) }
    }

    @Test func `events happen in the order of their time, then of their scheduling`() {
        let clock = VirtualClock()
        var order: [Int] = []
        for (index, time) in [30, 10, 20, 10, 0, 30].enumerated() { clock.schedule(after: time) { order.append(index) } }
        while clock.step() {}
        #expect(order == [4, 1, 3, 2, 0, 5])
        #expect(clock.now == 30)
    }

    @Test func `no message overtakes another, and a broken connection loses what is under way`() {
        let clock = VirtualClock()
        var delays = [0, 50, 1, 1, 1]
        let network = InProcessNetwork(clock: clock) { delays.isEmpty ? 1 : delays.removeFirst() }
        var heard: [String] = []
        network.listen(
            .init(
                opened: { _, _ in heard.append("opened") }, received: { message, _ in heard.append("\(message)") },
                closed: { _ in heard.append("closed") }))
        var open: ConnectionID?
        network.connect(mx1, established: { open = $0 }, events: { heard.append("member: \($0)") })
        _ = clock.step()
        guard let open else { return _ = Issue.record("not open") }
        network.send(MemberMessage.ping, on: open)
        network.send(MemberMessage.pong, on: open)
        while clock.step() {}
        #expect(heard == ["opened", "ping", "pong"])
        network.send(MemberMessage.ping, on: open)
        network.breakOff(open, memberHearsAfter: 5, managerHearsAfter: 7)
        while clock.step() {}
        #expect(heard.dropFirst(3) == ["member: \(MemberLinkEvent.closed(reason: "connection lost"))", "closed"])
    }
}
