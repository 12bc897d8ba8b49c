import ClusterModel
import Replication
import Testing

@Suite("A member renews its certificate in time, and follows the CA")
struct IdentityTests {
    private static let (one, other) = (Digest(hashing: [1]), Digest(hashing: [2]))
    private static let renewed = RenewedIdentity(certificate: "new", trust: "both")

    private func papers(_ trusted: [Digest] = [one], issuer: Digest = one, until end: Int64 = 900) -> IdentityPapers {
        IdentityPapers(trusted: trusted, issuer: issuer, notBefore: at(0), notAfter: at(end))
    }

    private func follower(_ papers: IdentityPapers?) -> Follower {
        Follower(running: nil, memory: .init(), knowledge: .ours(agent: "test"), papers: papers)
    }

    // MARK: - The member

    @Test func `it says what it holds, and asks once when a third of the time is left`() {
        var follower = follower(papers())
        guard case .hello(let hello)? = follower.connected(now: at(0)).first else {
            Issue.record("no hello")
            return
        }
        #expect(hello.papers == papers())
        #expect(follower.received(.welcome(head(1)), now: at(0)).names == [])
        #expect(follower.tick(now: at(599)) == [])
        #expect(follower.tick(now: at(601)) == [.renew])
        #expect(follower.tick(now: at(602)) == [], "it waits for the answer")
        #expect(follower.tick(now: at(601 + 3600)) == [.renew], "and not for ever")
        #expect(follower.received(.renewed(IdentityTests.renewed), now: at(700)) == [.takeUp(IdentityTests.renewed)])
        let next = papers(until: 9000)
        #expect(follower.holding(next, now: at(700)) == [.show(next)])
        #expect(follower.tick(now: at(700)) == [])
    }

    @Test func `nothing is asked of a manager of version 1, and nothing by a member that renews nothing`() {
        var follower = follower(papers())
        _ = follower.connected(now: at(0))
        #expect(follower.received(.welcome(head(1), version: 1), now: at(800)).names == [])
        #expect(follower.tick(now: at(800)) == [])
        var silent = self.follower(nil)
        guard case .hello(let hello)? = silent.connected(now: at(0)).first else { return }
        #expect(hello.papers == nil)
        _ = silent.received(.welcome(head(1)), now: at(0))
        #expect(silent.tick(now: at(100_000)) == [])
        #expect(silent.received(.authorities(AuthorityOffer(trust: "both", issuing: IdentityTests.one)), now: at(0)) == [])
    }

    @Test func `a CA that issues now is adopted first, then asked`() {
        var follower = follower(papers())
        _ = follower.connected(now: at(0))
        _ = follower.received(.welcome(head(1)), now: at(0))
        let offer = AuthorityOffer(trust: "both", issuing: IdentityTests.other)
        #expect(follower.received(.authorities(offer), now: at(1)) == [.adopt(offer)])
        let both = papers([IdentityTests.one, IdentityTests.other])
        #expect(follower.holding(both, now: at(1)) == [.show(both), .renew])
        #expect(follower.received(.renewed(IdentityTests.renewed), now: at(2)) == [.takeUp(IdentityTests.renewed)])
        let done = papers([IdentityTests.one, IdentityTests.other], issuer: IdentityTests.other)
        #expect(follower.holding(done, now: at(2)) == [.show(done)])
    }

    @Test func `an answer that was not asked for is not taken up`() {
        var follower = follower(papers())
        _ = follower.connected(now: at(0))
        _ = follower.received(.welcome(head(1)), now: at(0))
        #expect(follower.received(.renewed(IdentityTests.renewed), now: at(0)) == [])
    }

    @Test func `after its certificate expired it asks for another instead of saying hello, and says why it cannot return`() {
        var follower = follower(papers())
        #expect(follower.connected(now: at(901)) == [.renew])
        #expect(follower.received(.refused(.certificateExpired, reason: "readmit it"), now: at(901)).names == ["hangUp"])
        #expect(follower.objection?.reason == "readmit it")
        #expect(follower.connected(now: at(902)) == [.renew])
        #expect(follower.received(.renewed(IdentityTests.renewed), now: at(902)) == [.takeUp(IdentityTests.renewed)])
        #expect(follower.holding(papers(until: 9000), now: at(902)).names == ["hangUp"])
        #expect(follower.objection == nil)
        #expect(follower.connected(now: at(903)).names == ["hello"])
    }

    @Test(arguments: [(9000, 0.5), (800, 2.0)])
    func `who has a new certificate is back soon, but not again and again with one that has expired by its clock`(
        _ end: Int64, _ seconds: Double
    ) {
        var follower = follower(papers())
        for moment in [901, 902] as [Int64] {
            _ = follower.connected(now: at(moment))
            _ = follower.disconnected(random: 1)
        }
        _ = follower.connected(now: at(903))
        _ = follower.received(.renewed(IdentityTests.renewed), now: at(903))
        _ = follower.holding(papers(until: end), now: at(903))
        #expect(follower.disconnected(random: 1) == [.reconnect(after: .seconds(seconds))])
    }

    @Test func `a clock that is behind does not keep it from returning`() {
        var follower = follower(papers())
        #expect(follower.connected(now: at(0)).names == ["hello"])
        #expect(follower.received(.refused(.certificateExpired, reason: ""), now: at(0)).names == ["hangUp"])
        #expect(follower.connected(now: at(1)) == [.renew])
    }

    // MARK: - The manager

    private func publisher(_ papers: IdentityPapers?, version: Int = 2) -> Publisher {
        var publisher = Publisher()
        _ = publisher.stateChanged(targets: [mx1: machine(configuration(), position: 1)], ended: [:], head: head(1), now: at(0))
        _ = publisher.opened(connection(1), membership: mx1, now: at(0))
        var hello = hello(running: configuration())
        hello.papers = papers
        hello.knowledge.protocols = 1...version
        _ = publisher.hello(connection(1), hello, standing: .held, now: at(0))
        return publisher
    }

    private func authorities(_ trusted: [Digest], issuing: Digest) -> Publisher.Authorities {
        Publisher.Authorities(
            offer: AuthorityOffer(trust: trusted.map(\.short).joined(separator: "+"), issuing: issuing), trusted: trusted)
    }

    @Test func `a member is told of the CAs once, when it holds something else`() {
        let (one, other) = (IdentityTests.one, IdentityTests.other)
        var publisher = publisher(papers())
        #expect(publisher.authoritiesChanged(authorities([one], issuing: one)) == [])
        let both = authorities([one, other], issuing: one)
        #expect(publisher.authoritiesChanged(both) == [.authorities(connection(1), both.offer)])
        #expect(publisher.authoritiesChanged(both) == [])
        #expect(publisher.papers(connection(1), papers(), now: at(1)) == [], "it says the same again")
        #expect(publisher.papers(connection(1), papers([one, other]), now: at(1)) == [.keep(mx1)])
        #expect(publisher.record(of: mx1)?.papers?.trusted == [one, other].sorted())
        let active = authorities([one, other], issuing: other)
        #expect(publisher.authoritiesChanged(active) == [.authorities(connection(1), active.offer)])
        #expect(publisher.papers(connection(1), papers([one, other], issuer: other), now: at(2)) == [.keep(mx1)])
    }

    @Test func `who comes later is told after the welcome; of version 1, or without papers, nobody is`() {
        let (one, other) = (IdentityTests.one, IdentityTests.other)
        let both = authorities([one, other], issuing: one)
        for (papers, version, expected) in [(papers(), 2, 1), (papers(), 1, 0), (papers([one, other]), 2, 0)] {
            var publisher = Publisher()
            _ = publisher.stateChanged(targets: [mx1: machine(configuration(), position: 1)], ended: [:], head: head(1), now: at(0))
            _ = publisher.authoritiesChanged(both)
            _ = publisher.opened(connection(1), membership: mx1, now: at(0))
            var hello = hello(running: configuration())
            hello.papers = papers
            hello.knowledge.protocols = 1...version
            let actions = publisher.hello(connection(1), hello, standing: .held, now: at(0))
            #expect(actions.count { if case .authorities = $0 { true } else { false } } == expected)
        }
        var silent = publisher(nil)
        #expect(silent.authoritiesChanged(both) == [])
    }

    @Test func `a certificate is issued to whoever is there, not without end, and to one that expired on its own terms`() {
        var publisher = publisher(papers())
        for _ in 0..<Limits.renewalsPerConnection {
            let asker = publisher.renewal(connection(1), now: at(1)).asker
            #expect(asker == .init(membership: mx1, hasExpired: false, closesAfter: false))
        }
        let (asker, actions) = publisher.renewal(connection(1), now: at(1))
        #expect(asker == nil && actions.contains(.close(connection(1))))
        #expect(publisher.renewal(connection(9), now: at(1)).asker == nil)

        #expect(publisher.returned(connection(2), membership: mx1) == [])
        #expect(publisher.record(of: mx1)?.turnedAway?.contains("certificate expired") == true)
        #expect(publisher.renewal(connection(2), now: at(1)).asker == .init(membership: mx1, hasExpired: true, closesAfter: true))
        _ = publisher.closed(connection(2))
        #expect(publisher.renewal(connection(2), now: at(1)).asker == nil)
        #expect(publisher.returned(connection(3), membership: mx2).contains(.close(connection(3))))
        let end = Ended(reason: "removed", time: at(0))
        _ = publisher.stateChanged(targets: [:], ended: [mx1: end], head: head(2), now: at(2))
        #expect(publisher.returned(connection(4), membership: mx1) == [.end(connection(4), end), .close(connection(4))])
    }
}
