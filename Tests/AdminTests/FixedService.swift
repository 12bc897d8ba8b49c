import AdminContract
import ClusterModel
import Synchronization

/// A service that answers every request with a fixed value, and remembers what it was asked.
final class FixedService: AdminService {
    /// What was asked, as `method argument`, with the user who asked.
    private let asked = Mutex<[String]>([])
    /// What to throw instead of answering.
    private let failure: (any Error & Sendable)?

    init(refusing refusal: Refusal? = nil) {
        failure = refusal
    }

    var questions: [String] { asked.withLock { $0 } }

    private func note(_ question: String, _ caller: Caller) throws(Refusal) {
        asked.withLock { $0.append("\(caller.user) \(question)") }
        if let refusal = failure as? Refusal { throw refusal }
    }

    static let digest = Digest(hashing: [1])
    static let time = Timestamp(seconds: 1_795_000_000)

    static let machine = MachineView(
        name: "mx1", group: "main", state: .synced, targetRevision: 3, appliedRevision: 3, targetDigest: digest, appliedDigest: digest,
        services: [
            ServiceView(service: "listener/public", certificate: "mail", fingerprint: digest, served: digest),
            ServiceView(service: "delivery", certificate: "mail", fingerprint: digest, served: nil, unprovable: "outbound"),
        ], lastSeen: time)

    static let change = ChangeView(
        level: .group("eu"), section: .destinations, entry: "bank.example", change: "set", before: .null, after: ["tls": "required"],
        changeSet: "c1")

    static let certificate: CertificateView = {
        var leaf = CertificateFacts()
        leaf.subject = "CN=mail.example.com"
        leaf.issuer = "CN=mail.example.com"
        leaf.notAfter = time
        let setting = CertificateSetting(
            origin: .selfSigned, key: KeyFacts(fingerprint: digest, algorithm: "ecdsa-p256"), chain: [leaf], chainBlob: digest)
        let finding = CertificateFinding(code: "self-signed", severity: "notice", text: "Nobody can verify it.", cure: "Have it signed.")
        guard
            let view = CertificateView(
                setting, name: "mail", level: .cluster, usedBy: ["listener/public"], findings: [finding], uncommitted: false)
        else { preconditionFailure("the chain has a leaf") }
        return view
    }()

    static let loss = LossReport(
        certificates: [
            LostCertificate(
                name: "own", subject: "CN=mx1.example.com", fingerprint: digest, notAfter: time, services: ["listener/public"])
        ], settings: ["destinations": ["bank.example"]], kept: ["system/settings"], keysLeftBehind: [])

    func whoAmI(_ caller: Caller) async throws(Refusal) -> CallerView {
        try note("whoAmI", caller)
        return CallerView(user: caller.user, role: caller.role, cluster: "acme")
    }

    func status(for caller: Caller) async throws(Refusal) -> ClusterStatus {
        try note("status", caller)
        return ClusterStatus(
            cluster: "acme", clusterID: "0123", revision: 3, position: 9, machines: [FixedService.machine], uncommitted: 1)
    }

    func machines(for caller: Caller) async throws(Refusal) -> [MachineView] {
        try note("machines", caller)
        return [FixedService.machine]
    }

    func machine(_ name: String, for caller: Caller) async throws(Refusal) -> MachineView {
        try note("machine \(name)", caller)
        return FixedService.machine
    }

    func loss(removing machine: String, for caller: Caller) async throws(Refusal) -> LossReport {
        try note("loss \(machine)", caller)
        return FixedService.loss
    }

    func removeMachine(_ name: String, for caller: Caller) async throws(Refusal) -> LossReport {
        try note("remove \(name)", caller)
        return FixedService.loss
    }

    func retryMachine(_ name: String, for caller: Caller) async throws(Refusal) -> MachineView {
        try note("retry \(name)", caller)
        return FixedService.machine
    }

    func groups(for caller: Caller) async throws(Refusal) -> [GroupView] {
        try note("groups", caller)
        return [GroupView(name: "main", machines: ["mx1"])]
    }

    func addGroup(_ request: GroupRequest, for caller: Caller) async throws(Refusal) -> GroupView {
        try note("addGroup \(request.name)", caller)
        return GroupView(name: request.name, machines: [])
    }

    func invite(_ request: InvitationRequest, for caller: Caller) async throws(Refusal) -> InvitationView {
        try note("invite \(request.group ?? "-") \(request.expiresSeconds)", caller)
        return InvitationView(invitation: "muster-invitation-1.x", id: "i1", group: "main", expires: FixedService.time)
    }

    func show(_ query: SettingsQuery, for caller: Caller) async throws(Refusal) -> [SetEntry] {
        try note("show \(query.level) \(query.section?.rawValue ?? "-") \(query.entry ?? "-")", caller)
        return [
            SetEntry(section: .destinations, name: "default", value: ["tls": "preferred"], level: query.level, revision: 2),
            SetEntry(section: .destinations, name: "gone.example", value: .null, level: query.level, revision: 2, hidden: true),
        ]
    }

    func effective(_ query: EffectiveQuery, for caller: Caller) async throws(Refusal) -> [EffectiveView] {
        try note("effective \(query.machine) \(query.section?.rawValue ?? "-") \(query.entry ?? "-")", caller)
        return [
            EffectiveView(
                section: .destinations, name: "default", value: ["tls": "required"], level: .group("eu"), revision: 3, shadows: [.cluster])
        ]
    }

    func edit(_ request: EditRequest, for caller: Caller) async throws(Refusal) -> EditSummary {
        for edit in request.edits {
            try note("edit \(edit.level) \(edit.section) \(edit.entry ?? "-") \(edit.operation.word)", caller)
        }
        return EditSummary(changes: [FixedService.change], uncommitted: 1)
    }

    func override(_ request: OverrideRequest, for caller: Caller) async throws(Refusal) -> EditSummary {
        try note("override \(request.level) \(request.section) \(request.entry) \(request.copy)", caller)
        return EditSummary(changes: [FixedService.change], uncommitted: 1)
    }

    func copy(_ request: CopyRequest, for caller: Caller) async throws(Refusal) -> EditSummary {
        try note("copy \(request.section) \(request.entry) \(request.from) \(request.to) \(request.move)", caller)
        return EditSummary(changes: [FixedService.change], uncommitted: 2)
    }

    func changes(for caller: Caller) async throws(Refusal) -> [ChangeView] {
        try note("changes", caller)
        return [FixedService.change]
    }

    func discard(_ query: DiscardQuery, for caller: Caller) async throws(Refusal) -> DiscardSummary {
        try note("discard \(query.level?.description ?? "-") \(query.section?.rawValue ?? "-") \(query.entry ?? "-")", caller)
        return DiscardSummary(discarded: 1, uncommitted: 0)
    }

    func commit(_ request: CommitRequest, for caller: Caller) async throws(Refusal) -> CommitView {
        try note("commit \(request.comment) \(request.changeSet ?? "-")", caller)
        return CommitView(
            revision: 4, position: 10,
            machines: [
                MachineImpact(
                    machine: "mx1", changes: [EntryImpact(section: .destinations, name: "bank.example", change: .added)])
            ])
    }

    func apply(_ request: ApplyRequest, for caller: Caller) async throws(Refusal) -> ApplyView {
        try note("apply \(request.document.canonicalText) \(request.dryRun) \(request.commit)", caller)
        return ApplyView(changes: [FixedService.change], machines: [])
    }

    func history(_ page: Page, for caller: Caller) async throws(Refusal) -> [RevisionView] {
        try note("history \(page.after ?? -1) \(page.limit)", caller)
        return [RevisionView(revision: 3, author: "admin", time: FixedService.time, comment: "renewed", kind: "commit")]
    }

    func certificates(at level: Level?, for caller: Caller) async throws(Refusal) -> [CertificateView] {
        try note("certificates \(level?.description ?? "-")", caller)
        return [FixedService.certificate]
    }

    func certificate(_ name: String, at level: Level, for caller: Caller) async throws(Refusal) -> CertificateView {
        try note("certificate \(name) \(level)", caller)
        return FixedService.certificate
    }

    func createCertificate(_ request: CertificateCreation, for caller: Caller) async throws(Refusal) -> CertificateView {
        try note("create \(request.level) \(request.name) \(request.request.commonName) \(request.replace)", caller)
        return FixedService.certificate
    }

    func importCertificate(_ request: CertificateImport, for caller: Caller) async throws(Refusal) -> CertificateView {
        try note("import \(request.level) \(request.name) \(request.pkcs12 ?? "-") \(request.password ?? "-")", caller)
        return FixedService.certificate
    }

    func promoteCertificate(_ request: CertificatePromotion, for caller: Caller) async throws(Refusal) -> CertificateView {
        try note("promote \(request.name) \(request.from) \(request.to)", caller)
        return FixedService.certificate
    }

    func audit(_ page: Page, for caller: Caller) async throws(Refusal) -> [AuditView] {
        try note("audit \(page.after ?? -1) \(page.limit)", caller)
        return [
            AuditView(
                position: 1, time: FixedService.time, author: "admin", kind: "cluster-created", summary: "created the cluster acme",
                hash: FixedService.digest)
        ]
    }

    func verifyAudit(for caller: Caller) async throws(Refusal) -> AuditVerification {
        try note("verifyAudit", caller)
        return AuditVerification(intact: true, position: 9, hash: FixedService.digest)
    }
}

/// Knows two tokens.
struct FixedTokens: TokenChecker {
    static let valid = "token-of-the-administrator"

    func caller(bearing token: String) async -> Caller? {
        token == FixedTokens.valid ? Caller(user: "admin", role: .administrator) : nil
    }
}
