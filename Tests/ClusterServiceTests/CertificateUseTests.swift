import AdminContract
import ClusterModel
import ClusterService
import Testing

@Suite("What uses a certificate is known, and keeps it from being deleted")
struct CertificateUseTests {
    /// Two machines, a certificate at cluster level and one that overrides it on mx1, and a listener that names it.
    private func cluster() async throws -> Desk {
        let desk = try await Desk.make()
        try await desk.join("mx1")
        _ = try await desk.enrolment.join(desk.request("mx2", invitation: desk.invite(), address: "127.0.0.12"))
        for level in [Level.cluster, .machine("mx1")] { try await create("mail", at: level, in: desk) }
        try await desk.set(.listeners, "public", ["interface": "data1", "certificate": "mail"])
        _ = try await desk.commit()
        return desk
    }

    private func create(_ name: String, at level: Level, in desk: Desk) async throws {
        let request = SelfSignedRequest(commonName: "\(name).example.com")
        _ = try await desk.admin.createCertificate(
            CertificateCreation(level: level, name: name, request: request, replace: false), for: desk.caller)
    }

    private func uses(_ name: String, at level: Level, in desk: Desk) async throws -> [String] {
        try await desk.admin.certificateUses(name, at: level, for: desk.caller).map(\.description)
    }

    @Test func `a name means the nearest certificate, machine by machine`() async throws {
        let desk = try await cluster()
        #expect(try await uses("mail", at: .cluster, in: desk) == ["listener/public on mx2, set at cluster"])
        #expect(try await uses("mail", at: .machine("mx1"), in: desk) == ["listener/public on mx1, set at cluster"])
        try await desk.set(.delivery, "settings", ["certificate": "mail"], at: .machine("mx2"))
        #expect(
            try await uses("mail", at: .cluster, in: desk) == [
                "delivery on mx2, set at machine/mx2", "listener/public on mx2, set at cluster",
            ])
        await #expect(throws: Refusal(.notFound, "")) { try await uses("mail", at: .group("main"), in: desk) }
    }

    @Test func `a setting that no machine has counts, where it can only mean this one`() async throws {
        let desk = try await Desk.make()
        try await create("mail", at: .cluster, in: desk)
        try await desk.set(.listeners, "public", ["interface": "data1", "certificate": "mail"])
        #expect(try await uses("mail", at: .cluster, in: desk) == ["listener/public, set at cluster"])
        await #expect(throws: Refusal(.inUse, "")) { try await desk.admin.deleteCertificate("mail", at: .cluster, for: desk.caller) }
    }

    @Test func `what is in use is not deleted, and the answer names level, machine and service`() async throws {
        let desk = try await cluster()
        let refusal = await #expect(throws: Refusal(.inUse, "")) {
            try await desk.admin.deleteCertificate("mail", at: .cluster, for: desk.caller)
        }
        #expect(refusal?.details == ["listener/public on mx2, set at cluster"])
        #expect(try await desk.admin.changes(for: desk.caller).isEmpty)
        // The caller's own edits count: with the listener pointed elsewhere, nothing is left without one.
        try await create("next", at: .cluster, in: desk)
        try await desk.set(.listeners, "public", ["interface": "data1", "certificate": "next"])
        #expect(try await desk.admin.deleteCertificate("mail", at: .cluster, for: desk.caller).changes.map(\.change) == ["remove"])
        _ = try await desk.commit()
        await #expect(throws: Refusal(.notFound, "")) { try await desk.admin.deleteCertificate("mail", at: .cluster, for: desk.caller) }
        await #expect(throws: Refusal(.invalid, "")) { try await desk.admin.deleteCertificate("demo", at: .cluster, for: desk.caller) }
    }

    @Test func `an override may go where a wider level has one of the same name`() async throws {
        let desk = try await cluster()
        _ = try await desk.admin.deleteCertificate("mail", at: .machine("mx1"), for: desk.caller)
        _ = try await desk.commit()
        #expect(try await uses("mail", at: .cluster, in: desk).count == 2)
    }

    @Test func `an override that says what it overrides says already is pointed out`() async throws {
        let desk = try await Desk.make()
        try await desk.join("mx1")
        try await desk.set(.destinations, "default", ["tls": "required"])
        try await desk.set(.destinations, "default", ["tls": "preferred"], at: .group("main"))
        try await desk.set(.destinations, "default", ["tls": "required"], at: .machine("mx1"))
        #expect(try await desk.commit().notices.isEmpty)
        try await desk.set(.destinations, "default", ["tls": "required"], at: .group("main"))
        let notices = try await desk.commit().notices
        #expect(notices.map { $0.prefix { $0 != ":" } } == ["group/main", "machine/mx1"])
        #expect(notices.first?.contains("destinations/default says the same as cluster") == true)
        #expect(notices.last?.contains("says the same as group/main") == true)
    }
}
