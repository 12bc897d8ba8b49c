import AdminContract
import Certificates
import ClusterModel
import ClusterService
import Replication
import Testing

@Suite("A machine whose certificate expired returns by a grant, once, in time, with its own key", .timeLimit(.minutes(1)))
struct ReadmissionTests {
    private func grant(_ desk: Desk, seconds: Int = 3600) async throws -> ReadmissionView {
        try await desk.admin.readmitMachine("mx1", ReadmissionRequest(expiresSeconds: seconds), for: desk.caller)
    }

    @Test func `without a grant it is refused, and people see why on both sides`() async throws {
        let desk = try await Desk.make()
        let machine = try await TestMember(joining: desk, as: "mx1")
        desk.clock.advance(seconds: 366 * 86_400)
        let refusal = await #expect(throws: Refusal(.certificateExpired, "")) { try await machine.returns(to: desk) }
        #expect(refusal?.reason.contains("muster machine readmit mx1") == true)
        let view = try await desk.admin.machine("mx1", for: desk.caller)
        #expect(view.state == .offline)
        #expect(view.reasons.first?.contains("certificate expired") == true)
        #expect(view.reasons.first?.contains("muster machine readmit") == true)
    }

    @Test func `with one it gets a certificate for the membership that it has, once`() async throws {
        let desk = try await Desk.make()
        let machine = try await TestMember(joining: desk, as: "mx1")
        desk.clock.advance(seconds: 366 * 86_400)
        let view = try await grant(desk)
        #expect(view.expires == desk.clock.now().adding(seconds: 3600))
        let renewed = try await machine.returns(to: desk)
        let identity = try verifyIdentity(
            chainDER: CertificateChain(pem: renewed.certificate).der, trust: TrustedAuthority.list(pem: renewed.trust),
            clusterID: desk.authority.clusterID, now: desk.clock.now())
        #expect(identity == .machine(machine.membership))
        #expect(try CertificateChain(pem: renewed.certificate).isServed(by: machine.key))
        await #expect(throws: Refusal(.certificateExpired, "")) { try await machine.returns(to: desk.restarted()) }
        let kinds = try await desk.admin.audit(Page(), for: desk.caller).suffix(2)
        #expect(kinds.map(\.kind) == ["readmission-granted", "machine-readmitted"])
        #expect(kinds.map(\.author) == ["ann", "machine mx1"])
    }

    @Test func `an expired grant, another key and a removed machine are refused`() async throws {
        let desk = try await Desk.make()
        let machine = try await TestMember(joining: desk, as: "mx1")
        desk.clock.advance(seconds: 366 * 86_400)
        _ = try await grant(desk)
        await #expect(throws: Refusal(.forbidden, "")) { try await machine.returns(to: desk, with: PrivateKey.generate(.ecdsaP256)) }
        desk.clock.advance(seconds: 3600)
        let refusal = await #expect(throws: Refusal(.certificateExpired, "")) { try await machine.returns(to: desk.restarted()) }
        #expect(refusal?.reason.contains("so has the grant") == true)
        _ = try await grant(desk)
        _ = try await desk.admin.removeMachine("mx1", for: desk.caller)
        await #expect(throws: Refusal(.membershipEnded, "")) { try await machine.returns(to: desk.restarted()) }
        await #expect(throws: Refusal(.notFound, "")) { try await grant(desk) }
    }

    @Test func `a grant is for so long and no longer, and ends with a recovery from an older backup`() async throws {
        let desk = try await Desk.make()
        let machine = try await TestMember(joining: desk, as: "mx1")
        for seconds in [0, Limits.readmissionHours * 3600 + 1] {
            await #expect(throws: Refusal(.invalid, "")) { try await grant(desk, seconds: seconds) }
        }
        _ = try await grant(desk)
        var state = await desk.ledger.state
        #expect(state.readmissions[machine.membership] != nil)
        try state.fold(.managerRecovered(ManagerRecovered(epoch: 1)), head: state.head, time: desk.clock.now(), author: "")
        #expect(state.readmissions.isEmpty)
    }

    @Test func `of two who ask at once with the same key one returns`() async throws {
        let desk = try await Desk.make()
        let machine = try await TestMember(joining: desk, as: "mx1")
        desk.clock.advance(seconds: 366 * 86_400)
        _ = try await grant(desk)
        let request = try CertificateRequest.make(key: machine.key, commonName: "mx1").der
        let asker = Publisher.RenewalAsker(membership: machine.membership, hasExpired: true, closesAfter: true)
        let answered = await withTaskGroup(of: Bool.self) { group in
            for _ in 0..<8 {
                // Those who lose are counted by the winner's being one.
                group.addTask { (try? await desk.enrolment.renew(request, for: asker)) != nil }
            }
            return await group.reduce(into: 0) { $0 += $1 ? 1 : 0 }
        }
        #expect(answered == 1)
    }
}
