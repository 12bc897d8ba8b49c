import ClusterModel
import Replication
import Testing

/// An edit of `bank.example`, made at a machine.
func localEdit(_ id: String, _ tls: DestinationSetting.TLS?, base: EffectiveConfiguration? = nil) -> LocalEdit {
    LocalEdit(
        id: id, section: .destinations, name: "bank.example", value: tls.map { DestinationSetting(tls: $0).json },
        base: base?[.destinations, "bank.example"]?.digest, time: at(0))
}

extension OneMember {
    mutating func report(_ edits: [LocalEdit] = [], isDisconnected: Bool = false) -> [Publisher.Action] {
        publisher.reported(connection(1), LocalEditReport(isDisconnected: isDisconnected, edits: edits), now: now)
    }
}

func hello(running: EffectiveConfiguration?, apart: Apart, protocols: ClosedRange<Int> = MemberProtocol.versions) -> Hello {
    var knowledge = AgentKnowledge.ours(agent: "test")
    knowledge.protocols = protocols
    var hello = Hello(knowledge: knowledge, clock: at(0), running: running?.digest)
    (hello.isDisconnected, hello.localEdits) = (apart.isDisconnected, apart.edits.count)
    return hello
}

@Suite("Nothing is sent to a member that is disconnected, nor over edits of its own that nobody decided about")
struct PublisherApartTests {
    let a = configuration()
    let b = configuration(destination: .required)
    let c = configuration(destination: DestinationSetting.TLS.none)

    @Test func `a disconnected member is told so and gets nothing until it is reconnected and has said that it has no edits`() {
        var cluster = OneMember(target: a)
        _ = cluster.connect(hello(running: a))
        _ = cluster.receive(applied(a, position: 1))
        #expect(cluster.aim(b, position: 2, isDisconnected: true) == [.apart(connection(1), true)])
        #expect(cluster.state == .disconnected)
        #expect(cluster.report(isDisconnected: true).isEmpty)
        #expect(cluster.publisher.retry(mx1, now: at(1)).isEmpty)
        #expect(cluster.aim(b, position: 3) == [.apart(connection(1), false)])
        #expect(cluster.state == .pending)
        // What was on its way before the member heard that it is reconnected says nothing.
        #expect(cluster.report([localEdit("e1", .required)], isDisconnected: true).isEmpty)
        #expect(cluster.report().sent == ["3 delta destinations"])
    }

    @Test func `a member that was away at the disconnect learns of it with its welcome, and at the reconnect likewise`() {
        var cluster = OneMember(target: a)
        _ = cluster.aim(b, position: 2, isDisconnected: true)
        #expect(
            cluster.connect(hello(running: a)).filter { $0 != .know(mx1, .ours(agent: "test")) }
                == [.welcome(connection(1), head(2)), .apart(connection(1), true)])
        _ = cluster.publisher.closed(connection(1))
        _ = cluster.aim(b, position: 3)
        let back = cluster.connect(hello(running: a, apart: Apart(isDisconnected: true)), on: 1)
        #expect(back == [.welcome(connection(1), head(3)), .apart(connection(1), false)])
        #expect(cluster.report().sent == ["3 delta destinations"])
    }

    @Test func `what is in flight at the disconnect is answered, and nothing follows it`() {
        var cluster = OneMember(target: a)
        #expect(cluster.connect(hello(running: nil)).sent.count == 1)
        #expect(cluster.aim(b, position: 2, isDisconnected: true) == [.apart(connection(1), true)])
        #expect(cluster.receive(applied(a, position: 1)) == [.record(mx1, applied(a, position: 1))])
        #expect(cluster.state == .disconnected)
    }

    @Test func `a member of an older version is told nothing, gets nothing, and follows again`() {
        var cluster = OneMember(target: a)
        _ = cluster.connect(hello(running: a, apart: Apart(), protocols: 1...1))
        _ = cluster.receive(applied(a, position: 1))
        #expect(cluster.aim(b, position: 2, isDisconnected: true).isEmpty)
        #expect(cluster.aim(b, position: 3).sent == ["3 delta destinations"])
    }

    @Test func `edits hold the target back until each is given up or is what the cluster has`() {
        var cluster = OneMember(target: a)
        let edits = [localEdit("e1", .required)]
        _ = cluster.connect(hello(running: b, apart: Apart(isDisconnected: true, edits: edits)))
        #expect(cluster.report(edits).isEmpty)
        #expect(cluster.state == .pending)
        // The cluster moves on: still nothing.
        #expect(cluster.aim(c, position: 2).isEmpty)
        #expect(cluster.publisher.dropped(["unheard-of"], of: mx1, now: at(1)).isEmpty)
        #expect(cluster.publisher.dropped(["e1"], of: mx1, now: at(1)) == [.settled(connection(1), ["e1"])])
        // Not before the member has forgotten them, whatever it says in between.
        #expect(cluster.report(edits).isEmpty)
        #expect(cluster.report().sent == ["2 whole certificates+destinations+interfaces+listeners+mailFlowPolicies"])
    }

    @Test func `an edit that was taken and committed is settled, and the machine has its target already`() {
        var cluster = OneMember(target: a)
        let edits = [localEdit("e1", .required)]
        _ = cluster.connect(hello(running: b, apart: Apart(edits: edits)))
        _ = cluster.report(edits)
        #expect(cluster.receive(applied(b, position: 1)).count == 1)
        #expect(cluster.state == .pending)
        #expect(cluster.aim(b, position: 2) == [.settled(connection(1), ["e1"])])
        #expect(cluster.report().isEmpty)
        #expect(cluster.state == .synced)
    }

    @Test func `equal edits of a machine that is still disconnected are not settled: it may be edited further`() {
        var cluster = OneMember(target: a)
        let edits = [localEdit("e1", .required)]
        _ = cluster.aim(b, position: 2, isDisconnected: true)
        _ = cluster.connect(hello(running: b, apart: Apart(isDisconnected: true, edits: edits)))
        #expect(cluster.report(edits, isDisconnected: true).isEmpty)
        #expect(cluster.aim(b, position: 3) == [.apart(connection(1), false)])
        #expect(cluster.report(edits) == [.settled(connection(1), ["e1"])])
    }

    @Test func `edits outlive the manager, and are forgotten when the member has none or is removed`() {
        var publisher = Publisher(edits: [mx1: LocalEdits(edits: [localEdit("e1", .required)])])
        let targets = [mx1: machine(a, position: 1)]
        _ = publisher.stateChanged(targets: targets, ended: [:], head: head(1), now: at(0))
        #expect(publisher.localEdits(of: mx1).edits.map(\.id) == ["e1"])
        var removing = publisher
        let end = Ended(reason: "removed", time: at(1))
        #expect(removing.stateChanged(targets: [:], ended: [mx1: end], head: head(2), now: at(1)) == [.forgetEdits(mx1)])
        _ = publisher.opened(connection(1), membership: mx1, now: at(0))
        let actions = publisher.hello(connection(1), hello(running: nil), standing: .held, now: at(0))
        #expect(actions.contains(.forgetEdits(mx1)))
        #expect(actions.sent.count == 1)
    }

    @Test func `whoever reports before its hello is closed`() {
        var cluster = OneMember(target: a)
        _ = cluster.publisher.opened(connection(1), membership: mx1, now: at(0))
        #expect(cluster.report().refusal == .invalid)
    }
}

@Suite("A member keeps apart as it is told, and says what was edited on it")
struct FollowerApartTests {
    let a = configuration()
    let b = configuration(destination: .required)

    @Test func `it keeps what it was told, and answers with its edits`() {
        var member = OneFollower(running: a)
        #expect(member.follower.received(.apart(true), now: at(0)).isEmpty, "before the welcome")
        #expect(!member.welcome().names.contains("reportEdits"))
        #expect(member.follower.received(.apart(true), now: at(0)) == [.stayApart(true)])
        let apart = Apart(isDisconnected: true)
        #expect(member.follower.stands(.success(apart)) == [.reportEdits(apart)])
        #expect(member.follower.received(.settled(["e1"]), now: at(0)) == [.settle(["e1"])])
        #expect(member.follower.stands(.failure(Refusal(.unavailable, "disk full"))).names == ["hangUp"])
    }

    @Test func `it says in its hello that it keeps apart and has edits, and which once it is welcome`() throws {
        let apart = Apart(isDisconnected: true, edits: [localEdit("e1", .required)])
        var member = OneFollower(running: b, apart: apart)
        let hello = try #require(
            member.follower.connected(now: at(0)).compactMap { if case .hello(let hello) = $0 { hello } else { nil } }.first)
        #expect(hello.isDisconnected && hello.localEdits == 1)
        #expect(member.follower.received(.welcome(head(1)), now: at(0)).last == .reportEdits(apart))
    }

    @Test func `a manager of an older version hears nothing of it, and its updates are not taken over edits`() throws {
        var member = OneFollower(running: a, apart: Apart(edits: [localEdit("e1", .required)]))
        _ = member.follower.connected(now: at(0))
        #expect(!member.follower.received(.welcome(head(1), version: 1), now: at(0)).names.contains("reportEdits"))
        #expect(try member.update(to: b, from: a).names == ["hangUp"])
        #expect(member.follower.memory.rejection == nil)
        #expect(member.follower.objection?.reason.contains("edits of its own") == true)
    }

    @Test func `own edits that are in force are reported with their proof, and the next update builds on nothing else`() throws {
        var member = OneFollower(running: a, apart: Apart(isDisconnected: true))
        _ = member.welcome()
        let apart = Apart(isDisconnected: true, edits: [localEdit("e1", .required)])
        let running = Follower.Running(target: target(b, position: 1), configuration: b)
        let actions = member.follower.ranOwn(running, serving("one"), apart: apart, now: at(0))
        #expect(actions.receipts == [applied(b, position: 1)])
        #expect(actions.last == .reportEdits(apart))
        _ = member.follower.stands(.success(Apart()))
        #expect(try member.update(to: a, from: b).names == ["layOut"])
    }
}
