import AdminContract
import Certificates
import ClusterLog
import ClusterModel
import ClusterService
import Replication
import Testing

@Suite("An invitation lets one machine in, once, in time")
struct EnrolmentTests {
    @Test func `a machine joins with its network settings and a certificate for its membership`() async throws {
        let desk = try await Desk.make()
        let answer = try await desk.join("mx1")
        let state = await desk.ledger.state
        #expect(answer.cluster == "acme")
        #expect(answer.group == "main")
        #expect(try state.machine("mx1").id == answer.membership)
        #expect(try state.configuration(of: state.machine("mx1"))[.interfaces, "data1"] != nil)
        let chain = try CertificateChain(pem: answer.certificate)
        let identity = try verifyIdentity(
            chainDER: chain.der, trust: [try TrustedAuthority(pem: answer.trust)], clusterID: answer.clusterID, now: desk.clock.now())
        #expect(identity == .machine(answer.membership))
    }

    @Test func `a used invitation is refused and says so`() async throws {
        let desk = try await Desk.make()
        let invitation = try await desk.invite()
        _ = try await desk.enrolment.join(desk.request("mx1", invitation: invitation))
        let refusal = await #expect(throws: Refusal(.invitation, "")) {
            try await desk.enrolment.join(desk.request("mx2", invitation: invitation))
        }
        #expect(refusal?.reason.contains("has been used") == true)
    }

    @Test func `a machine that did not hear the answer is answered again, for its own key and in time`() async throws {
        let desk = try await Desk.make()
        let invitation = try await desk.invite()
        let request = try desk.request("mx1", invitation: invitation)
        let first = try await desk.enrolment.join(request)
        let position = await desk.ledger.state.head.position
        let second = try await desk.enrolment.join(request)
        #expect(second.membership == first.membership)
        #expect(await desk.ledger.state.head.position == position, "it joined once")
        let chain = try CertificateChain(pem: second.certificate)
        #expect(chain.leafKey.fingerprint == (try CertificateRequest(der: request.certificateRequest)).key.fingerprint)

        let stranger = try desk.request("mx1", invitation: invitation)
        await #expect(throws: Refusal(.invitation, "")) { try await desk.enrolment.join(stranger) }
        var guess = request
        guess.secret = "guess"
        await #expect(throws: Refusal(.invitation, "")) { try await desk.enrolment.join(guess) }
        var renamed = request
        renamed.machine = "mx2"
        await #expect(throws: Refusal(.invitation, "")) { try await desk.enrolment.join(renamed) }

        _ = try await desk.admin.removeMachine("mx1", for: desk.caller)
        await #expect(throws: Refusal(.invitation, "")) { try await desk.enrolment.join(request) }
        let other = try await desk.invite()
        let late = try desk.request("mx3", invitation: other)
        _ = try await desk.enrolment.join(late)
        desk.clock.advance(seconds: 3600)
        await #expect(throws: Refusal(.invitation, "")) { try await desk.enrolment.join(late) }
    }

    @Test func `an expired invitation is refused and says when it ended`() async throws {
        let desk = try await Desk.make()
        let invitation = try await desk.invite()
        desk.clock.advance(seconds: 3600)
        let refusal = await #expect(throws: Refusal(.invitation, "")) {
            try await desk.enrolment.join(desk.request("mx1", invitation: invitation))
        }
        #expect(refusal?.reason.contains("expired at") == true)
    }

    @Test func `a wrong secret and a foreign invitation get the same answer`() async throws {
        let desk = try await Desk.make()
        let other = try await Desk.make()
        var altered = try await desk.invite()
        altered.secret = "guess"
        let foreign = try await other.invite()
        var reasons: Set<String> = []
        for invitation in [altered, foreign] {
            let refusal = await #expect(throws: Refusal(.invitation, "")) {
                try await desk.enrolment.join(desk.request("mx1", invitation: invitation))
            }
            reasons.insert(refusal?.reason ?? "")
        }
        #expect(reasons.count == 1)
        #expect(await desk.ledger.state.memberships.isEmpty)
    }

    @Test func `a preview and a refusal consume nothing`() async throws {
        let desk = try await Desk.make()
        let invitation = try await desk.invite()
        let preview = try await desk.enrolment.join(desk.request("mx1", invitation: invitation, isPreview: true))
        #expect(preview.isPreview)
        #expect(await desk.ledger.state.memberships.isEmpty)
        await #expect(throws: Refusal(.invalid, "")) { try await desk.enrolment.join(desk.request("bad name", invitation: invitation)) }
        _ = try await desk.enrolment.join(desk.request("mx1", invitation: invitation))
    }

    @Test func `of many who use one invitation at the same moment one gets in`() async throws {
        let desk = try await Desk.make()
        let invitation = try await desk.invite()
        let requests = try (0..<8).map { try desk.request("mx\($0)", invitation: invitation, address: "127.0.0.\(20 + $0)") }
        let joined = await withTaskGroup(of: Bool.self) { group in
            for request in requests {
                group.addTask { (try? await desk.enrolment.join(request)) != nil }  // those who lose are counted by the winner's being one
            }
            return await group.reduce(into: 0) { $0 += $1 ? 1 : 0 }
        }
        #expect(joined == 1)
        #expect(await desk.ledger.state.memberships.count == 1)
    }

    @Test func `an invitation for one machine is refused to others, which uses nothing up`() async throws {
        let desk = try await Desk.make()
        await #expect(throws: Refusal(.invalid, "")) {
            try await desk.admin.invite(InvitationRequest(group: nil, expiresSeconds: 60, machine: "bad name"), for: desk.caller)
        }
        let view = try await desk.admin.invite(InvitationRequest(group: nil, expiresSeconds: 60, machine: "mx1"), for: desk.caller)
        #expect(view.machine == "mx1")
        let invitation = try InvitationToken(parsing: view.invitation)
        for isPreview in [true, false] {
            let other = try desk.request("mx2", invitation: invitation, isPreview: isPreview)
            let refusal = await #expect(throws: Refusal(.invitation, "")) { try await desk.enrolment.join(other) }
            #expect(refusal?.reason.contains("for the machine mx1, and this one is called mx2") == true)
        }
        _ = try await desk.enrolment.join(desk.request("mx1", invitation: invitation))
        #expect(await desk.ledger.state.memberships.count == 1)
        let audit = try await desk.admin.audit(Page(), for: desk.caller)
        #expect(audit.contains { $0.kind == "invitation-created" && $0.summary.contains("for mx1") })
    }

    @Test func `a name in use is refused and the invitation stays good`() async throws {
        let desk = try await Desk.make()
        try await desk.join("mx1")
        let invitation = try await desk.invite()
        await #expect(throws: Refusal(.exists, "")) { try await desk.enrolment.join(desk.request("mx1", invitation: invitation)) }
        _ = try await desk.enrolment.join(desk.request("mx2", invitation: invitation))
    }

    @Test func `a machine brings no certificate reference and nothing but network settings along`() async throws {
        let desk = try await Desk.make()
        var request = try desk.request("mx1", invitation: try await desk.invite())
        request.network[0].value = ["hostname": "mx.example.com", "address": "127.0.0.11", "https": ["certificate": "own"]]
        _ = try await desk.enrolment.join(request)
        let state = await desk.ledger.state
        #expect(try state.machine("mx1").layer[.interfaces, "data1"]?.state.value?["https"] == nil)
        var other = try desk.request("mx2", invitation: try await desk.invite())
        other.network.append(NetworkEntry(section: .destinations, name: "default", value: ["tls": "none"]))
        await #expect(throws: Refusal(.invalid, "")) { try await desk.enrolment.join(other) }
    }

    @Test func `HTTPS comes along only where the cluster gives the machine the very certificate that it had`() async throws {
        let desk = try await Desk.make()
        let request = CertificateCreation(
            level: .cluster, name: "own", request: SelfSignedRequest(commonName: "mx.example.com"), replace: false)
        let made = try await desk.admin.createCertificate(request, for: desk.caller)
        _ = try await desk.commit()
        for (machine, fingerprint) in [("mx1", made.fingerprint), ("mx2", Digest(hashing: []))] {
            var request = try desk.request(machine, invitation: try await desk.invite())
            request.network[0].value = ["hostname": "mx.example.com", "address": "127.0.0.11", "https": ["certificate": "own"]]
            request.loss = LossReport(certificates: [
                LostCertificate(name: "own", subject: "", fingerprint: fingerprint, notAfter: desk.clock.now(), services: ["https/data1"])
            ])
            _ = try await desk.enrolment.join(request)
            let https = try await desk.ledger.state.machine(machine).layer[.interfaces, "data1"]?.state.value?["https"]
            #expect((https != nil) == (machine == "mx1"))
        }
    }

    @Test func `a join that would leave the machine broken is refused`() async throws {
        let desk = try await Desk.make()
        // With no machine there is nobody for whom this could not hold together.
        try await desk.set(.delivery, "settings", ["certificate": "nowhere"])
        _ = try await desk.commit()
        let refusal = await #expect(throws: Refusal(.wouldBreak, "")) { try await desk.join("mx1") }
        #expect(refusal?.details.contains { $0.contains("certificates/nowhere") } == true)
    }

    @Test func `a certificate request of somebody else's key is refused`() async throws {
        let desk = try await Desk.make()
        var request = try desk.request("mx1", invitation: try await desk.invite())
        request.certificateRequest[request.certificateRequest.count - 1] ^= 1
        await #expect(throws: Refusal(.invalid, "")) { try await desk.enrolment.join(request) }
    }
}
