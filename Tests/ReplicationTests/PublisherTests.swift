import ClusterModel
import Replication
import Testing

/// A publisher with one member, `mx1`, and its connections numbered from 1.
struct OneMember {
    var publisher: Publisher
    var now = at(0)

    init(target configuration: EffectiveConfiguration, position: Int = 1, records: [MembershipID: MachineRecord] = [:]) {
        publisher = Publisher(records: records)
        _ = aim(configuration, position: position)
    }

    mutating func aim(_ configuration: EffectiveConfiguration, position: Int, isDisconnected: Bool = false) -> [Publisher.Action] {
        publisher.stateChanged(
            targets: [mx1: machine(configuration, position: position)], ended: [:], disconnected: isDisconnected ? [mx1] : [],
            head: head(position), now: now)
    }

    /// A connection with its hello.
    mutating func connect(_ hello: Hello, on number: UInt64 = 1, standing: SightingStanding = .held) -> [Publisher.Action] {
        publisher.opened(connection(number), membership: mx1, now: now)
            + publisher.hello(connection(number), hello, standing: standing, now: now)
    }

    mutating func receive(_ receipt: Receipt, on number: UInt64 = 1) -> [Publisher.Action] {
        publisher.receipt(connection(number), receipt, now: now)
    }

    var state: MachineState? { publisher.status(of: mx1)?.state }
}

@Suite("The publisher drives members toward their targets")
struct PublisherTests {
    let a = configuration()
    let b = configuration(destination: .required)
    let c = configuration(certificate: "two")

    @Test func `a new member gets everything, and is synced once it has proved it`() {
        var cluster = OneMember(target: a)
        #expect(cluster.state == .offline)
        let actions = cluster.connect(hello(running: nil))
        #expect(actions.contains(.welcome(connection(1), head(1))))
        #expect(actions.sent == ["1 whole certificates+interfaces+listeners+mailFlowPolicies"])
        #expect(cluster.state == .pending)
        #expect(cluster.receive(applied(a, position: 1)) == [.record(mx1, applied(a, position: 1))])
        #expect(cluster.state == .synced)
    }

    @Test func `one update is in flight, and the newest target follows it`() {
        var cluster = OneMember(target: a)
        #expect(cluster.connect(hello(running: nil)).sent.count == 1)
        #expect(cluster.aim(b, position: 2).sent.isEmpty)
        #expect(cluster.aim(c, position: 3).sent.isEmpty)
        #expect(cluster.receive(applied(a, position: 1)).sent == ["3 delta certificates"])
        #expect(cluster.state == .pending)
        #expect(cluster.receive(applied(c, position: 3, serves: "two")).sent.isEmpty)
        #expect(cluster.state == .synced)
    }

    @Test func `a change that does not concern a machine sends nothing, and it counts as synced at once`() {
        var cluster = OneMember(target: a)
        _ = cluster.connect(hello(running: nil))
        _ = cluster.receive(applied(a, position: 1))
        #expect(cluster.aim(a, position: 2).isEmpty)
        #expect(cluster.state == .synced)
        #expect(cluster.publisher.status(of: mx1)?.applied?.position == 2)
    }

    @Test func `a member that comes back with its target is not asked again; after a manager's start it is, with a header only`() {
        var cluster = OneMember(target: a)
        _ = cluster.connect(hello(running: nil))
        _ = cluster.receive(applied(a, position: 1))
        _ = cluster.publisher.closed(connection(1))
        #expect(cluster.state == .offline)
        #expect(cluster.connect(hello(running: a), on: 2).sent.isEmpty)
        #expect(cluster.state == .synced)

        var restarted = OneMember(target: a, position: 2, records: cluster.publisher.records)
        #expect(restarted.connect(hello(running: a)).sent == ["2 itself"])
        #expect(restarted.state == .pending)
        #expect(restarted.receive(applied(a, position: 2)).sent.isEmpty)
        #expect(restarted.state == .synced)
    }

    @Test func `a proof that fell short is drift, and is asked for again at the next hello, not in a loop`() {
        var cluster = OneMember(target: a)
        _ = cluster.connect(hello(running: nil))
        #expect(cluster.receive(applied(a, position: 1, serves: "old")).sent.isEmpty)
        #expect(cluster.state == .drifted)
        _ = cluster.publisher.closed(connection(1))
        #expect(cluster.connect(hello(running: a), on: 2).sent == ["1 itself"])
        #expect(cluster.receive(applied(a, position: 1, serves: nil), on: 2).sent.isEmpty)
        #expect(cluster.state == .drifted)
        #expect(cluster.publisher.status(of: mx1)?.reasons.first?.contains("did not answer") == true)
    }

    @Test func `a rejected digest is not sent again until the target changes`() {
        var cluster = OneMember(target: a)
        _ = cluster.connect(hello(running: nil))
        _ = cluster.receive(applied(a, position: 1))
        #expect(cluster.aim(b, position: 2).sent.count == 1)
        #expect(cluster.receive(rejected(b, position: 2)).sent.isEmpty)
        #expect(cluster.state == .rejected)
        #expect(cluster.publisher.status(of: mx1)?.reasons == ["no"])
        #expect(cluster.aim(b, position: 3).sent.isEmpty)
        _ = cluster.publisher.closed(connection(1))
        #expect(cluster.connect(hello(running: a, rejected: b), on: 2).sent.isEmpty)
        #expect(cluster.state == .rejected)
        #expect(cluster.aim(c, position: 4).sent == ["4 delta certificates"])
        #expect(cluster.state == .pending)
    }

    @Test func `a rejected digest is sent again when somebody asks, now or at the next hello`() {
        var cluster = OneMember(target: b)
        _ = cluster.connect(hello(running: a))
        _ = cluster.receive(rejected(b, position: 1))
        #expect(cluster.publisher.retry(mx1, now: cluster.now).sent.count == 1)
        #expect(cluster.state == .pending)
        _ = cluster.receive(rejected(b, position: 1))
        _ = cluster.publisher.closed(connection(1))
        #expect(cluster.publisher.retry(mx1, now: cluster.now).isEmpty)
        #expect(cluster.connect(hello(running: a, rejected: b), on: 2).sent.count == 1)
    }

    @Test func `what a member says again after its welcome is no answer to what was sent since`() {
        var cluster = OneMember(target: a)
        _ = cluster.connect(hello(running: nil))
        _ = cluster.receive(applied(a, position: 1))
        _ = cluster.aim(b, position: 2)
        _ = cluster.receive(rejected(b, position: 2))
        _ = cluster.publisher.closed(connection(1))
        _ = cluster.publisher.retry(mx1, now: cluster.now)
        #expect(cluster.connect(hello(running: a, rejected: b), on: 2).sent.count == 1)
        // Both were said before it heard of the retry.
        #expect(cluster.receive(rejected(b, position: 2), on: 2).sent.isEmpty)
        #expect(cluster.receive(applied(a, position: 1), on: 2).sent.isEmpty)
        #expect(cluster.state == .pending)
        // The target goes back, and the machine is on its way to what it was sent.
        #expect(cluster.aim(a, position: 3).sent.isEmpty)
        #expect(cluster.state == .pending)
        #expect(cluster.receive(applied(b, position: 2), on: 2).sent.count == 1)
        #expect(cluster.state == .pending)
        _ = cluster.receive(applied(a, position: 3), on: 2)
        #expect(cluster.state == .synced)
        // A second refusal is one.
        _ = cluster.aim(b, position: 4)
        _ = cluster.receive(rejected(b, position: 4), on: 2)
        #expect(cluster.state == .rejected)
    }

    @Test func `after a rejection, going back asks for proof of what was never left`() {
        var cluster = OneMember(target: a)
        _ = cluster.connect(hello(running: nil))
        _ = cluster.receive(applied(a, position: 1))
        _ = cluster.aim(b, position: 2)
        _ = cluster.receive(rejected(b, position: 2))
        #expect(cluster.aim(a, position: 3).sent == ["3 itself"])
        #expect(cluster.state == .pending)
        _ = cluster.receive(applied(a, position: 3))
        #expect(cluster.state == .synced)
    }

    @Test func `a member on its way elsewhere does not count as synced when the target comes back`() {
        var cluster = OneMember(target: a)
        _ = cluster.connect(hello(running: nil))
        _ = cluster.receive(applied(a, position: 1))
        _ = cluster.aim(b, position: 2)
        #expect(cluster.aim(a, position: 3).sent.isEmpty)
        #expect(cluster.state == .pending)
        _ = cluster.publisher.closed(connection(1))
        #expect(cluster.connect(hello(running: a), on: 2).sent == ["3 itself"])
        #expect(cluster.state == .pending)
    }

    @Test func `applying has a deadline, and a late receipt counts all the same`() {
        var cluster = OneMember(target: a)
        _ = cluster.connect(hello(running: nil))
        #expect(cluster.publisher.tick(now: at(Int64(Limits.applySeconds) - 1)).isEmpty)
        let actions = cluster.publisher.tick(now: at(Int64(Limits.applySeconds)))
        guard case .record(mx1, let receipt)? = actions.first, case .rejected(let reasons) = receipt.outcome else {
            Issue.record("no receipt: \(actions)")
            return
        }
        #expect(reasons.first?.hasPrefix("timed out") == true)
        #expect(cluster.state == .rejected)
        #expect(cluster.publisher.tick(now: at(1000)).isEmpty)
        _ = cluster.receive(applied(a, position: 1))
        #expect(cluster.state == .synced)
    }

    @Test func `a section that the agent does not know is refused for that machine, and sent once the agent knows it`() {
        var cluster = OneMember(target: b)
        var old = hello(running: nil)
        old.knowledge.sections[.destinations] = nil
        #expect(cluster.connect(old).sent.isEmpty)
        #expect(cluster.state == .rejected)
        #expect(cluster.publisher.status(of: mx1)?.reasons.first?.contains("destinations") == true)
        #expect(cluster.aim(a, position: 2).sent.count == 1)
        _ = cluster.aim(b, position: 3)
        _ = cluster.publisher.closed(connection(1))
        #expect(cluster.connect(hello(running: nil), on: 2).sent.count == 1)
    }

    @Test func `what an agent understands is kept, and one that is newer than the manager is served like any other`() {
        var cluster = OneMember(target: a)
        var newer = hello(running: nil)
        newer.knowledge.agent = "muster/9"
        newer.knowledge.protocols = 1...4
        newer.knowledge.sections[.destinations] = 8
        newer.knowledge.sections[SectionName(rawValue: "unheardOf")] = 3
        let actions = cluster.connect(newer)
        #expect(actions.contains(.know(mx1, newer.knowledge)))
        #expect(actions.contains(.welcome(connection(1), head(1), version: MemberProtocol.versions.upperBound)))
        #expect(actions.sent.count == 1)
        _ = cluster.receive(applied(a, position: 1))
        #expect(cluster.state == .synced)
        #expect(cluster.publisher.record(of: mx1)?.agent == newer.knowledge)
        _ = cluster.publisher.closed(connection(1))
        #expect(!cluster.connect(newer, on: 2).contains { if case .know = $0 { true } else { false } }, "it is known already")
        let restarted = OneMember(target: a, records: cluster.publisher.records)
        #expect(restarted.publisher.record(of: mx1)?.agent == newer.knowledge)
    }

    @Test func `a member that lays out something else than it was sent has rejected it`() {
        var cluster = OneMember(target: a)
        _ = cluster.connect(hello(running: nil))
        var receipt = applied(a, position: 1)
        receipt.outcome = .applied(digest: b.digest, proofs: [])
        #expect(cluster.receive(receipt).sent.isEmpty)
        #expect(cluster.state == .rejected)
    }

    @Test func `a receipt is cut to its limits`() {
        var cluster = OneMember(target: a)
        _ = cluster.connect(hello(running: nil))
        var receipt = rejected(a, position: 1)
        receipt.outcome = .rejected(reasons: Array(repeating: String(repeating: "x", count: 5000), count: 100))
        _ = cluster.receive(receipt)
        let reasons = cluster.publisher.status(of: mx1)?.reasons ?? []
        #expect(reasons.count == Limits.receiptReasons)
        #expect(reasons.allSatisfy { $0.count == Limits.reasonLength })
    }

    @Test func `further back than the last targets, the whole is sent`() {
        var cluster = OneMember(target: a)
        _ = cluster.aim(b, position: 2)
        _ = cluster.aim(c, position: 3)
        #expect(cluster.connect(hello(running: a)).sent == ["3 delta certificates"])
        _ = cluster.publisher.closed(connection(1))
        _ = cluster.aim(configuration(certificate: "three"), position: 4)
        #expect(cluster.connect(hello(running: a), on: 2).sent == ["4 whole certificates+interfaces+listeners+mailFlowPolicies"])
    }
}
