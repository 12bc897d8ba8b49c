import AdminContract
import Certificates
import ClusterLog
import ClusterModel
import ClusterService
import Replication
import Testing

@Suite("A machine that has to be approved waits, and gets in with the key that was approved")
struct ApprovalTests {
    private func invite(_ desk: Desk) async throws -> InvitationToken {
        let request = InvitationRequest(group: nil, expiresSeconds: 3600, approval: true)
        return try InvitationToken(parsing: try await desk.admin.invite(request, for: desk.caller).invitation)
    }

    private func wait(_ desk: Desk, _ request: JoinRequest) async throws -> String {
        let refusal = await #expect(throws: Refusal(.awaitingApproval, "")) { try await desk.enrolment.join(request) }
        return try #require(refusal?.reason)
    }

    private func decide(
        _ desk: Desk, _ machine: String, _ fingerprint: String?, approve: Bool = true, as caller: Caller? = nil
    ) async throws -> JoinRequestView {
        try await desk.admin.decideJoin(
            JoinDecision(machine: machine, fingerprint: fingerprint, approve: approve), for: caller ?? desk.caller)
    }

    @Test func `it is listed with its key, gets in once that is approved, and the log says by whom`() async throws {
        let desk = try await Desk.make()
        let invitation = try await invite(desk)
        var request = try desk.request("mx1", invitation: invitation)
        let lost = LostCertificate(name: "own", subject: "", fingerprint: Digest(hashing: []), notAfter: desk.clock.now(), services: [])
        request.loss = LossReport(certificates: [lost], settings: ["destinations": ["a", "b"]])
        let position = await desk.ledger.state.head.position
        let reason = try await wait(desk, request)
        desk.clock.advance(seconds: 60)
        _ = try await wait(desk, request)
        #expect(await desk.ledger.state.head.position == position, "asking is not in the log")
        let pending = try #require(try await desk.admin.joinRequests(for: desk.caller).first)
        #expect(pending.machine == "mx1" && pending.group == "main" && (pending.certificates, pending.settings) == (1, 2))
        #expect(desk.clock.now() == pending.time.adding(seconds: 60), "since it asked first")
        #expect(reason.contains(pending.fingerprint.hex))

        await #expect(throws: Refusal(.forbidden, "")) {
            try await decide(desk, "mx1", pending.fingerprint.hex, as: Caller(user: "oli", role: .operator))
        }
        await #expect(throws: Refusal(.invalid, "")) { try await decide(desk, "mx1", nil) }
        await #expect(throws: Refusal(.invalid, "")) { try await decide(desk, "mx1", String(pending.fingerprint.hex.prefix(11))) }
        await #expect(throws: Refusal(.conflict, "")) { try await decide(desk, "mx1", String(repeating: "0", count: 12)) }
        await #expect(throws: Refusal(.notFound, "")) { try await decide(desk, "mx2", pending.fingerprint.hex) }
        _ = try await wait(desk, request)
        _ = try await decide(desk, "mx1", pending.fingerprint.short.uppercased())
        #expect(try await desk.admin.joinRequests(for: desk.caller).isEmpty)

        // Another key is another machine, whatever it is called; another name is, too.
        _ = try await wait(desk, try desk.request("mx1", invitation: invitation))
        var renamed = request
        renamed.machine = "mx7"
        _ = try await wait(desk, renamed)
        #expect(try await desk.enrolment.join(request).group == "main")
        let audit = try await desk.admin.audit(Page(), for: desk.caller)
        let decided = try #require(audit.first { $0.kind == "join-decided" })
        #expect(decided.author == "ann" && decided.summary.contains("approved the join of mx1 with the key \(pending.fingerprint.short)"))
        // Used, it lets nobody else in, and whoever still waits does so no more.
        await #expect(throws: Refusal(.invitation, "")) { try await desk.enrolment.join(renamed) }
        #expect(try await desk.admin.joinRequests(for: desk.caller).isEmpty)
        #expect(try await desk.log.values(prefix: "join/").isEmpty)
    }

    @Test func `who was denied is told so, and others may still use the invitation`() async throws {
        let desk = try await Desk.make()
        let invitation = try await invite(desk)
        let (first, second) = (try desk.request("mx1", invitation: invitation), try desk.request("mx1", invitation: invitation))
        _ = try await wait(desk, first)
        _ = try await wait(desk, second)
        await #expect(throws: Refusal(.invalid, "")) { try await decide(desk, "mx1", nil, approve: false) }
        let key = try CertificateRequest(der: first.certificateRequest).key.fingerprint
        _ = try await decide(desk, "mx1", key.short, approve: false)
        let refusal = await #expect(throws: Refusal(.invitation, "")) { try await desk.enrolment.join(first) }
        #expect(refusal?.reason.contains("has denied") == true)
        let left = try #require(try await desk.admin.joinRequests(for: desk.caller).first)
        _ = try await decide(desk, "mx1", left.fingerprint.hex)
        _ = try await desk.enrolment.join(second)
    }

    @Test func `what waits outlives a restart, ends with the invitation, and is bounded`() async throws {
        let desk = try await Desk.make()
        let invitation = try await invite(desk)
        let request = try desk.request("mx1", invitation: invitation)
        _ = try await wait(desk, request)
        let opened = try await Desk(log: desk.log, master: desk.master, clock: desk.clock)
        let pending = try #require(try await opened.admin.joinRequests(for: desk.caller).first)
        _ = try await decide(opened, "mx1", pending.fingerprint.hex)
        let again = try await Desk(log: desk.log, master: desk.master, clock: desk.clock)
        #expect(try await again.enrolment.join(request).group == "main")

        let other = try await invite(again)
        for number in 0..<Limits.pendingJoins {
            _ = try await wait(again, try again.request("m\(number)", invitation: other, address: "127.0.1.\(number)"))
        }
        let late = try again.request("late", invitation: other)
        await #expect(throws: Refusal(.limit, "")) { try await again.enrolment.join(late) }
        again.clock.advance(seconds: 3600)
        #expect(try await again.admin.joinRequests(for: desk.caller).isEmpty)
        #expect(try await again.log.values(prefix: "join/").isEmpty)
    }

    @Test func `what could not join anyhow does not wait`() async throws {
        let desk = try await Desk.make()
        try await desk.set(.delivery, "settings", ["certificate": "nowhere"])
        _ = try await desk.commit()
        let request = try desk.request("mx1", invitation: try await invite(desk))
        await #expect(throws: Refusal(.wouldBreak, "")) { try await desk.enrolment.join(request) }
        #expect(try await desk.admin.joinRequests(for: desk.caller).isEmpty)
    }
}
