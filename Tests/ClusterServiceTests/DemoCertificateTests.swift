import AdminContract
import ClusterModel
import ClusterService
import Testing

@Suite("Every cluster has a demo certificate of its own, which is known for what it is")
struct DemoCertificateTests {
    private func demo(of desk: Desk) async throws -> CertificateView {
        try await desk.admin.certificate("demo", at: .cluster, for: desk.caller)
    }

    @Test func `it is made for this cluster alone, and marked`() async throws {
        let desk = try await Desk.make()
        let demo = try await demo(of: desk)
        #expect(demo.origin == "demo")
        #expect(demo.findings.map(\.code) == [.demo])
        #expect(demo.subject.contains("cannot be verified"))
        #expect(demo.names.isEmpty)
        let other = try await self.demo(of: Desk.make())
        #expect(other.fingerprint != demo.fingerprint)
        #expect(try await desk.admin.certificates(at: nil, for: desk.caller).map(\.name) == ["demo"])
    }

    @Test func `a machine gets its key when a service uses it, and people are told so`() async throws {
        let desk = try await Desk.make()
        try await desk.join("mx1")
        func needed() async throws -> Int {
            let state = await desk.ledger.state
            return try state.configuration(of: state.machine("mx1")).materialNeeded().keys.count
        }
        #expect(try await needed() == 0)
        try await desk.set(.listeners, "public", ["interface": "data1", "certificate": "demo"])
        let commit = try await desk.commit()
        #expect(commit.notices.contains { $0.contains("mx1: listener/public: uses the ready-made certificate demo") })
        #expect(try await needed() == 1)
        #expect(try await demo(of: desk).usedBy == ["listener/public"])
    }

    @Test func `nobody sets, hides, copies or removes it, at any level`() async throws {
        let desk = try await Desk.make()
        try await desk.join("mx1")
        let value = try #require(await desk.ledger.state.layer[.certificates, "demo"]?.state.value)
        let operations: [EntryOperation] = [.set(value), .merge(["origin": "imported"]), .hide, .remove]
        for level in [Level.cluster, .machine("mx1")] {
            for operation in operations where level == .cluster || operation != .remove {
                let edit = EntryEdit(level: level, section: .certificates, entry: "demo", operation: operation)
                await #expect(throws: Refusal(.invalid, "")) { try await desk.admin.edit(EditRequest(edits: [edit]), for: desk.caller) }
            }
        }
        await #expect(throws: Refusal(.invalid, "")) {
            try await desk.admin.override(
                OverrideRequest(level: .machine("mx1"), section: .certificates, entry: "demo", copy: true), for: desk.caller)
        }
        await #expect(throws: Refusal(.invalid, "")) {
            try await desk.admin.copy(
                CopyRequest(section: .certificates, entry: "demo", from: .cluster, to: .group("main"), move: true), for: desk.caller)
        }
    }

    @Test func `a document neither speaks of it nor takes it away`() async throws {
        let desk = try await Desk.make()
        let before = try await demo(of: desk)
        let empty = ClusterDocument(cluster: "acme", settings: [.cluster: [.certificates: [:]]])
        _ = try await desk.admin.apply(ApplyRequest(document: JSONValue(encoding: empty), commit: true), for: desk.caller)
        #expect(try await demo(of: desk) == before)
        let request = SelfSignedRequest(commonName: "mail.example.com")
        let own = ClusterDocument(settings: [.cluster: [.certificates: ["demo": .certificate(.selfSigned(request))]]])
        await #expect(throws: Refusal(.invalid, "")) {
            try await desk.admin.apply(ApplyRequest(document: JSONValue(encoding: own)), for: desk.caller)
        }
    }
}
