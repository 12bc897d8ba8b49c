import Certificates
import ClusterModel
import Gateways
import MemberAgent
import Replication
import Testing

@Suite("An agent keeps its identity new, and never has neither the old nor the new", .timeLimit(.minutes(1)))
struct IdentityRenewalTests {
    private let scratch = Scratch()
    private let manager: FakeManager
    private let next: ClusterAuthority

    init() throws {
        manager = try FakeManager()
        next = try ClusterAuthority.create(clusterID: FakeManager.clusterID, clusterName: "acme", now: .now)
    }

    private var both: String { manager.authority.certificatePEM + next.certificatePEM }

    private func certificate(
        _ key: PrivateKey, by authority: ClusterAuthority, hoursAgo: Int = 0, membership: MembershipID = FakeManager.membership
    ) throws -> String {
        try authority.issue(
            .machine(membership), publicKeyOf: CertificateRequest.make(key: key, commonName: "mx1"), lifetimeDays: 1,
            now: Timestamp.now.adding(seconds: Int64(-hoursAgo) * 3600)
        ).pem
    }

    /// A member whose certificate of a day is so old.
    private func member(hoursAgo: Int, faults: any DiskFaults = NoDiskFaults()) throws -> (directory: StateDirectory, key: PrivateKey) {
        let directory = try scratch.machine(faults: faults)
        let key = try PrivateKey.generate(.ecdsaP256)
        try directory.takeUp(
            LocalMembership(
                facts: LocalMembership.Facts(
                    membership: FakeManager.membership, clusterID: FakeManager.clusterID, cluster: "acme", group: "main",
                    managers: ["manager:8461"]),
                identity: MemberIdentity(certificate: certificate(key, by: manager.authority, hoursAgo: hoursAgo), key: key.pem),
                trust: manager.authority.certificatePEM))
        return (directory, key)
    }

    private func renewalRequest(on connection: FakeManager.Connection) async throws -> CertificateRequest {
        while let message = await connection.next() {
            if case .renewal(let request) = message { return try CertificateRequest(der: request) }
        }
        throw Refusal(.unavailable, "the connection ended")
    }

    private func papers(on connection: FakeManager.Connection) async throws -> IdentityPapers {
        while let message = await connection.next() {
            if case .papers(let papers) = message { return papers }
        }
        throw Refusal(.unavailable, "the connection ended")
    }

    @Test func `a certificate with less than a third of its life left is renewed, and the next connection shows the new one`() async throws
    {
        let (directory, key) = try member(hoursAgo: 17)
        try await withAgent(directory, manager: manager, prober: TrustingProber()) { agent in
            let (connection, hello) = try await agent.connection()
            #expect(hello.papers?.trusted == [manager.authority.fingerprint] && hello.papers?.issuer == manager.authority.fingerprint)
            connection.answer(.welcome(.at(1)))
            let request = try await renewalRequest(on: connection)
            #expect(request.key.fingerprint == key.facts.fingerprint)
            let renewed = try certificate(key, by: manager.authority)
            connection.answer(.renewed(RenewedIdentity(certificate: renewed, trust: manager.authority.certificatePEM)))
            #expect(try await papers(on: connection).notAfter > Timestamp.now.adding(seconds: 20 * 3600))
            #expect(try directory.membership()?.identity == MemberIdentity(certificate: renewed, key: key.pem))
            connection.hangUp("cut")
            await agent.clock.wake { $0 <= .seconds(0.5) }
            let (second, _) = try await agent.connection()
            #expect(second.identity?.certificate == renewed)
        }
    }

    @Test func `it trusts both CAs when it is told to, confirms that, and gets its certificate from the one that issues`() async throws {
        let (directory, key) = try member(hoursAgo: 0)
        try await withAgent(directory, manager: manager, prober: TrustingProber()) { agent in
            let (connection, _) = try await agent.connection()
            connection.answer(.welcome(.at(1)))
            connection.answer(.authorities(AuthorityOffer(trust: both, issuing: manager.authority.fingerprint)))
            let trusting = try await papers(on: connection)
            #expect(trusting.trusted == [manager.authority.fingerprint, next.fingerprint].sorted())
            #expect(try directory.membership()?.trust == both, "it is on the disk before it is confirmed")
            connection.answer(.authorities(AuthorityOffer(trust: both, issuing: next.fingerprint)))
            _ = try await renewalRequest(on: connection)
            connection.answer(.renewed(RenewedIdentity(certificate: try certificate(key, by: next), trust: both)))
            #expect(try await papers(on: connection).issuer == next.fingerprint)
            connection.answer(.authorities(AuthorityOffer(trust: next.certificatePEM, issuing: next.fingerprint)))
            #expect(try await papers(on: connection).trusted == [next.fingerprint])
            #expect(try directory.membership()?.trust == next.certificatePEM)
        }
    }

    @Test func `after its certificate expired it asks for another, says what to do meanwhile, and returns`() async throws {
        let (directory, key) = try member(hoursAgo: 48)
        try await withAgent(directory, manager: manager, prober: TrustingProber()) { agent in
            let first = try #require(await manager.next())
            guard case .renewal? = await first.next() else { throw Refusal(.unavailable, "it asks for something else") }
            first.answer(.refused(.certificateExpired, reason: "muster machine readmit mx1"))
            let status = try await agent.status { !$0.reasons.isEmpty }
            #expect(status.reasons == ["muster machine readmit mx1"])
            await agent.clock.wake { $0 <= .seconds(0.5) }
            let second = try #require(await manager.next())
            guard case .renewal? = await second.next() else { throw Refusal(.unavailable, "it asks for something else") }
            let renewed = try certificate(key, by: manager.authority)
            second.answer(.renewed(RenewedIdentity(certificate: renewed, trust: manager.authority.certificatePEM)))
            _ = try await agent.status { $0.reasons.isEmpty || $0.reasons.first?.contains("new certificate") == true }
            await agent.clock.wake { $0 <= .seconds(0.5) }
            let (third, _) = try await agent.connection()
            #expect(third.identity?.certificate == renewed)
        }
    }

    // MARK: - The disk

    @Test(arguments: BadDisk.Trouble.allCases)
    func `at every step of a renewal the disk has the old or the new, whole, and gets there when it works`(_ trouble: BadDisk.Trouble)
        throws
    {
        var step = 0
        while try renews(trouble, at: step) { step += 1 }
        #expect(step >= 6, "two files, each aside, flushed and put in place")
    }

    private func renews(_ trouble: BadDisk.Trouble, at step: Int) throws -> Bool {
        let scratch = Scratch()
        let disk = BadDisk(trouble, at: scratch.path)
        let directory = try scratch.machine(faults: disk)
        let key = try PrivateKey.generate(.ecdsaP256)
        let old = MemberIdentity(certificate: try certificate(key, by: manager.authority), key: key.pem)
        let facts = LocalMembership.Facts(
            membership: FakeManager.membership, clusterID: FakeManager.clusterID, cluster: "acme", group: "main", managers: ["manager:8461"]
        )
        try directory.takeUp(LocalMembership(facts: facts, identity: old, trust: manager.authority.certificatePEM))
        let new = RenewedIdentity(certificate: try certificate(key, by: next), trust: both)
        disk.arm(in: step)
        let isDone = (try? directory.takeUp(new, now: .now)) != nil  // what is there afterwards is the test
        disk.heal()
        let there = try #require(try directory.membership())
        #expect(there.identity.key == key.pem && there.facts == facts, "step \(step)")
        #expect([old.certificate, new.certificate].contains(there.identity.certificate), "step \(step)")
        #expect([manager.authority.certificatePEM, both].contains(there.trust), "step \(step)")
        if there.identity.certificate == new.certificate { #expect(there.trust == both, "step \(step): nobody vouches for it") }
        let isHit = disk.isHit
        #expect(isHit != isDone || trouble != .lasting, "step \(step)")
        #expect(try directory.takeUp(new, now: .now).identity.certificate == new.certificate)
        try directory.clearLeftovers()
        #expect(try scratch.allFiles().keys.filter { $0.contains(".new-") } == [], "step \(step)")
        return isHit
    }

    @Test func `what does not belong to this machine is not taken up`() throws {
        let (directory, key) = try member(hoursAgo: 0)
        let before = try directory.membership()
        let (stranger, foreign) = (
            try PrivateKey.generate(.ecdsaP256), try ClusterAuthority.create(clusterID: "another", clusterName: "x", now: .now)
        )
        let own = manager.authority.certificatePEM
        let wrong = [
            RenewedIdentity(certificate: try certificate(stranger, by: manager.authority), trust: own),
            RenewedIdentity(certificate: try certificate(key, by: next), trust: own),
            RenewedIdentity(certificate: try certificate(key, by: manager.authority, membership: MembershipID(rawValue: "m2")), trust: own),
            RenewedIdentity(certificate: try certificate(key, by: manager.authority, hoursAgo: 48), trust: own),
            RenewedIdentity(certificate: try certificate(key, by: manager.authority), trust: own + foreign.certificatePEM),
            RenewedIdentity(certificate: try certificate(key, by: manager.authority), trust: ""),
        ]
        for renewed in wrong { #expect(throws: Refusal.self) { try directory.takeUp(renewed, now: .now) } }
        for offer in [
            AuthorityOffer(trust: own, issuing: next.fingerprint),
            AuthorityOffer(trust: own + foreign.certificatePEM, issuing: next.fingerprint),
            AuthorityOffer(trust: "", issuing: next.fingerprint), AuthorityOffer(trust: both + own, issuing: next.fingerprint),
        ] {
            #expect(throws: Refusal.self) { try directory.adopt(offer) }
        }
        #expect(try directory.membership() == before)
    }
}
