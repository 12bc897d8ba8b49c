package import AdminContract
package import ClusterModel
import Synchronization

/// A service that answers every request with a fixed value, and remembers what it was asked.
package final class FixedService: AdminService {
    /// What was asked, as `method argument`, with the user who asked.
    private let asked = Mutex<[String]>([])
    /// What to throw instead of answering.
    private let failure: Refusal?
    /// The fleet, as it is when asked for the first time, the second ...; the last stays.
    private let fleets: Mutex<[[MachineView]]>
    /// How a renewal stands, asked for the first time, the second ...; the last stays.
    private let renewals: Mutex<[RenewalView]>
    /// Uncommitted changes of whoever asks.
    private let pending: [ChangeView]
    /// The machines that a commit answers for.
    private let roster: [String]

    package init(
        refusing refusal: Refusal? = nil, fleets: [[MachineView]] = [[FixedService.machine]],
        changes: [ChangeView] = [FixedService.change], renewals: [RenewalView] = [FixedService.renewal(.add)], roster: [String] = []
    ) {
        self.roster = roster
        failure = refusal
        self.fleets = Mutex(fleets)
        pending = changes
        self.renewals = Mutex(renewals)
    }

    /// The fleet as it is now; the next question finds the next one.
    private func nextFleet() -> [MachineView] {
        fleets.withLock { $0.count > 1 ? $0.removeFirst() : $0.first ?? [] }
    }

    package var questions: [String] { asked.withLock { $0 } }

    func note(_ question: String, _ caller: Caller) throws(Refusal) {
        asked.withLock { $0.append("\(caller.user) \(question)") }
        if let failure { throw failure }
    }

    package static let digest = Digest(hashing: [1])
    package static let time = Timestamp(seconds: 1_795_000_000)

    package static let machine = MachineView(
        name: "mx1", group: "main", state: .synced, targetRevision: 3, appliedRevision: 3, targetDigest: digest, appliedDigest: digest,
        services: [
            ServiceView(service: "listener/public", certificate: "mail", fingerprint: digest, served: digest),
            ServiceView(service: "delivery", certificate: "mail", fingerprint: digest, served: nil, unprovable: "outbound"),
            ServiceView(service: "service/malware-analysis", certificate: "mail", fingerprint: digest, served: nil, unprovable: "a client"),
        ], disabled: [DisabledService(service: "listener/inside", reason: "there is no interface \"data2\" on this machine")],
        lastSeen: time, agentVersion: "0.1.0", gateway: .embedded,
        lastReceived: ReceiptView(revision: 3, position: 9, digest: digest, outcome: "applied", time: time),
        lastApplied: ReceiptView(revision: 3, position: 9, digest: digest, outcome: "applied", time: time),
        lastRejected: ReceiptView(
            revision: 2, position: 7, digest: Digest(hashing: [2]), outcome: "rejected", reasons: ["timed out"], time: time))

    /// A fleet with a machine in every state.
    package static let fleet: [MachineView] = [
        machine,
        MachineView(
            name: "mx2", group: "eu", state: .pending, targetRevision: 3, appliedRevision: 2, targetDigest: digest,
            appliedDigest: Digest(hashing: [2])),
        MachineView(
            name: "mx3", group: "eu", state: .rejected, targetRevision: 3, appliedRevision: nil, targetDigest: digest, appliedDigest: nil,
            reasons: ["port 25 of 192.0.2.13 is taken", "and more"]),
        MachineView(
            name: "mx4", group: "us", state: .offline, targetRevision: 3, appliedRevision: 3, targetDigest: digest, appliedDigest: digest,
            services: [ServiceView(service: "listener/public", certificate: "mail", fingerprint: digest, served: nil)]),
    ]

    /// The machine in another state.
    package static func machine(_ name: String, _ state: MachineState, reasons: [String] = []) -> MachineView {
        MachineView(
            name: name, group: "main", state: state, targetRevision: 4, appliedRevision: 3, targetDigest: digest, appliedDigest: digest,
            reasons: reasons)
    }

    package static let change = ChangeView(
        level: .group("eu"), section: .destinations, entry: "bank.example", change: "set", before: .null, after: ["tls": "required"],
        changeSet: "c1")

    /// The same change, and somebody else's under it.
    package static let conflict: ChangeView = {
        var view = change
        view.before = ["tls": "none"]
        view.conflict = ConflictView(
            change: "set", theirs: ["tls": "none"], base: ["tls": "preferred"], revision: 3, author: "bob", time: time,
            text: "bob set it to tls=none in revision 3 at \(time), since your edit began")
        return view
    }()

    /// What was edited on a machine while it was disconnected: one entry that the cluster changed, too, and one that it did not.
    package static let localConflicts = [
        LocalConflictView(
            section: .destinations, name: "bank.example", change: "set", local: ["tls": "required"], cluster: ["tls": "none"],
            level: .group("eu"), moved: true, time: time),
        LocalConflictView(
            section: .listeners, name: "relay", change: "remove", local: .null,
            cluster: ["certificate": "mail", "interface": "data1", "port": 587], level: .cluster, moved: false, time: time,
            uncommitted: true),
    ]

    /// What a change does to one machine.
    package static let impact = MachineImpact(
        machine: "mx1", changes: [EntryImpact(section: .certificates, name: "mail", change: .changed)],
        services: [
            ServiceImpact(
                service: "delivery", before: nil, after: .init(certificate: "mail", fingerprint: Digest(hashing: [2]))),
            ServiceImpact(
                service: "https/data1", before: .init(certificate: "old", fingerprint: digest),
                after: .init(certificate: "mail", fingerprint: Digest(hashing: [2]))),
            ServiceImpact(
                service: "listener/public", before: .init(certificate: "mail", fingerprint: digest),
                after: .init(certificate: "mail", fingerprint: Digest(hashing: [2]))),
            ServiceImpact(service: "listener/relay", before: .init(certificate: "mail", fingerprint: digest), after: nil),
        ])

    package static let certificate: CertificateView = {
        var leaf = CertificateFacts()
        leaf.subject = "CN=mail.example.com"
        leaf.issuer = "CN=mail.example.com"
        leaf.notAfter = time
        let setting = CertificateSetting(
            origin: .selfSigned, key: KeyFacts(fingerprint: digest, algorithm: "ecdsa-p256"), chain: [leaf], chainBlob: digest)
        let finding = CertificateFinding(code: .selfSigned, severity: .notice, text: "Nobody can verify it.", cure: "Have it signed.")
        guard
            let view = CertificateView(
                setting, name: "mail", level: .cluster, usedBy: ["listener/public"], findings: [finding], uncommitted: false)
        else { preconditionFailure("the chain has a leaf") }
        return view
    }()

    package static let authority: AuthorityView = {
        var (root, second) = (CertificateFacts(), CertificateFacts())
        (root.subject, root.issuer, root.notAfter, root.isAuthority) = ("CN=Partner Root", "CN=Partner Root", time, true)
        (second.subject, second.issuer, second.notAfter, second.isAuthority) = ("CN=Second", "CN=Other", time.adding(seconds: 1), true)
        let finding = CertificateFinding(code: .missingRoot, severity: .warning, text: "Its issuer is not there.", cure: "Add the root.")
        return AuthorityView(
            AuthoritySetting(certificates: [root, second], blob: digest), name: "partner-root", level: .cluster, findings: [finding],
            uncommitted: true)
    }()

    package static let loss = LossReport(
        certificates: [
            LostCertificate(
                name: "own", subject: "CN=mx1.example.com", fingerprint: digest, notAfter: time, services: ["listener/public"])
        ], settings: ["destinations": ["bank.example"]], kept: ["system/settings"], keysLeftBehind: [])

    package func whoAmI(_ caller: Caller) async throws(Refusal) -> CallerView {
        try note("whoAmI", caller)
        return CallerView(user: caller.user, role: caller.role, cluster: "acme")
    }

    package func status(for caller: Caller) async throws(Refusal) -> ClusterStatus {
        try note("status", caller)
        return ClusterStatus(
            cluster: "acme", clusterID: "0123", revision: 3, position: 9, machines: nextFleet(), uncommitted: 1,
            notices: ["machine mx2: listeners/public: there is no interface \"data1\": it is disabled here"],
            alerts: AlertSummary(active: 2, unacknowledged: 1, worst: .error))
    }

    package func users(for caller: Caller) async throws(Refusal) -> [UserView] {
        try note("users", caller)
        return [
            UserView(name: "admin", role: .administrator, added: FixedService.time, addedBy: "admin", tokens: 1),
            UserView(name: "bob", role: .operator, group: "eu", added: FixedService.time, addedBy: "admin", tokens: 0),
        ]
    }

    package func addUser(_ request: UserRequest, for caller: Caller) async throws(Refusal) -> UserView {
        try note("addUser \(request.name) \(request.role.rawValue)\(request.group.map { " \($0)" } ?? "")", caller)
        return UserView(
            name: request.name, role: request.role, group: request.group, added: FixedService.time, addedBy: caller.user, tokens: 0)
    }

    package func removeUser(_ name: String, for caller: Caller) async throws(Refusal) -> UserRemoval {
        try note("removeUser \(name)", caller)
        return UserRemoval(name: name, tokens: 2, discarded: 1)
    }

    package func createToken(_ request: TokenRequest, for caller: Caller) async throws(Refusal) -> TokenView {
        try note("createToken \(request.user ?? "-") \(request.expiresSeconds)", caller)
        return TokenView(
            token: "muster-token-x", id: "t1", user: request.user ?? caller.user, role: .operator, expires: FixedService.time)
    }

    package func machines(for caller: Caller) async throws(Refusal) -> [MachineView] {
        try note("machines", caller)
        return nextFleet()
    }

    package func machine(_ name: String, for caller: Caller) async throws(Refusal) -> MachineView {
        try note("machine \(name)", caller)
        return FixedService.machine
    }

    package func loss(removing machine: String, for caller: Caller) async throws(Refusal) -> LossReport {
        try note("loss \(machine)", caller)
        return FixedService.loss
    }

    package func removeMachine(_ name: String, archive: Bool, for caller: Caller) async throws(Refusal) -> MachineRemoval {
        try note("remove \(name)\(archive ? " archive" : "")", caller)
        return MachineRemoval(loss: FixedService.loss, archive: archive ? FixedService.archive : nil)
    }

    package func moveMachine(_ name: String, _ request: MoveRequest, for caller: Caller) async throws(Refusal) -> MoveView {
        try note("move \(name) \(request.group)\(request.preview ? " preview" : "")", caller)
        return FixedService.move(name, to: request.group, isPreview: request.preview)
    }

    package func renameMachine(_ former: String, _ request: RenameRequest, for caller: Caller) async throws(Refusal) -> MachineView {
        try note("renameMachine \(former) \(request.name)", caller)
        return FixedService.machine
    }

    package func retryMachine(_ name: String, for caller: Caller) async throws(Refusal) -> MachineView {
        try note("retry \(name)", caller)
        return FixedService.machine
    }

    package func disconnectMachine(_ name: String, for caller: Caller) async throws(Refusal) -> MachineView {
        try note("disconnect \(name)", caller)
        return FixedService.machine("mx1", .disconnected, reasons: ["disconnected by ann at 2026-11-28T08:00:00Z"])
    }

    package func reconnectMachine(_ name: String, for caller: Caller) async throws(Refusal) -> MachineView {
        try note("reconnect \(name)", caller)
        return FixedService.machine
    }

    package func localConflicts(of machine: String, for caller: Caller) async throws(Refusal) -> [LocalConflictView] {
        try note("localConflicts \(machine)", caller)
        return FixedService.localConflicts
    }

    package func takeLocalEdits(_ choice: LocalConflictChoice, of machine: String, for caller: Caller) async throws(Refusal) -> EditSummary
    {
        try note("takeLocal \(machine) \(choice.entries?.joined(separator: " ") ?? "-")", caller)
        return EditSummary(changes: [FixedService.change], uncommitted: 1)
    }

    package func dropLocalEdits(
        _ choice: LocalConflictChoice, of machine: String, for caller: Caller
    ) async throws(Refusal) -> [LocalConflictView] {
        try note("dropLocal \(machine) \(choice.entries?.joined(separator: " ") ?? "-")", caller)
        return []
    }

    package func readmitMachine(_ name: String, _ request: ReadmissionRequest, for caller: Caller) async throws(Refusal) -> ReadmissionView
    {
        try note("readmit \(name) \(request.expiresSeconds)", caller)
        return ReadmissionView(machine: name, expires: FixedService.time)
    }

    package static let ca = CAView(
        step: .trusted, current: CACertificateView(fingerprint: digest, notAfter: time),
        next: CACertificateView(fingerprint: Digest(hashing: [2]), notAfter: time), moves: [.activate, .abort],
        waiting: [CAAbsentee(machine: "mx2", reason: "has not confirmed that it trusts the next CA; it is offline")],
        endingInvitations: ["5f0c2d9a7e41"])

    package func ca(for caller: Caller) async throws(Refusal) -> CAView {
        try note("ca", caller)
        return FixedService.ca
    }

    package func rotateCA(_ request: CARequest, for caller: Caller) async throws(Refusal) -> CAView {
        try note("rotateCA \(request.move.rawValue) \((request.without ?? []).joined(separator: ","))", caller)
        return FixedService.ca
    }

    package func checkConsistency(_ request: ConsistencyRequest, for caller: Caller) async throws(Refusal) -> [ConsistencyView] {
        try note("checkConsistency \(request.machine ?? "-")", caller)
        return FixedService.consistency.filter { request.machine == nil || $0.machine == request.machine }
    }

    package func repairMachine(_ name: String, _ request: RepairRequest, for caller: Caller) async throws(Refusal) -> RepairView {
        try note("repair \(name) \(request.keep.rawValue)", caller)
        return request.keep == .cluster
            ? RepairView(machine: name, outcome: .applied, check: ConsistencyView(machine: name, outcome: .agrees))
            : RepairView(
                machine: name, outcome: .taken, reasons: ["certificates/mail cannot be taken: the cluster does not have its private key"],
                changes: [pending.first ?? FixedService.change])
    }

    package func groups(for caller: Caller) async throws(Refusal) -> [GroupView] {
        try note("groups", caller)
        return [GroupView(name: "main", machines: ["mx1"])]
    }

    package func addGroup(_ request: GroupRequest, for caller: Caller) async throws(Refusal) -> GroupView {
        try note("addGroup \(request.name)", caller)
        return GroupView(name: request.name, machines: [])
    }

    package func renameGroup(_ former: String, _ request: RenameRequest, for caller: Caller) async throws(Refusal) -> GroupView {
        try note("renameGroup \(former) \(request.name)", caller)
        return GroupView(name: request.name, machines: ["mx1"])
    }

    package func loss(deletingGroup name: String, for caller: Caller) async throws(Refusal) -> GroupDeletion {
        try note("groupLoss \(name)", caller)
        return FixedService.deletion(
            of: name, problems: ["1 machine is in the group \(name): mx4. Move it first: muster machine move mx4 --group eu"])
    }

    package func deleteGroup(_ name: String, for caller: Caller) async throws(Refusal) -> GroupDeletion {
        try note("deleteGroup \(name)", caller)
        return FixedService.deletion(of: name, problems: [])
    }

    package func invite(_ request: InvitationRequest, for caller: Caller) async throws(Refusal) -> InvitationView {
        try note(
            "invite \(request.group ?? "-") \(request.expiresSeconds)\(request.machine.map { " \($0)" } ?? "")\(request.approval == true ? " approval" : "")",
            caller)
        return InvitationView(
            invitation: "muster-invitation-1.x", id: "i1", group: "main", expires: FixedService.time, machine: request.machine)
    }

    package func show(_ query: SettingsQuery, for caller: Caller) async throws(Refusal) -> [SetEntry] {
        try note("show \(query.level) \(query.section?.rawValue ?? "-") \(query.entry ?? "-")", caller)
        if let section = query.section, section != .destinations {
            return ExampleEntries.entries(of: section).filter { (query.entry ?? $0.name) == $0.name }.map {
                SetEntry(section: section, name: $0.name, value: $0.value, level: query.level, revision: 2)
            }
        }
        return [
            SetEntry(section: .destinations, name: "default", value: ["tls": "preferred"], level: query.level, revision: 2),
            SetEntry(section: .destinations, name: "gone.example", value: .null, level: query.level, revision: 2, hidden: true),
        ]
    }

    package func effective(_ query: EffectiveQuery, for caller: Caller) async throws(Refusal) -> [EffectiveView] {
        let revision = query.revision.map { " at \($0)" } ?? ""
        try note("effective \(query.machine) \(query.section?.rawValue ?? "-") \(query.entry ?? "-")\(revision)", caller)
        return [
            EffectiveView(
                section: .destinations, name: "default", value: ["tls": "required"], level: .group("eu"), revision: 3, author: "admin",
                time: FixedService.time, shadowed: [ShadowedValue(level: .cluster, revision: 2, author: "ben", value: ["tls": "preferred"])]
            )
        ]
    }

    package func edit(_ request: EditRequest, for caller: Caller) async throws(Refusal) -> EditSummary {
        for edit in request.edits {
            try note("edit \(edit.level) \(edit.section) \(edit.entry ?? "-") \(FixedService.text(of: edit.operation))", caller)
        }
        return EditSummary(changes: [FixedService.change], uncommitted: 1)
    }

    private static func text(of operation: EntryOperation) -> String {
        switch operation {
        case .set(let value), .merge(let value): "\(operation.word) \(value.canonicalText)"
        case .remove, .hide, .isolate, .inherit: operation.word
        }
    }

    package func override(_ request: OverrideRequest, for caller: Caller) async throws(Refusal) -> EditSummary {
        try note("override \(request.level) \(request.section) \(request.entry) \(request.copy)", caller)
        return EditSummary(changes: [FixedService.change], uncommitted: 1)
    }

    package func copy(_ request: CopyRequest, for caller: Caller) async throws(Refusal) -> EditSummary {
        try note("copy \(request.section) \(request.entry) \(request.from) \(request.to) \(request.move)", caller)
        return EditSummary(changes: [FixedService.change], uncommitted: 2)
    }

    package func changes(for caller: Caller) async throws(Refusal) -> [ChangeView] {
        try note("changes", caller)
        return pending
    }

    package func previewChanges(for caller: Caller) async throws(Refusal) -> ChangesPreview {
        try note("previewChanges", caller)
        guard !pending.isEmpty else { return ChangesPreview(machines: []) }
        return ChangesPreview(
            machines: [FixedService.impact], notices: ["machine mx2: listeners/public: it is disabled here"],
            problems: pending.compactMap { $0.conflict.map { "destinations/bank.example at group/eu: \($0.text)" } })
    }

    package func keep(_ request: KeepRequest, for caller: Caller) async throws(Refusal) -> [ChangeView] {
        try note("keep \(request.level?.description ?? "-") \(request.section) \(request.entry ?? "-")", caller)
        return pending
    }

    package func discard(_ query: DiscardQuery, for caller: Caller) async throws(Refusal) -> DiscardSummary {
        try note("discard \(query.level?.description ?? "-") \(query.section?.rawValue ?? "-") \(query.entry ?? "-")", caller)
        return DiscardSummary(discarded: 1, uncommitted: 0)
    }

    package func commit(_ request: CommitRequest, for caller: Caller) async throws(Refusal) -> CommitView {
        try note("commit \(request.comment) \(request.changeSet ?? "-")", caller)
        guard !pending.isEmpty else { return CommitView(revision: nil, position: 9, machines: []) }
        return CommitView(
            revision: 4, position: 10,
            machines: [
                MachineImpact(
                    machine: "mx1", changes: [EntryImpact(section: .destinations, name: "bank.example", change: .added)])
            ], roster: roster)
    }

    package func save(_ request: SaveRequest, for caller: Caller) async throws(Refusal) -> SavedDocument {
        try note("save \(request.password ?? "-")", caller)
        let policy: JSONValue = ["tls": "preferred"]
        return SavedDocument(
            revision: 3,
            document: ["cluster": "acme", "groups": ["eu", "main"], "settings": ["cluster": ["mailFlowPolicies": ["accepted": policy]]]],
            keys: request.password == nil ? 0 : 1)
    }

    package func apply(_ request: ApplyRequest, for caller: Caller) async throws(Refusal) -> ApplyView {
        try note("apply \(request.document.canonicalText) \(request.dryRun) \(request.commit)", caller)
        return ApplyView(changes: [FixedService.change], machines: [])
    }

    package func history(_ page: Page, for caller: Caller) async throws(Refusal) -> [RevisionView] {
        try note("history \(page.after ?? -1) \(page.limit)", caller)
        return [RevisionView(revision: 3, author: "admin", time: FixedService.time, comment: "renewed \u{1B}[31mred\nline", kind: "commit")]
    }

    package func diff(_ query: DiffQuery, for caller: Caller) async throws(Refusal) -> DiffView {
        try note("diff \(query.from ?? -1) \(query.to ?? -1)", caller)
        return DiffView(
            from: query.from ?? 3, to: query.to ?? 3,
            levels: [
                LevelDiff(
                    level: .cluster, presence: .both,
                    changes: [
                        EntryDiff(
                            section: .destinations, entry: "default", change: "set", before: ["tls": "preferred"],
                            after: ["tls": "required"]),
                        EntryDiff(section: .destinations, entry: "old.example", change: "remove", before: ["tls": "none"], after: .null),
                        EntryDiff(section: .listeners, entry: nil, change: "isolate", before: .null, after: .null),
                    ]),
                LevelDiff(
                    level: .machine("mx9"), presence: .added,
                    changes: [EntryDiff(section: .destinations, entry: "x.example", change: "hide", before: .null, after: .null)]),
            ])
    }

    package func rollback(_ request: RollbackRequest, for caller: Caller) async throws(Refusal) -> CommitView {
        try note("rollback \(request.revision) \(request.comment) \(request.preview)", caller)
        return CommitView(
            revision: request.preview ? nil : 4, position: 10, machines: [FixedService.impact],
            leftOut: [
                .init(level: .machine("mx1"), reason: .network, entries: ["interfaces/data1"]),
                .init(level: .machine("mx7"), reason: .ended, entries: ["certificates/mail"]),
                .init(level: .machine("mx9"), reason: .joinedLater, entries: ["listeners/public"]),
                .init(level: .group("us"), reason: .groupGone, entries: []),
            ])
    }

    package func certificates(at level: Level?, for caller: Caller) async throws(Refusal) -> [CertificateView] {
        try note("certificates \(level?.description ?? "-")", caller)
        return [FixedService.certificate]
    }

    package func certificate(_ name: String, at level: Level, for caller: Caller) async throws(Refusal) -> CertificateView {
        try note("certificate \(name) \(level)", caller)
        return FixedService.certificate
    }

    package func createCertificate(_ request: CertificateCreation, for caller: Caller) async throws(Refusal) -> CertificateView {
        try note("create \(request.level) \(request.name) \(request.request.commonName) \(request.replace)", caller)
        return FixedService.certificate
    }

    package func importCertificate(_ request: CertificateImport, for caller: Caller) async throws(Refusal) -> CertificateView {
        try note("import \(request.level) \(request.name) \(request.pkcs12 ?? "-") \(request.password ?? "-")", caller)
        return FixedService.certificate
    }

    package func promoteCertificate(_ request: CertificatePromotion, for caller: Caller) async throws(Refusal) -> CertificateView {
        try note("promote \(request.name) \(request.from) \(request.to)", caller)
        return FixedService.certificate
    }

    package func certificateRequest(_ name: String, at level: Level, for caller: Caller) async throws(Refusal) -> CertificateRequestView {
        try note("request \(name) \(level)", caller)
        return CertificateRequestView(
            name: name, level: level, subject: "CN=mail.example.com", names: ["mail.example.com"], key: FixedService.digest,
            pem: "-----BEGIN CERTIFICATE REQUEST-----\n-----END CERTIFICATE REQUEST-----\n")
    }

    package func uploadCertificate(_ request: CertificateUpload, for caller: Caller) async throws(Refusal) -> CertificateView {
        let files = ([request.certificate ?? "-"] + request.intermediates).joined(separator: " ")
        try note("upload \(request.level) \(request.name) \(files)", caller)
        return FixedService.certificate
    }

    package func exportCertificate(_ request: CertificateExport, for caller: Caller) async throws(Refusal) -> ExportedCertificate {
        try note("export \(request.level) \(request.name) \(request.password) \(request.legacy)", caller)
        return ExportedCertificate(pkcs12: "cDEy", fingerprint: FixedService.digest)
    }

    package func checkCertificates(for caller: Caller) async throws(Refusal) -> [ServiceCheck] {
        try note("check", caller)
        return [
            ServiceCheck(
                machine: "mx1", service: "listener/public", certificate: "mail", level: .cluster, fingerprint: FixedService.digest,
                served: FixedService.digest, unprovable: nil, findings: FixedService.certificate.findings),
            ServiceCheck(
                machine: "mx2", service: "listener/public", certificate: "mail", level: .cluster, fingerprint: FixedService.digest,
                served: nil, unprovable: nil, findings: []),
        ]
    }

    /// A domain with a host for each verdict.
    package static let mailExchange: MailExchangeView = {
        func entrance(_ machine: String, _ hostname: String, served: Digest? = digest) -> MailEntrance {
            var leaf = CertificateFacts()
            leaf.names = ["mail.example.com", "mx1.example.com"]
            leaf.fingerprint = digest
            leaf.keyAlgorithm = "ecdsa-p256"
            leaf.notAfter = Timestamp(seconds: 2_000_000_000)
            leaf.signer = digest
            let setting = CertificateSetting(
                origin: .imported, key: KeyFacts(fingerprint: digest, algorithm: "ecdsa-p256"), chain: [leaf], chainBlob: digest)
            return MailEntrance(
                machine: machine, interface: "data1", hostname: hostname, address: "192.0.2.1",
                listener: MailEntrance.Listener(
                    service: "listener/public", certificate: .init(name: "mail", level: .cluster, setting: setting), served: served))
        }
        let hosts = [
            MailExchangers.Host("mx1.example.com", preference: 10, addresses: [IPAddress("192.0.2.1")].compactMap(\.self)),
            MailExchangers.Host("mx2.example.com", preference: 20), MailExchangers.Host("mx9.example.com", preference: 30),
        ]
        let reading = MailExchangeReading(
            of: MailExchangers(domain: "example.com", hosts: hosts),
            at: [entrance("mx1", "mx1.example.com"), entrance("mx2", "mx2.example.com"), entrance("mx3", "mail.example.com")], now: time)
        return MailExchangeView(reading)
    }()

    package func checkMailExchange(_ request: MailExchangeRequest, for caller: Caller) async throws(Refusal) -> MailExchangeView {
        try note("mailExchange \(request.domain) \(request.resolver ?? "-")", caller)
        return FixedService.mailExchange
    }

    package func certificateUses(_ name: String, at level: Level, for caller: Caller) async throws(Refusal) -> [CertificateUse] {
        try note("uses \(name) \(level)", caller)
        return [
            CertificateUse(service: "delivery", machine: nil, level: .group("us")),
            CertificateUse(service: "listener/public", machine: "mx1", level: .cluster),
        ]
    }

    package func deleteCertificate(_ name: String, at level: Level, for caller: Caller) async throws(Refusal) -> EditSummary {
        try note("deleteCertificate \(name) \(level)", caller)
        return EditSummary(changes: [FixedService.change], uncommitted: 1)
    }

    package func renewal(_ query: RenewalQuery, for caller: Caller) async throws(Refusal) -> RenewalView {
        try note("renewal \(query.level) \(query.old) \(query.new ?? "-")", caller)
        return renewals.withLock { $0.count > 1 ? $0.removeFirst() : $0[0] }
    }

    package func alerts(all: Bool, for caller: Caller) async throws(Refusal) -> [AlertView] {
        try note("alerts \(all)", caller)
        return all ? FixedService.alerts : Array(FixedService.alerts.dropLast())
    }

    package func acknowledgeAlerts(_ request: AlertAcknowledgement, for caller: Caller) async throws(Refusal) -> [AlertView] {
        try note("acknowledge \(request.ids.joined(separator: " "))", caller)
        return Array(FixedService.alerts[1...1])
    }

    package func authorities(at level: Level?, for caller: Caller) async throws(Refusal) -> [AuthorityView] {
        try note("authorities \(level?.description ?? "-")", caller)
        return [
            .impliedSystem, FixedService.authority, AuthorityView(hidden: "partner-root", level: .group("eu"), uncommitted: false),
            AuthorityView(AuthoritySetting(trusted: false), name: "system", level: .group("eu"), findings: [], uncommitted: false),
        ]
    }

    package func authority(_ name: String, at level: Level, for caller: Caller) async throws(Refusal) -> AuthorityView {
        try note("authority \(name) \(level)", caller)
        return FixedService.authority
    }

    package func addAuthorities(_ request: AuthorityAddition, for caller: Caller) async throws(Refusal) -> AuthorityView {
        try note("addAuthorities \(request.level) \(request.name) \(request.file) \(request.replace)", caller)
        return FixedService.authority
    }

    package func trustSystem(_ request: SystemTrust, for caller: Caller) async throws(Refusal) -> AuthorityView {
        try note("trustSystem \(request.level) \(request.trusted)", caller)
        return AuthorityView(
            AuthoritySetting(trusted: request.trusted), name: "system", level: request.level, findings: [], uncommitted: true)
    }

    package func removeAuthorities(_ name: String, at level: Level, for caller: Caller) async throws(Refusal) -> AuthorityRemoval {
        try note("removeAuthorities \(name) \(level)", caller)
        let change = ChangeView(
            level: level, section: .authorities, entry: name, change: "remove", before: .null, after: .null, changeSet: "c1")
        return AuthorityRemoval(name: name, level: level, inherited: level == .cluster ? nil : .cluster, changes: [change], uncommitted: 1)
    }

    package func audit(_ page: Page, for caller: Caller) async throws(Refusal) -> [AuditView] {
        try note("audit \(page.after ?? -1) \(page.limit)", caller)
        return [
            AuditView(
                position: 1, time: FixedService.time, author: "admin", kind: "cluster-created", summary: "created the cluster acme",
                hash: FixedService.digest)
        ]
    }

    package func refusedAttempts(for caller: Caller) async throws(Refusal) -> [RefusedAttempt] {
        try note("refused", caller)
        return [
            RefusedAttempt(
                time: FixedService.time, who: "machine mx9", what: RefusedAttempt.join, code: .invitation,
                reason: "The invitation has been used.", count: 3),
            RefusedAttempt(
                time: FixedService.time, who: "bob", what: "POST /users", code: .forbidden,
                reason: "bob is operator, and this needs the role administrator."),
        ]
    }

    package func note(refused refusal: Refusal, _ what: String, of caller: Caller) async {
        asked.withLock { $0.append("\(caller.user) refused \(what) \(refusal.code.rawValue)") }
    }

    package func verifyAudit(for caller: Caller) async throws(Refusal) -> AuditVerification {
        try note("verifyAudit", caller)
        return AuditVerification(intact: true, position: 9, hash: FixedService.digest)
    }
}

/// Knows one token.
package struct FixedTokens: TokenChecker {
    package static let valid = "token-of-the-administrator"

    package func caller(bearing token: String) async -> Caller? {
        token == FixedTokens.valid ? Caller(user: "admin", role: .administrator) : nil
    }
}
