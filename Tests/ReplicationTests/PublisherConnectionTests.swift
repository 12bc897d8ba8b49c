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
        #expect(cluster.publisher.opened(connection(1), membership: mx2, now: at(0)).refusal == .forbidden)
    }

    @Test func `a member that has seen an entry which this log lacks gets nothing, and people hear of it`() {
        var cluster = OneMember(target: a)
        let actions = cluster.connect(hello(running: nil, seen: head(7)), isSeenKnown: false)
        #expect(actions.refusal == .conflict)
        #expect(actions.alarms == [.logUnknown(mx1, seen: head(7))])
        #expect(actions.sent.isEmpty)
        #expect(cluster.aim(a, position: 2).isEmpty)
    }

    @Test func `a member that another manager served a moment ago is asked to wait, without an alarm`() {
        var cluster = OneMember(target: a)
        let actions = cluster.connect(hello(running: nil, seen: head(7)), isSeenKnown: true)
        #expect(actions.refusal == .unavailable)
        #expect(actions.alarms.isEmpty)
    }

    @Test func `another version of the protocol is refused`() {
        var cluster = OneMember(target: a)
        var other = hello(running: nil)
        other.version = 99
        #expect(cluster.connect(other).refusal == .version)
        #expect(cluster.state == .offline)
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
        #expect(cluster.publisher.hello(connection(2), hello(running: nil), isSeenKnown: true, now: at(1)).refusal == .invalid)
        #expect(cluster.state == .offline)
    }

    @Test func `members are served in a fixed order`() {
        var publisher = Publisher()
        let ids = (0..<50).map { MembershipID(rawValue: "m\($0)") }
        let targets = Dictionary(uniqueKeysWithValues: ids.map { ($0, machine(a, position: 1)) })
        _ = publisher.stateChanged(targets: targets, ended: [:], head: head(1), now: at(0))
        for (number, id) in ids.enumerated() {
            _ = publisher.opened(connection(UInt64(number)), membership: id, now: at(0))
            _ = publisher.hello(connection(UInt64(number)), hello(running: nil), isSeenKnown: true, now: at(0))
        }
        let timedOut = publisher.tick(now: at(100)).compactMap { action -> MembershipID? in
            guard case .record(let id, _) = action else { return nil }
            return id
        }
        #expect(timedOut == ids.sorted())
    }
}
