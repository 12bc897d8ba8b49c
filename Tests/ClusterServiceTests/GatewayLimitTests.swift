import AdminContract
import ClusterModel
import ClusterService
import Replication
import Testing

@Suite("No machine is given what its kind of gateway cannot express", .timeLimit(.minutes(1)))
struct GatewayLimitTests {
    private func join(_ machine: String, _ desk: Desk, driving gateway: GatewayKind?) async throws {
        var request = try desk.request(machine, invitation: try await desk.invite())
        request.knowledge.gateway = gateway
        _ = try await desk.enrolment.join(request)
    }

    @Test func `a commit that Postfix cannot express is refused for its machine, and names it, the entry and what to do`() async throws {
        let desk = try await Desk.make()
        try await join("mx1", desk, driving: .postfix)
        try await join("mx2", desk, driving: .embedded)
        let profile: JSONValue = ["cipherSuites": ["TLS_AES_256_GCM_SHA384"]]
        try await desk.set(.tlsProfiles, "outbound", profile)
        let refusal = await #expect(throws: Refusal(.wouldBreak, "")) { try await desk.commit() }
        #expect(
            refusal?.details == [
                "machine mx1 (postfix): tlsProfiles/outbound: cipherSuites names suites of TLS 1.3, which Postfix does not let anybody choose: leave it out for this machine"
            ])
        #expect(refusal?.reason.contains("muster hide tlsProfiles/outbound --machine mx1") == true)
        #expect(try await desk.admin.previewChanges(for: desk.caller).problems == refusal?.details)
        // Hidden there, it concerns the other machine only.
        _ = try await desk.admin.edit(
            EditRequest(edits: [EntryEdit(level: .machine("mx1"), section: .tlsProfiles, entry: "outbound", operation: .hide)]),
            for: desk.caller)
        #expect(try await desk.commit().revision == 1)
        // What is beyond a gateway stands in nobody's way elsewhere.
        try await desk.set(.destinations, "default", ["tls": "required"])
        #expect(try await desk.commit().revision == 2)
    }

    @Test func `a machine shows what it drives, and one of an unknown kind is taken to be capable of everything`() async throws {
        let desk = try await Desk.make()
        try await join("mx1", desk, driving: .postfix)
        // So a kind arrives that this manager does not know.
        try await join("mx2", desk, driving: nil)
        #expect(try await desk.admin.machines(for: desk.caller).map(\.gateway) == [.postfix, nil])
        try await desk.set(.tlsProfiles, "inbound", ["cipherSuites": ["TLS_AES_256_GCM_SHA384"]])
        let refusal = await #expect(throws: Refusal(.wouldBreak, "")) { try await desk.commit() }
        #expect(refusal?.details.contains { $0.contains("mx2") } == false)
    }

    @Test func `a machine with Postfix does not join to what it cannot express`() async throws {
        let desk = try await Desk.make()
        try await desk.set(.tlsProfiles, "inbound", ["cipherSuites": ["TLS_AES_256_GCM_SHA384"]])
        _ = try await desk.commit()
        await #expect(throws: Refusal(.wouldBreak, "")) { try await join("mx1", desk, driving: .postfix) }
        try await join("mx1", desk, driving: .embedded)
    }
}
