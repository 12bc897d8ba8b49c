import AdminContract
import ClusterModel
import ClusterService
import Testing

@Suite("A renewal, as the manager tells it")
struct RenewalTests {
    private func cluster() async throws -> Desk {
        let desk = try await Desk.make()
        try await desk.join("mx1")
        try await create("mail", "mx.example.com", in: desk)
        try await desk.set(.mailFlowPolicies, "accepted", ["tls": "preferred"])
        try await desk.set(.listeners, "public", ["interface": "data1", "certificate": "mail", "defaultPolicy": "accepted"])
        _ = try await desk.commit()
        return desk
    }

    private func create(_ name: String, _ host: String, at level: Level = .cluster, in desk: Desk) async throws {
        _ = try await desk.admin.createCertificate(
            CertificateCreation(level: level, name: name, request: SelfSignedRequest(commonName: host), replace: false), for: desk.caller)
    }

    private func renewal(_ desk: Desk, with new: String? = "new", at level: Level = .cluster) async throws -> RenewalView {
        try await desk.admin.renewal(RenewalQuery(level: level, old: "mail", new: new), for: desk.caller)
    }

    @Test func `what it lists is submitted and committed as everything is, and leads to the next step`() async throws {
        let desk = try await cluster()
        var view = try await renewal(desk, with: nil)
        #expect(view.step == .add && view.new == "mail-2027" && view.newFingerprint == nil)
        #expect(view.entries.map { "\($0.service) \($0.level) \($0.machines)" } == [#"listener/public cluster ["mx1"]"#])
        #expect(view.names == ["mx.example.com"])
        try await create("new", "mx.example.com", in: desk)
        view = try await renewal(desk)
        #expect(view.step == .repoint && view.findings.map(\.severity) == [.notice] && view.foreign.isEmpty)
        _ = try await desk.admin.edit(EditRequest(edits: view.entries.map(\.edit)), for: desk.caller)
        #expect(try await renewal(desk).entries.map(\.submitted) == [true])
        _ = try await desk.commit()
        view = try await renewal(desk)
        // The machine has not been heard of: nothing is proved.
        #expect(view.step == .prove && view.entries.isEmpty && view.oldFingerprint != nil)
        #expect(view.proof.missing.map { "\($0.name) \($0.state) \($0.services)" } == [#"mx1 absent ["listener/public"]"#])
        _ = try await desk.admin.removeMachine("mx1", for: desk.caller)
        #expect(try await renewal(desk).step == .retire)
        _ = try await desk.admin.deleteCertificate("mail", at: .cluster, for: desk.caller)
        #expect(try await renewal(desk).foreign.isEmpty)
        _ = try await desk.commit()
        #expect(try await renewal(desk).step == .done)
    }

    @Test func `the new certificate is held against the names that the old one's services have`() async throws {
        let desk = try await cluster()
        try await create("new", "other.example.com", in: desk)
        let errors = try await renewal(desk).findings.filter { $0.severity == .error }
        #expect(errors.map(\.code) == [.nameMismatch])
        #expect(errors.first?.text.contains("mx.example.com") == true)
    }

    @Test func `another edit of the same caller is foreign, and one of somebody else's is not seen`() async throws {
        let desk = try await cluster()
        try await desk.set(.destinations, "bank.example", ["tls": "required"], by: Caller(user: "bob", role: .operator))
        #expect(try await renewal(desk).foreign.isEmpty)
        try await desk.set(.destinations, "bank.example", ["tls": "required"], at: .group("main"))
        #expect(try await renewal(desk).foreign == ["destinations/bank.example at group/main"])
    }

    @Test func `names that cannot be are refused`() async throws {
        let desk = try await cluster()
        await #expect(throws: Refusal(.invalid, "")) { try await renewal(desk, with: "mail") }
        await #expect(throws: Refusal(.invalid, "")) { try await renewal(desk, with: "demo") }
        await #expect(throws: Refusal(.invalid, "")) { try await renewal(desk, with: "no name") }
        await #expect(throws: Refusal(.notFound, "")) { try await renewal(desk, at: .group("main")) }
        await #expect(throws: Refusal(.invalid, "")) {
            try await desk.admin.renewal(RenewalQuery(level: .cluster, old: "demo", new: "new"), for: desk.caller)
        }
    }

    // MARK: - Proof

    private static let new = Digest(hashing: [2])
    private static let other = Digest(hashing: [3])

    private func machine(
        _ state: MachineState, applied: Bool = true, services: [ServiceView], reasons: [String] = []
    ) -> MachineView {
        MachineView(
            name: "mx1", group: "main", state: state, targetRevision: 4, appliedRevision: 4, targetDigest: Self.new,
            appliedDigest: applied ? Self.new : Self.other, reasons: reasons, services: services)
    }

    private func service(_ name: String, served: Digest?, unprovable: String? = nil, fingerprint: Digest = new) -> ServiceView {
        ServiceView(service: name, certificate: "new", fingerprint: fingerprint, served: served, unprovable: unprovable)
    }

    private func state(_ machine: MachineView) -> RenewalProof.State? {
        RenewalProof(of: [machine], certificate: "new", fingerprint: Self.new).machines.first?.state
    }

    @Test func `a machine has proved it when each service was seen to serve it, and what cannot be seen was applied`() {
        let seen = service("listener/public", served: Self.new)
        let unseen = service("https/data1", served: Self.other)
        let outbound = service("delivery", served: nil, unprovable: "outbound")
        #expect(state(machine(.synced, services: [seen, outbound])) == .proved)
        #expect(state(machine(.pending, applied: false, services: [seen])) == .waiting)
        #expect(state(machine(.drifted, services: [seen, unseen])) == .waiting)
        // Another service drifted, none of these.
        #expect(state(machine(.drifted, services: [seen])) == .proved)
        #expect(state(machine(.rejected, applied: false, services: [outbound], reasons: ["no"])) == .rejected)
        #expect(state(machine(.offline, applied: false, services: [seen])) == .absent)
        #expect(state(machine(.offline, services: [unseen])) == .absent)
        #expect(state(machine(.disconnected, applied: false, services: [outbound])) == .absent)
        // It was seen, and left afterwards.
        #expect(state(machine(.offline, services: [seen])) == .proved)
        // A certificate of that name that is another one does not concern it.
        #expect(state(machine(.offline, services: [service("listener/public", served: nil, fingerprint: Self.other)])) == nil)
    }
}
