import ClusterModel
import Replication
import Testing

@Suite("The publisher knows whom it talks to")
struct PublisherConnectionTests {
    let a = configuration()

    @Test func `a second connection is refused, and alarmed once the first proves to be alive`() {
        var cluster = OneMember(target: a)
        _ = cluster.connect(hello(running: nil))
        let refused = cluster.publisher.opened(connection(2), membership: mx1, now: at(5))
        #expect(refused.refusal == .duplicateMember)
        #expect(refused.last == .close(connection(2)))
        #expect(refused.alarms.isEmpty)
        #expect(cluster.publisher.heard(connection(1), now: at(6)).alarms == [.duplicateMember(mx1)])
        #expect(cluster.publisher.heard(connection(1), now: at(7)).alarms.isEmpty)
    }

    @Test func `a first connection that went silent yields to the second, and no longer counts`() {
        var cluster = OneMember(target: a)
        _ = cluster.connect(hello(running: nil))
        cluster.now = at(1000)
        let actions = cluster.connect(hello(running: nil), on: 2)
        #expect(actions.first == .close(connection(1)))
        #expect(actions.sent.count == 1)
        #expect(cluster.receive(applied(a, position: 1), on: 1).isEmpty)
        #expect(cluster.publisher.closed(connection(1)).isEmpty)
        #expect(cluster.state == .pending)
    }

    @Test(arguments: [-3600, 3600] as [Int64])
    func `whoever sets the manager's clock neither ends nor prolongs a wait`(_ jump: Int64) {
        var cluster = OneMember(target: a)
        cluster.publisher.uptime = 0
        _ = cluster.connect(hello(running: nil))
        cluster.publisher.uptime = 5
        #expect(cluster.publisher.tick(now: at(jump)).isEmpty)
        #expect(cluster.publisher.opened(connection(2), membership: mx1, now: at(jump)).refusal == .duplicateMember)
        cluster.publisher.uptime = Int64(Limits.applySeconds)
        #expect(!cluster.publisher.tick(now: at(jump)).isEmpty)
        #expect(cluster.publisher.opened(connection(3), membership: mx1, now: at(jump)).first == .close(connection(1)))
    }

    @Test func `an ended membership is told so and closed, whether it is connected or comes later`() {
        var cluster = OneMember(target: a)
        _ = cluster.connect(hello(running: nil))
        let end = Ended(reason: "removed", time: at(9))
        let told: [Publisher.Action] = [.end(connection(1), end), .close(connection(1))]
        #expect(cluster.publisher.stateChanged(targets: [:], ended: [mx1: end], head: head(2), now: at(9)) == told)
        #expect(cluster.state == nil)
        #expect(cluster.publisher.opened(connection(2), membership: mx1, now: at(10)) == [.end(connection(2), end), .close(connection(2))])
    }

    @Test func `a membership that the log does not have is refused`() {
        var cluster = OneMember(target: a)
        #expect(cluster.publisher.opened(connection(1), membership: mx2, now: at(0)).isEmpty)
        let actions = cluster.publisher.hello(connection(1), hello(running: nil), standing: .held, now: at(0))
        #expect(actions.refusal == .forbidden)
        #expect(actions.last == .close(connection(1)))
        #expect(cluster.publisher.hello(connection(1), hello(running: nil), standing: .held, now: at(0)).isEmpty)
    }

    @Test func `before the log was taken in, a member is asked to wait, and what was kept of it is not lost`() {
        var publisher = Publisher()
        _ = publisher.opened(connection(1), membership: mx1, now: at(0))
        var cluster = OneMember(target: a)
        _ = cluster.connect(hello(running: nil))
        _ = cluster.receive(applied(a, position: 1))
        publisher.recall(cluster.publisher.records)
        let actions = publisher.hello(connection(1), hello(running: a), standing: .held, now: at(0))
        #expect(actions.refusal == .unavailable)
        #expect(actions.last == .close(connection(1)))
        _ = publisher.stateChanged(targets: [mx1: machine(a, position: 1)], ended: [:], head: head(1), now: at(1))
        #expect(publisher.record(of: mx1)?.appliedDigest == a.digest)
    }

    @Test func `a membership that the log does not have shows, by what it has seen, that the log is older`() {
        var cluster = OneMember(target: a)
        _ = cluster.publisher.opened(connection(1), membership: mx2, now: at(0))
        let actions = cluster.publisher.hello(connection(1), hello(running: nil, seen: head(7)), standing: .lost, now: at(0))
        #expect(actions.refusal == .conflict)
        #expect(actions.alarms == [.logOutdated(mx2, seen: head(7).head)])
        #expect(cluster.publisher.outdated != nil)
    }

    @Test func `once a member has seen an entry which this log lacks, nobody gets anything, and people hear of it`() {
        var publisher = Publisher()
        let targets = [mx1: machine(a, position: 1), mx2: machine(a, position: 1)]
        _ = publisher.stateChanged(targets: targets, ended: [:], head: head(1), now: at(0))
        for (number, id) in [(UInt64(1), mx1), (2, mx2)] { _ = publisher.opened(connection(number), membership: id, now: at(0)) }
        #expect(publisher.outdated == nil)
        let actions = publisher.hello(connection(1), hello(running: nil, seen: head(7)), standing: .lost, now: at(0))
        #expect(actions.refusal == .conflict)
        #expect(actions.alarms == [.logOutdated(mx1, seen: head(7).head)])
        #expect(actions.sent.isEmpty)
        let answers = publisher.hello(connection(2), hello(running: nil), standing: .held, now: at(0))
        #expect(answers == [.know(mx2, .ours(agent: "test")), .welcome(connection(2), head(1))])
        #expect(publisher.stateChanged(targets: targets, ended: [:], head: head(2), now: at(1)).isEmpty)
        #expect(publisher.retry(mx2, now: at(1)).isEmpty)
        #expect(publisher.outdated?.contains("muster manager recover") == true)
    }

    @Test func `a member that makes up an entry is refused alone`() {
        var cluster = OneMember(target: a)
        let actions = cluster.connect(hello(running: nil, seen: head(7)), standing: .unproven)
        #expect(actions.refusal == .conflict)
        #expect(actions.alarms == [.logUnknown(mx1, seen: head(7).head)])
        #expect(cluster.publisher.outdated == nil)
        #expect(cluster.connect(hello(running: nil), on: 2).sent.count == 1)
    }

    @Test func `what a member has seen and was given up since does not matter`() {
        var cluster = OneMember(target: a)
        #expect(cluster.connect(hello(running: nil, seen: head(7)), standing: .givenUp).sent.count == 1)
    }

    @Test func `a member that another manager served a moment ago is asked to wait, without an alarm`() {
        var cluster = OneMember(target: a)
        let actions = cluster.connect(hello(running: nil, seen: head(7)), standing: .held)
        #expect(actions.refusal == .unavailable)
        #expect(actions.alarms.isEmpty)
    }

    @Test func `another version of the protocol is refused`() {
        var cluster = OneMember(target: a)
        var other = hello(running: nil)
        other.knowledge.protocols = 98...99
        #expect(cluster.connect(other).refusal == .version)
        #expect(cluster.state == .offline)
        // Not merely offline: people read why, also after a restart of the manager.
        #expect(cluster.publisher.status(of: mx1)?.reasons.first?.contains("versions 98 to 99") == true)
        let restarted = OneMember(target: a, records: cluster.publisher.records)
        #expect(restarted.publisher.status(of: mx1)?.reasons.first?.contains("upgrade the manager") == true)
        #expect(cluster.connect(hello(running: nil), on: 2).refusal == nil)
        #expect(cluster.publisher.status(of: mx1)?.reasons == [])
    }

    @Test func `a member that is turned away before its hello is not merely offline`() {
        var cluster = OneMember(target: a)
        cluster.publisher.turnedAway(mx1, because: "its agent does not speak muster/1")
        #expect(cluster.publisher.status(of: mx1)?.reasons == ["its agent does not speak muster/1"])
        _ = cluster.connect(hello(running: nil))
        _ = cluster.publisher.closed(connection(1))
        #expect(cluster.publisher.status(of: mx1)?.reasons == [])
    }

    @Test(arguments: [(Int64(-121), true), (-120, false), (120, false), (121, true), (Int64.min, true), (Int64.max - 2_000_000, true)])
    func `clocks that differ by more than two minutes raise an alarm`(skew: Int64, isAlarmed: Bool) {
        var cluster = OneMember(target: a)
        var hello = hello(running: nil)
        hello.clock = Timestamp(seconds: skew == .min ? .min : at(0).seconds + skew)
        let actions = cluster.connect(hello)
        #expect(actions.alarms.isEmpty != isAlarmed)
        #expect(actions.sent.count == 1)
    }

    @Test func `nothing comes before the hello, and the hello comes once`() {
        var cluster = OneMember(target: a)
        _ = cluster.publisher.opened(connection(1), membership: mx1, now: at(0))
        #expect(cluster.receive(applied(a, position: 1)).refusal == .invalid)
        _ = cluster.connect(hello(running: nil), on: 2)
        #expect(cluster.publisher.hello(connection(2), hello(running: nil), standing: .held, now: at(1)).refusal == .invalid)
        #expect(cluster.state == .offline)
    }

    @Test func `members are served in a fixed order`() {
        var publisher = Publisher()
        let ids = (0..<50).map { MembershipID(rawValue: "m\($0)") }
        let targets = Dictionary(uniqueKeysWithValues: ids.map { ($0, machine(a, position: 1)) })
        _ = publisher.stateChanged(targets: targets, ended: [:], head: head(1), now: at(0))
        for (number, id) in ids.enumerated() {
            _ = publisher.opened(connection(UInt64(number)), membership: id, now: at(0))
            _ = publisher.hello(connection(UInt64(number)), hello(running: nil), standing: .held, now: at(0))
        }
        let timedOut = publisher.tick(now: at(100)).compactMap { action -> MembershipID? in
            guard case .record(let id, _) = action else { return nil }
            return id
        }
        #expect(timedOut == ids.sorted())
    }
}
