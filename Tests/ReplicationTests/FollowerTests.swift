import ClusterModel
import Replication
import Testing

/// A follower with a connection that was welcomed, unless a test says otherwise.
struct OneFollower {
    var follower: Follower

    init(
        running: EffectiveConfiguration? = nil, memory: Follower.Memory = .init(), apart: Apart = Apart(),
        knowledge: AgentKnowledge = .ours(agent: "test"), mends: Bool = false
    ) {
        follower = Follower(
            running: running.map { .init(target: target($0, position: 1), configuration: $0) }, memory: memory,
            apart: apart, knowledge: knowledge, mends: mends)
        if running != nil {
            _ = follower.started()
            _ = follower.applied(.success(serving("one")), now: at(0))
        }
    }

    mutating func welcome(_ position: Int = 1) -> [Follower.Action] {
        _ = follower.connected(now: at(0))
        return follower.received(.welcome(head(position)), now: at(0))
    }

    /// An update as the publisher builds it.
    mutating func update(
        to goal: EffectiveConfiguration, from base: EffectiveConfiguration? = nil, position: Int = 2, material: [Material]? = nil
    ) throws -> [Follower.Action] {
        let update = try buildUpdate(target: target(goal, position: position), configuration: goal, base: base, head: head(position)) {
            needed in
            material
                ?? ["one", "two"].flatMap { [key($0), chain($0)] }.filter {
                    needed.keys.contains($0.digest) || needed.chains.contains($0.digest)
                }
        }
        return follower.received(.update(update), now: at(1))
    }

    mutating func laidOut(_ configuration: EffectiveConfiguration) -> [Follower.Action] {
        follower.laidOut(.success(configuration.digest), now: at(2))
    }

    mutating func applied(serves certificate: String = "one") -> [Follower.Action] {
        follower.applied(.success(serving(certificate)), now: at(0))
    }

    mutating func failed() -> [Follower.Action] {
        follower.applied(.failure(Refusal(.wouldBreak, "not so", details: ["one", "two"])), now: at(0))
    }
}

extension [Follower.Action] {
    /// The actions by name, those on the memory left out.
    var names: [String] {
        compactMap { action in
            switch action {
            case .hello: "hello"
            case .layOut: "layOut"
            case .apply: "apply"
            case .resume: "resume"
            case .prove: "prove"
            case .look: "look"
            case .mend: "mend"
            case .rollBack: "rollBack"
            case .report(let receipt): if case .applied = receipt.outcome { "applied" } else { "rejected" }
            case .stayApart: "stayApart"
            case .settle: "settle"
            case .reportEdits: "reportEdits"
            case .remember: nil
            case .flatten: "flatten"
            case .hangUp: "hangUp"
            case .reconnect: "reconnect"
            case .resumeLater: "resumeLater"
            case .renew: "renew"
            case .adopt: "adopt"
            case .takeUp: "takeUp"
            case .show: "show"
            }
        }
    }

    var receipts: [Receipt] {
        compactMap { action in
            guard case .report(let receipt) = action else { return nil }
            return receipt
        }
    }

    var remembered: Follower.Memory? {
        for case .remember(let memory) in self { return memory }
        return nil
    }
}

@Suite("The follower takes a machine to its target or leaves it where it is")
struct FollowerTests {
    let a = configuration()
    let b = configuration(destination: .required)
    let c = configuration(certificate: "two")

    @Test func `lay out, apply, report`() throws {
        var member = OneFollower()
        #expect(member.welcome().remembered?.seen == head(1))
        #expect(try member.update(to: a).names == ["layOut"])
        #expect(member.laidOut(a) == [.apply(a.digest)])
        let receipts = member.applied().receipts
        #expect(receipts == [applied(a, position: 2)])
        #expect(member.follower.running?.configuration == a)
    }

    @Test func `what was rejected between hello and welcome is not tried again for an update that was sent in between`() throws {
        var member = OneFollower()
        _ = member.welcome()
        _ = try member.update(to: a)
        _ = member.laidOut(a)
        _ = member.applied()
        _ = try member.update(to: b, from: a, position: 3)
        _ = member.laidOut(b)
        // The connection breaks while the gateway works; the next hello does not know of the refusal yet.
        _ = member.follower.disconnected(random: 0)
        _ = member.follower.connected(now: at(1))
        #expect(member.failed().names == ["rollBack"])
        #expect(member.follower.received(.welcome(head(3)), now: at(1)).names == ["rejected", "applied"])
        #expect(try member.update(to: b, from: a, position: 3).names == ["rejected"])
        // The next time it is somebody's wish.
        #expect(try member.update(to: b, from: a, position: 3).names == ["layOut"])
    }

    @Test func `what waited on another connection is not begun after a new hello`() throws {
        var member = OneFollower()
        _ = member.welcome()
        _ = try member.update(to: a)
        _ = try member.update(to: b, position: 3)
        _ = member.follower.disconnected(random: 0)
        _ = member.follower.connected(now: at(1))
        #expect(member.laidOut(a) == [.apply(a.digest)])
        #expect(member.applied().names.isEmpty)
        #expect(member.follower.received(.welcome(head(3)), now: at(1)).names == ["applied"])
        #expect(try member.update(to: b, from: a, position: 3).names == ["layOut"])
    }

    @Test func `what is current serves again after a start, with no manager in reach, and is reported to the first one`() {
        var member = OneFollower()
        member.follower = Follower(
            running: .init(target: target(a, position: 1), configuration: a), memory: .init(), knowledge: .ours(agent: "test"))
        #expect(member.follower.started() == [.resume(a.digest)])
        #expect(member.applied().names.isEmpty)
        #expect(member.welcome().receipts == [applied(a, position: 1)])
    }

    @Test func `a start that the gateway refuses is tried until it does, and said once`() {
        var member = OneFollower(running: a)
        member.follower = Follower(
            running: .init(target: target(a, position: 1), configuration: a), memory: .init(), knowledge: .ours(agent: "test"))
        _ = member.welcome()
        _ = member.follower.started()
        #expect(member.failed().names == ["rejected", "resumeLater"])
        #expect(member.follower.started().names == ["resume"])
        #expect(member.failed().names == ["resumeLater"])
        #expect(member.follower.started().names == ["resume"])
        #expect(member.applied().names == ["applied"])
        #expect(member.follower.started().isEmpty)
    }

    @Test func `a rejected configuration is deleted, reported with its reasons, and remembered until something newer comes`() throws {
        var member = OneFollower(running: a)
        _ = member.welcome()
        _ = try member.update(to: b, from: a)
        _ = member.laidOut(b)
        let actions = member.failed()
        #expect(actions.names == ["rollBack", "rejected"])
        #expect(actions.receipts.first?.outcome == .rejected(reasons: ["one", "two"]))
        #expect(member.follower.running?.configuration == a)
        #expect(member.follower.connected(now: at(3)) == [.hello(helloOf(a, rejected: b, seen: head(2)))])
        #expect(member.follower.received(.welcome(head(2)), now: at(3)).names == ["rejected", "applied"])
        #expect(try member.update(to: c, from: a, position: 3).remembered.map { $0.rejection == nil } == true)
    }

    @Test func `while one is worked on, only the newest waits`() throws {
        var member = OneFollower(running: a)
        _ = member.welcome()
        _ = try member.update(to: b, from: a)
        _ = member.laidOut(b)
        #expect(try member.update(to: c, from: a, position: 3).names.isEmpty)
        #expect(try member.update(to: configuration(certificate: "two", destination: .preferred), from: a, position: 4).names.isEmpty)
        #expect(member.applied().names == ["applied", "layOut"])
        #expect(member.laidOut(configuration(certificate: "two", destination: .preferred)).names == ["apply"])
        #expect(member.applied(serves: "two").receipts.first?.target.position == 4)
    }

    @Test func `the same configuration again, while it is worked on, only brings its newer target`() throws {
        var member = OneFollower()
        _ = member.welcome()
        _ = try member.update(to: a)
        #expect(try member.update(to: a, position: 3).names.isEmpty)
        _ = member.laidOut(a)
        #expect(member.applied().receipts.map(\.target.position) == [3])
    }

    @Test func `what was laid out is not applied when something newer waits`() throws {
        var member = OneFollower(running: a)
        _ = member.welcome()
        _ = try member.update(to: b, from: a)
        _ = try member.update(to: c, from: a, position: 3)
        #expect(member.laidOut(b).names == ["rollBack", "layOut"])
    }

    @Test func `news of the target of what is running is answered with a proof, and nothing is laid out`() throws {
        var member = OneFollower(running: a)
        _ = member.welcome()
        #expect(try member.update(to: a, from: a, position: 5) == [.remember(member.follower.memory), .prove(a.digest)])
        #expect(member.follower.proved(serving("one"), now: at(0)).receipts == [applied(a, position: 5)])
    }

    @Test func `a delta on another base is not followed: the member asks for everything`() throws {
        var member = OneFollower(running: a)
        _ = member.welcome()
        #expect(try member.update(to: c, from: b).names == ["hangUp"])
        #expect(member.follower.disconnected(random: 0).names == ["reconnect"])
        guard case .hello(let hello)? = member.follower.connected(now: at(0)).first else { return _ = Issue.record("no hello") }
        #expect(hello.running == nil)
        _ = member.follower.received(.welcome(head(2)), now: at(0))
        #expect(try member.update(to: a).names == ["layOut"])
        #expect(member.laidOut(a).names == ["apply"])
    }

    @Test func `an update without a key that it needs is not laid out`() throws {
        var member = OneFollower(running: a)
        _ = member.welcome()
        #expect(try member.update(to: c, from: a, material: [chain("two")]).names == ["hangUp"])
        _ = member.welcome(2)
        // The whole lacks it too: asking again would not help.
        #expect(try member.update(to: c, material: [chain("two")]).names == ["rejected"])
    }

    @Test func `a chain with other content than its digest is not laid out`() throws {
        var member = OneFollower()
        _ = member.welcome()
        let altered = Material(kind: .chain, digest: chain("one").digest, pem: [1, 2, 3])
        #expect(try member.update(to: a, material: [key("one"), altered]).names == ["rejected"])
    }

    @Test func `a section that this version does not know is rejected by name, never ignored`() throws {
        var knowledge = AgentKnowledge.ours(agent: "test")
        knowledge.sections[.destinations] = nil
        var member = OneFollower(running: a, knowledge: knowledge)
        _ = member.welcome()
        let actions = try member.update(to: b, from: a)
        #expect(actions.names == ["rejected"])
        guard case .rejected(let reasons)? = actions.receipts.first?.outcome else { return }
        #expect(reasons.first?.contains("destinations") == true)
    }

    @Test func `a field or a word that this version does not know is rejected by name, never ignored`() throws {
        for value: JSONValue in [["tls": "required", "future": 1], ["tls": "quantum"]] {
            var member = OneFollower(running: a)
            _ = member.welcome()
            let entry = EffectiveEntry(
                section: .destinations, name: "bank.example", value: value, origin: .init(layer: .cluster, revision: 2))
            let goal = EffectiveConfiguration(sections: a.sections + [EffectiveSection(name: .destinations, entries: [entry])])
            let actions = try member.update(to: goal, from: a)
            #expect(actions.names == ["rejected"])
            guard case .rejected(let reasons)? = actions.receipts.first?.outcome else { continue }
            #expect(reasons.first?.contains("destinations.bank.example") == true, "\(reasons)")
            #expect(reasons.first?.contains(value["future"] == nil ? "quantum" : "future") == true, "\(reasons)")
        }
    }

    @Test func `an entry whose name says nothing to this version is rejected by name`() throws {
        var member = OneFollower(running: a)
        _ = member.welcome()
        let entry = EffectiveEntry(
            section: .services, name: "time-machine", value: ["host": "tm.example.com"], origin: .init(layer: .cluster, revision: 2))
        let goal = EffectiveConfiguration(sections: a.sections + [EffectiveSection(name: .services, entries: [entry])])
        guard case .rejected(let reasons)? = try member.update(to: goal, from: a).receipts.first?.outcome else {
            return _ = Issue.record("it was not rejected")
        }
        #expect(reasons.first?.contains("services/time-machine") == true)
    }

    @Test func `a manager that wants to speak another version is not followed`() {
        var member = OneFollower(running: a)
        _ = member.follower.connected(now: at(0))
        #expect(member.follower.received(.welcome(head(1), version: 7), now: at(0)).names == ["hangUp"])
        #expect(member.follower.objection?.code == .version)
    }

    @Test func `what reads back otherwise than it was laid out is not applied`() throws {
        var member = OneFollower()
        _ = member.welcome()
        _ = try member.update(to: a)
        #expect(member.laidOut(b).names == ["rollBack", "rejected"])
    }

    @Test func `a base whose material is gone makes the member ask for everything`() throws {
        var member = OneFollower(running: a)
        _ = member.welcome()
        _ = try member.update(to: b, from: a)
        #expect(member.follower.laidOut(.failure(Refusal(.notFound, "gone")), now: at(0)).names == ["rollBack", "hangUp"])
        guard case .hello(let hello)? = member.follower.connected(now: at(0)).first else { return _ = Issue.record("no hello") }
        #expect(hello.running == nil)
    }

    private func helloOf(_ running: EffectiveConfiguration, rejected: EffectiveConfiguration, seen: Sighting) -> Hello {
        var hello = hello(running: running, rejected: rejected, seen: seen)
        hello.clock = at(3)
        return hello
    }
}

@Suite("The follower chooses whom to follow")
struct FollowerConnectionTests {
    let a = configuration()

    @Test func `a manager whose log is older than what was seen, or another history, is not followed`() {
        var memory = Follower.Memory()
        memory.seen = head(7)
        var member = OneFollower(running: a, memory: memory)
        #expect(member.welcome(6).names == ["hangUp"])
        #expect(member.follower.objection == Refusal(.conflict, ""))
        _ = member.follower.connected(now: at(0))
        var other = head(7)
        other.head.hash = Digest(hashing: [9])
        #expect(member.follower.received(.welcome(other), now: at(0)).names == ["hangUp"])
        #expect(member.follower.memory.seen == head(7))
        #expect(member.welcome(7).names == ["applied"])
        #expect(member.follower.objection == nil)
    }

    @Test func `a manager that was recovered is followed though its log is shorter, and one that was not is followed no more`() {
        var memory = Follower.Memory()
        memory.seen = head(7)
        var member = OneFollower(running: a, memory: memory)
        _ = member.follower.connected(now: at(0))
        #expect(member.follower.received(.welcome(head(3, epoch: 1)), now: at(0)).remembered?.seen == head(3, epoch: 1))
        #expect(member.follower.isWelcome)
        #expect(member.welcome(8).names == ["hangUp"])
        #expect(member.follower.memory.seen == head(3, epoch: 1))
    }

    @Test func `nothing is taken before the welcome, nor after the membership ended`() throws {
        var member = OneFollower()
        _ = member.follower.connected(now: at(0))
        #expect(try member.update(to: a).isEmpty)
        let end = Ended(reason: "removed", time: at(5))
        #expect(member.follower.received(.ended(end), now: at(5)) == [.flatten(end)])
        #expect(member.follower.isOver)
        #expect(member.follower.disconnected(random: 0.5).isEmpty)
        #expect(member.follower.connected(now: at(6)).isEmpty)
        #expect(member.follower.started().isEmpty)
    }

    @Test func `a membership that ends while something is applied ends when that is done`() throws {
        var member = OneFollower()
        _ = member.welcome()
        _ = try member.update(to: a)
        _ = member.laidOut(a)
        #expect(member.follower.received(.ended(Ended(reason: "removed", time: at(5))), now: at(5)).isEmpty)
        #expect(member.applied().names == ["applied", "flatten"])
        #expect(member.follower.running?.configuration == a)
    }

    @Test func `waits grow from half a second to thirty, and a welcome begins again`() {
        var member = OneFollower()
        func wait() -> Duration? {
            guard case .reconnect(let wait)? = member.follower.disconnected(random: 1).first else { return nil }
            return wait
        }
        #expect((0..<9).map { _ in wait() } == [0.5, 1, 2, 4, 8, 16, 30, 30, 30].map { .seconds($0) })
        _ = member.welcome()
        #expect(wait() == .seconds(0.5))
        #expect(member.follower.disconnected(random: 0) == [.reconnect(after: .zero)])
    }
}
