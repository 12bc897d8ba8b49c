import AdminContract
import Certificates
import ClusterLog
import ClusterModel
import ClusterService
import Testing

@Suite("Certificates end as edits, and their keys as sealed blobs")
struct CertificateDeskTests {
    func create(_ desk: Desk, _ name: String, at level: Level = .cluster, commonName: String = "mail.example.com", replace: Bool = false)
        async throws
        -> CertificateView
    {
        try await desk.admin.createCertificate(
            CertificateCreation(level: level, name: name, request: SelfSignedRequest(commonName: commonName), replace: replace),
            for: desk.caller)
    }

    @Test func `a name in use needs replace, and demo is reserved`() async throws {
        let desk = try await Desk.make()
        let first = try await create(desk, "mail")
        await #expect(throws: Refusal(.exists, "")) { try await create(desk, "mail") }
        let second = try await create(desk, "mail", replace: true)
        #expect(first.fingerprint != second.fingerprint)
        await #expect(throws: Refusal(.invalid, "")) { try await create(desk, "demo") }
    }

    @Test func `no blob, entry or value of the log holds a key in the clear`() async throws {
        let desk = try await Desk.make()
        _ = try await create(desk, "mail")
        _ = try await desk.commit()
        var stored: [[UInt8]] = try await desk.log.entries(after: 0, limit: 100).map(\.bytes)
        for name in try await desk.log.blobNames(prefix: "") { stored.append(try await desk.log.blob(name) ?? []) }
        stored += try await desk.log.values(prefix: "").map(\.bytes)
        #expect(stored.count > 4)
        for bytes in stored { #expect(!String(decoding: bytes, as: UTF8.self).contains("PRIVATE KEY")) }
        let fingerprint = try #require(try await desk.log.blobNames(prefix: "key/").compactMap { Digest(hex: $0.dropFirst(4)) }.first)
        #expect(String(decoding: try await desk.vault.keyPEM(fingerprint), as: UTF8.self).contains("PRIVATE KEY"))
    }

    @Test func `a machine's certificate overrides the cluster's, and promoting it lifts it out of the membership`() async throws {
        let desk = try await Desk.make()
        try await desk.join("mx1")
        _ = try await create(desk, "mail")
        let own = try await create(desk, "mail", at: .machine("mx1"), commonName: "mx1.example.com")
        _ = try await desk.commit()
        let effective = try await desk.admin.effective(
            EffectiveQuery(machine: "mx1", section: .certificates, entry: "mail"), for: desk.caller)
        #expect(effective.first?.level == .machine("mx1"))
        #expect(effective.first?.shadows == [.cluster])
        let promoted = try await desk.admin.promoteCertificate(
            CertificatePromotion(name: "mail", from: .machine("mx1"), to: .cluster), for: desk.caller)
        #expect(promoted.fingerprint == own.fingerprint)
        _ = try await desk.commit()
        #expect(try await desk.admin.certificates(at: .machine("mx1"), for: desk.caller).isEmpty)
    }

    @Test func `applying a document twice changes nothing the second time`() async throws {
        let desk = try await Desk.make()
        try await desk.join("mx1")
        let document = ClusterDocument(
            cluster: "acme", groups: ["eu"],
            settings: [
                .cluster: [
                    .certificates: ["mail": .certificate(.selfSigned(SelfSignedRequest(commonName: "mail.example.com")))],
                    .listeners: ["public": .value(["interface": "data1", "certificate": "mail"])],
                ],
                .group("eu"): [.destinations: ["default": .value(["tls": "required"])]],
            ])
        let request = ApplyRequest(document: try JSONValue(encoding: document), commit: true)
        let dry = try await desk.admin.apply(ApplyRequest(document: request.document, dryRun: true), for: desk.caller)
        #expect(dry.changes.count == 3)
        #expect(dry.groups == ["eu"])
        #expect(await desk.ledger.state.revision == 0)
        let first = try await desk.admin.apply(request, for: desk.caller)
        #expect(first.commit?.revision == 1)
        #expect(first.machines.map(\.machine) == ["mx1"])
        let second = try await desk.admin.apply(request, for: desk.caller)
        #expect(second.changes.isEmpty)
        #expect(second.commit?.revision == nil)
        var foreign = document
        foreign.cluster = "other"
        await #expect(throws: Refusal(.invalid, "")) {
            try await desk.admin.apply(ApplyRequest(document: JSONValue(encoding: foreign)), for: desk.caller)
        }
    }

    @Test func `removing a machine shows the loss first, ends the membership at once, and leaves a trace`() async throws {
        let desk = try await Desk.make()
        try await desk.join("mx1")
        let own = try await create(desk, "mail", at: .machine("mx1"), commonName: "mx1.example.com")
        try await desk.set(.listeners, "public", ["interface": "data1", "certificate": "mail"], at: .machine("mx1"))
        _ = try await desk.commit()
        let preview = try await desk.admin.loss(removing: "mx1", for: desk.caller)
        #expect(preview.certificates.map(\.fingerprint) == [own.fingerprint])
        #expect(preview.certificates.first?.services == ["listener/public"])
        #expect(try await desk.admin.machines(for: desk.caller).count == 1)
        #expect(try await desk.admin.removeMachine("mx1", for: desk.caller).loss == preview)
        #expect(try await desk.admin.machines(for: desk.caller).isEmpty)
        let audit = try await desk.admin.audit(Page(), for: desk.caller)
        #expect(audit.last?.kind == "machine-removed")
        #expect(audit.last?.summary.contains(own.fingerprint.short) == true)
        #expect(try await desk.admin.verifyAudit(for: desk.caller).intact)
    }
}
