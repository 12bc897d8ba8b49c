import AdminContract
import Certificates
import ClusterLog
import ClusterModel
import ClusterService
import Replication
import Testing

@Suite("The cluster's CA is replaced step by step, and every machine comes along", .timeLimit(.minutes(1)))
struct CATests {
    // MARK: - The steps

    @Test func `each step waits for every machine, names who is missing, and outlives the manager`() async throws {
        var desk = try await Desk.make()
        let machine = try await TestMember(joining: desk, as: "mx1")
        let first = desk.authority.fingerprint
        var view = try await desk.step(.prepare)
        let next = try #require(view.next).fingerprint
        #expect(view.step == .prepared && view.current.fingerprint == first && next != first && view.moves == [.trust, .abort])
        desk = try await desk.restarted()
        view = try await desk.step(.trust)
        #expect(view.waiting.map(\.machine) == ["mx1"])
        let refusal = await #expect(throws: Refusal(.conflict, "")) { try await desk.step(.activate) }
        #expect(refusal?.details == ["mx1: has not confirmed that it trusts the next CA; it was never heard of"])

        desk = try await desk.restarted()
        try await machine.follow(desk) { view in view.waiting.isEmpty }
        #expect(Set(machine.papers.trusted) == [first, next] && machine.papers.issuer == first)
        desk = try await desk.restarted()
        view = try await machine.confirming(to: desk) { try await $0.step(.activate) }
        #expect(view.step == .activated && view.waiting.map(\.machine) == ["mx1"])
        #expect(try await ClusterAuthority.load(desk.ledger.state, vault: desk.vault).fingerprint == next)

        desk = try await desk.restarted()
        await #expect(throws: Refusal(.conflict, "")) { try await desk.step(.retire) }
        await #expect(throws: Refusal(.conflict, "")) { try await desk.step(.abort) }
        try await machine.follow(desk) { view in view.waiting.isEmpty }
        #expect(machine.papers.issuer == next)
        desk = try await desk.restarted()
        view = try await machine.confirming(to: desk) { try await $0.step(.retire) }
        #expect(view.step == .settled && view.current.fingerprint == next && view.next == nil)
        #expect(view.waiting.map(\.machine) == ["mx1"], "it still trusts the one from before")
        desk = try await desk.restarted()
        try await machine.follow(desk) { view in view.waiting.isEmpty }
        #expect(machine.papers.trusted == [next])
        let report = try await ManagerVerification(log: desk.log, master: desk.master).verify()
        #expect(report.isSound, "\(report.problems)")
        let kinds = try await desk.admin.audit(Page(), for: desk.caller).filter { $0.kind == "ca-rotated" }.map(\.summary)
        #expect(kinds.count == 4 && kinds[0].hasPrefix("prepared the next CA"))
    }

    @Test func `who is away can be left out of the activation, and holds up the retirement`() async throws {
        let desk = try await Desk.make()
        try await desk.join("mx1")
        _ = try await desk.step(.prepare)
        _ = try await desk.step(.trust)
        await #expect(throws: Refusal(.notFound, "")) { try await desk.step(.activate, without: ["mx9"]) }
        let view = try await desk.step(.activate, without: ["mx1"])
        #expect(view.step == .activated)
        #expect(try await desk.admin.audit(Page(), for: desk.caller).last?.summary == "activated the next CA, without mx1")
        await #expect(throws: Refusal(.conflict, "")) { try await desk.step(.retire) }
        await #expect(throws: Refusal(.invalid, "")) { try await desk.step(.retire, without: ["mx1"]) }
        _ = try await desk.admin.removeMachine("mx1", for: desk.caller)
        #expect(try await desk.step(.retire).step == .settled)
    }

    @Test func `only an administrator takes a step, and everybody may look`() async throws {
        let desk = try await Desk.make()
        let caller = Caller(user: "bob", role: .operator)
        await #expect(throws: Refusal(.forbidden, "")) { try await desk.admin.rotateCA(CARequest(move: .prepare), for: caller) }
        await #expect(throws: Refusal(.forbidden, "")) {
            try await desk.admin.readmitMachine("mx1", ReadmissionRequest(expiresSeconds: 60), for: caller)
        }
        #expect(try await desk.admin.ca(for: Caller(user: "eve", role: .readOnly)).step == .settled)
    }

    // MARK: - Who joins meanwhile

    @Test func `what a joiner gets is defined in every step`() async throws {
        let desk = try await Desk.make()
        let old = desk.authority.fingerprint
        let early = try await desk.invite()
        var rows = ["settled: " + (try await desk.joinRow("mx1", old))]
        for (number, move) in [Rotation.Move.prepare, .trust, .activate].enumerated() {
            let machines = ["mx1", "mx2", "mx3"]
            let without = move == .activate ? machines : []
            rows.append("\(move.rawValue): " + (try await desk.step(move, without: without).step.rawValue) + ", ")
            rows[rows.count - 1] += try await desk.joinRow("mx\(number + 2)", old)
        }
        #expect(
            rows == [
                "settled: pins old, certificate of old, trusts old", "prepare: prepared, pins old, certificate of old, trusts old",
                "trust: trusted, pins old+new, certificate of old, trusts old+new",
                "activate: activated, pins old+new, certificate of new, trusts old+new",
            ])
        // An invitation from before any of it is good until the old CA is retired.
        let answer = try await desk.enrolment.join(desk.request("mx5", invitation: early, address: "127.0.0.55"))
        #expect(try TrustedAuthority.list(pem: answer.trust).count == 2)
    }

    @Test func `an agent that knows of one CA only is let in while there is one`() async throws {
        let desk = try await Desk.make()
        _ = try await desk.step(.prepare)
        var request = try desk.request("mx1", invitation: try await desk.invite())
        request.knowledge.protocols = 1...1
        _ = try await desk.step(.trust)
        for isPreview in [true, false] {
            request.isPreview = isPreview
            let refusal = await #expect(throws: Refusal(.version, "")) { try await desk.enrolment.join(request) }
            #expect(refusal?.reason.contains("Upgrade it") == true)
        }
        _ = try await desk.step(.abort)
        _ = try await desk.enrolment.join(request)
    }

    @Test func `open invitations that pin the old CA only end when it is retired, by name, and those with both do not`() async throws {
        let desk = try await Desk.make()
        let early = try await desk.invite()
        _ = try await desk.step(.prepare)
        let prepared = try await desk.invite()
        _ = try await desk.step(.trust)
        let both = try await desk.invite()
        let ending = [early.id, prepared.id].sorted()
        #expect(try await desk.step(.activate).endingInvitations == ending)
        let view = try await desk.step(.retire)
        #expect(view.endedInvitations == ending && view.endingInvitations.isEmpty)
        for invitation in [early, prepared] {
            await #expect(throws: Refusal(.invitation, "")) { try await desk.enrolment.join(desk.request("mx1", invitation: invitation)) }
        }
        let answer = try await desk.enrolment.join(desk.request("mx1", invitation: both))
        let trusted = try TrustedAuthority.list(pem: answer.trust).map(\.fingerprint)
        #expect(trusted == [try #require(both.nextAuthority)])
    }

    @Test func `a token carries the CAs to trust with it`() async throws {
        let desk = try await Desk.make()
        func ca() async throws -> Int {
            let token = try await desk.admin.createToken(TokenRequest(user: nil, expiresSeconds: 60), for: desk.caller)
            return try TrustedAuthority.list(pem: try #require(token.ca)).count
        }
        #expect(try await ca() == 1)
        _ = try await desk.step(.prepare)
        #expect(try await ca() == 1)
        _ = try await desk.step(.trust)
        #expect(try await ca() == 2)
        _ = try await desk.step(.activate)
        _ = try await desk.step(.retire)
        #expect(try await ca() == 1)
    }
}

extension Desk {
    @discardableResult
    func step(_ move: Rotation.Move, without: [String] = []) async throws -> CAView {
        try await admin.rotateCA(CARequest(move: move, without: without), for: caller)
    }

    /// The same log under another process.
    func restarted() async throws -> Desk { try await Desk(log: log, master: master, clock: clock) }

    /// What a machine that joins now gets, in words.
    fileprivate func joinRow(_ name: String, _ old: Digest) async throws -> String {
        func word(_ fingerprints: [Digest]) -> String { fingerprints.map { $0 == old ? "old" : "new" }.joined(separator: "+") }
        let invitation = try await invite()
        let number = name.last?.wholeNumberValue ?? 0
        let answer = try await enrolment.join(request(name, invitation: invitation, address: "127.0.0.\(60 + number)"))
        let papers = try IdentityPapers(chainPEM: answer.certificate, trustPEM: answer.trust)
        let trusted = try TrustedAuthority.list(pem: answer.trust).map(\.fingerprint)
        return "pins \(word(invitation.pinned)), certificate of \(word([try #require(papers.issuer)])), trusts \(word(trusted))"
    }
}
