import AdminContract
import Certificates
import ClusterModel
import ClusterService
import FoundationEssentials
import Testing

@Suite("A certificate's life: request, upload, renewal, export")
struct CertificateStepTests {
    /// A cluster with a committed certificate, and an authority that signs.
    private struct Steps {
        let desk: Desk
        let authority: ClusterAuthority

        init() async throws {
            desk = try await Desk.make()
            try await desk.join("mx1")
            authority = try ClusterAuthority.create(clusterID: "public", clusterName: "Public CA", now: desk.clock.now())
            _ = try await desk.admin.createCertificate(
                CertificateCreation(
                    level: .cluster, name: "mail", request: SelfSignedRequest(commonName: "mx.example.com"), replace: false),
                for: desk.caller)
        }

        func request() async throws -> CertificateRequestView {
            try await desk.admin.certificateRequest("mail", at: .cluster, for: desk.caller)
        }

        /// What the authority sends for a request, in PEM.
        func signed(_ request: CertificateRequestView) throws -> String {
            try authority.issue(
                .manager("m1"), publicKeyOf: CertificateRequest(pem: request.pem), lifetimeDays: 90,
                now: desk.clock.now()
            ).pem
        }

        func upload(_ certificate: String?, intermediates: [String] = []) async throws -> CertificateView {
            func base64(_ text: String) -> String { Data(text.utf8).base64EncodedString() }
            return try await desk.admin.uploadCertificate(
                CertificateUpload(
                    level: .cluster, name: "mail", certificate: certificate.map(base64), intermediates: intermediates.map(base64)),
                for: desk.caller)
        }

        func shown() async throws -> CertificateView { try await desk.admin.certificate("mail", at: .cluster, for: desk.caller) }
    }

    @Test func `a request is made after the commit only, and the refusal says so`() async throws {
        let steps = try await Steps()
        let refusal = await #expect(throws: Refusal(.conflict, "")) { try await steps.request() }
        #expect(refusal?.reason.contains("muster commit") == true)
        _ = try await steps.desk.commit()
        let request = try await steps.request()
        #expect(request.names == ["mx.example.com"])
        #expect(request.subject == "CN=mx.example.com")
        let committed = try await steps.desk.ledger.state.certificate("mail")
        #expect(request.key == committed.key.fingerprint)
        // A new key among the caller's edits: again not before the commit.
        _ = try await steps.desk.admin.createCertificate(
            CertificateCreation(level: .cluster, name: "mail", request: SelfSignedRequest(commonName: "mx.example.com"), replace: true),
            for: steps.desk.caller)
        await #expect(throws: Refusal(.conflict, "")) { try await steps.request() }
        await #expect(throws: Refusal(.notFound, "")) {
            try await steps.desk.admin.certificateRequest("none", at: .cluster, for: steps.desk.caller)
        }
    }

    @Test func `the signed certificate replaces the entry's and keeps its key; renewal is the same step again`() async throws {
        let steps = try await Steps()
        _ = try await steps.desk.commit()
        let (before, request) = (try await steps.shown(), try await steps.request())
        let uploaded = try await steps.upload(steps.signed(request))
        #expect(uploaded.origin == "uploaded")
        #expect(uploaded.uncommitted)
        #expect(uploaded.fingerprint != before.fingerprint)
        #expect(uploaded.issuer.contains("Public CA"))
        _ = try await steps.desk.commit()
        let committed = try await steps.desk.ledger.state.certificate("mail")
        #expect(committed.key.fingerprint == request.key)
        let renewed = try await steps.upload(steps.signed(try await steps.request()))
        #expect(renewed.fingerprint != uploaded.fingerprint)
        _ = try await steps.desk.commit()
        #expect(await steps.desk.ledger.state.revision == 3)
        // A document that made the certificate does not undo the upload.
        let source = CertificateSource.selfSigned(SelfSignedRequest(commonName: "mx.example.com"))
        let document = ClusterDocument(settings: [.cluster: [.certificates: ["mail": .certificate(source)]]])
        let applied = try await steps.desk.admin.apply(ApplyRequest(document: JSONValue(encoding: document)), for: steps.desk.caller)
        #expect(applied.changes.isEmpty)
    }

    @Test func `a certificate for another key is refused with both fingerprints, and nothing changes`() async throws {
        let steps = try await Steps()
        _ = try await steps.desk.commit()
        let other = try PrivateKey.generate(.ecdsaP256)
        let foreign = try steps.authority.issue(.manager("m1"), for: other, names: [], lifetimeDays: 1, now: steps.desk.clock.now())
        let refusal = await #expect(throws: Refusal(.invalid, "")) { try await steps.upload(foreign.pem) }
        #expect(refusal?.description.contains(other.facts.fingerprint.hex) == true)
        let own = try await steps.request().key.hex
        #expect(refusal?.description.contains(own) == true)
        #expect(try await steps.desk.admin.changes(for: steps.desk.caller).isEmpty)
        await #expect(throws: Refusal(.invalid, "")) { try await steps.upload(nil) }
        await #expect(throws: Refusal(.unreadable, "")) { try await steps.upload("no certificate") }
    }

    @Test func `intermediates may come later`() async throws {
        let steps = try await Steps()
        _ = try await steps.desk.commit()
        let chain = try CertificateChain(pem: steps.signed(try await steps.request()))
        let leaf = try CertificateChain([chain.leaf])
        #expect(try await steps.upload(leaf.pem).chain.count == 1)
        #expect(try await steps.upload(nil, intermediates: [steps.authority.certificatePEM]).chain.count == 2)
    }

    @Test func `an export is an administrator's, under a password, audited, and holds key and chain`() async throws {
        let steps = try await Steps()
        func export(_ password: String, as caller: Caller? = nil) async throws -> ExportedCertificate {
            try await steps.desk.admin.exportCertificate(
                CertificateExport(level: .cluster, name: "mail", password: password), for: caller ?? steps.desk.caller)
        }
        await #expect(throws: Refusal(.conflict, "")) { try await export("secret") }
        _ = try await steps.desk.commit()
        await #expect(throws: Refusal(.forbidden, "")) { try await export("secret", as: Caller(user: "oli", role: .operator)) }
        await #expect(throws: Refusal(.invalid, "")) { try await export("") }
        let position = await steps.desk.ledger.state.head.position
        let exported = try await export("secret")
        let file = try #require(Data(base64Encoded: exported.pkcs12))
        let identity = try PKCS12.read(Array(file), password: "secret")
        #expect(identity.chain.facts.first?.fingerprint == exported.fingerprint)
        #expect(try await steps.request().key == identity.key.facts.fingerprint)
        let audit = try await steps.desk.admin.audit(Page(after: position), for: steps.desk.caller)
        #expect(audit.map(\.kind) == ["key-exported"])
        #expect(audit.first?.author == steps.desk.caller.user)
        #expect(!"\(exported)".contains(exported.pkcs12))
    }

    @Test func `findings go by what uses a certificate, and by the day`() async throws {
        let steps = try await Steps()
        #expect(try await steps.shown().findings.map(\.code) == [.selfSigned])
        try await steps.desk.set(.mailFlowPolicies, "accepted", ["tls": "preferred"])
        try await steps.desk.set(
            .listeners, "public", ["interface": "data1", "certificate": "mail", "defaultPolicy": "accepted"])
        #expect(try await steps.shown().findings.map(\.code) == [.selfSigned])
        try await steps.desk.set(
            .interfaces, "data1", ["hostname": "other.example.com", "address": "127.0.0.11"], at: .machine("mx1"))
        #expect(try await steps.shown().findings.map(\.code) == [.selfSigned, .nameMismatch])
        _ = try await steps.desk.commit()
        let checks = try await steps.desk.admin.checkCertificates(for: steps.desk.caller)
        #expect(checks.map(\.service) == ["listener/public"])
        // Nobody has seen it served.
        #expect(checks.first?.findings.first?.code == .notServed)
        steps.desk.clock.advance(seconds: 360 * 86_400)
        #expect(try await steps.shown().findings.contains { $0.code == .expiresSoon && $0.text.contains("in 5 days") })
        let soon = try await expiry(of: steps)
        #expect(soon.count == 1)
        #expect(soon.first?.hasPrefix("certificate mail at cluster: CN=mx.example.com expires in 5 days") == true)
        steps.desk.clock.advance(seconds: 6 * 86_400)
        #expect(try await steps.shown().findings.contains { $0.code == .expired })
        #expect(try await expiry(of: steps).first?.contains("expired at") == true)
    }

    private func expiry(of steps: Steps) async throws -> [String] {
        try await steps.desk.admin.status(for: steps.desk.caller).notices.filter { $0.hasPrefix("certificate ") }
    }
}

extension ClusterState {
    fileprivate func certificate(_ name: String) throws -> CertificateSetting {
        try CertificateSetting(try #require(layer[.certificates, name]?.state.value))
    }
}
