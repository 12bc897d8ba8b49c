package import AdminContract
package import ClusterModel

extension AdminClient {
    // MARK: The cluster

    package func whoAmI() async throws(Refusal) -> CallerView {
        try await get(Paths.whoAmI)
    }

    package func status() async throws(Refusal) -> ClusterStatus {
        try await get(Paths.status)
    }

    // MARK: Users

    package func users() async throws(Refusal) -> [UserView] {
        try await get(Paths.users)
    }

    package func addUser(_ name: String, role: Role, group: String? = nil) async throws(Refusal) -> UserView {
        try await post(Paths.users, UserRequest(name: name, role: role, group: group))
    }

    package func removeUser(_ name: String) async throws(Refusal) -> UserRemoval {
        try await delete(Paths.user(try AdminClient.checked(name, "The user name")))
    }

    /// A new token as a profile, which reaches the same manager as this client.
    package func createToken(_ request: TokenRequest) async throws(Refusal) -> (profile: Profile, token: TokenView) {
        let token: TokenView = try await post(Paths.tokens, request)
        return (Profile(url: profile.url, ca: token.ca ?? profile.ca, token: token.token), token)
    }

    // MARK: Machines and groups

    package func machines() async throws(Refusal) -> [MachineView] {
        try await get(Paths.machines)
    }

    package func machine(_ name: String) async throws(Refusal) -> MachineView {
        try await get(Paths.machine(try AdminClient.checked(name, "The machine name")))
    }

    package func loss(removing machine: String) async throws(Refusal) -> LossReport {
        try await get(Paths.loss(try AdminClient.checked(machine, "The machine name")))
    }

    package func removeMachine(_ name: String, archive: Bool = false) async throws(Refusal) -> MachineRemoval {
        try await delete(
            Paths.machine(try AdminClient.checked(name, "The machine name")), [(Parameter.archive, archive ? "true" : nil)])
    }

    package func archives() async throws(Refusal) -> [ArchiveView] {
        try await get(Paths.archives)
    }

    package func forgetArchive(_ id: String) async throws(Refusal) -> ArchiveView {
        try await delete(Paths.archive(try AdminClient.checked(id, "The archive")))
    }

    package func restoreMachine(_ name: String, _ request: RestoreRequest) async throws(Refusal) -> RestoreView {
        try await post(Paths.restore(try AdminClient.checked(name, "The machine name")), request)
    }

    package func moveMachine(_ name: String, _ request: MoveRequest) async throws(Refusal) -> MoveView {
        try await post(Paths.move(try AdminClient.checked(name, "The machine name")), request)
    }

    package func renameMachine(_ former: String, to name: String) async throws(Refusal) -> MachineView {
        try await post(Paths.rename(machine: try AdminClient.checked(former, "The machine name")), RenameRequest(name: name))
    }

    package func retryMachine(_ name: String) async throws(Refusal) -> MachineView {
        try await post(Paths.retry(try AdminClient.checked(name, "The machine name")))
    }

    package func disconnectMachine(_ name: String) async throws(Refusal) -> MachineView {
        try await post(Paths.disconnection(try AdminClient.checked(name, "The machine name")))
    }

    package func reconnectMachine(_ name: String) async throws(Refusal) -> MachineView {
        try await post(Paths.reconnection(try AdminClient.checked(name, "The machine name")))
    }

    package func localConflicts(of machine: String) async throws(Refusal) -> [LocalConflictView] {
        try await get(Paths.localConflicts(try AdminClient.checked(machine, "The machine name")))
    }

    package func takeLocalEdits(_ choice: LocalConflictChoice, of machine: String) async throws(Refusal) -> EditSummary {
        try await post(Paths.localTakes(try AdminClient.checked(machine, "The machine name")), choice)
    }

    package func dropLocalEdits(_ choice: LocalConflictChoice, of machine: String) async throws(Refusal) -> [LocalConflictView] {
        try await post(Paths.localDrops(try AdminClient.checked(machine, "The machine name")), choice)
    }

    package func checkConsistency(of machine: String? = nil) async throws(Refusal) -> [ConsistencyView] {
        try await post(Paths.consistencyChecks, ConsistencyRequest(machine: machine))
    }

    package func repairMachine(_ name: String, keeping kept: RepairRequest.Kept) async throws(Refusal) -> RepairView {
        try await post(Paths.repair(try AdminClient.checked(name, "The machine name")), RepairRequest(keep: kept))
    }

    package func groups() async throws(Refusal) -> [GroupView] {
        try await get(Paths.groups)
    }

    package func addGroup(_ name: String) async throws(Refusal) -> GroupView {
        try await post(Paths.groups, GroupRequest(name: name))
    }

    package func renameGroup(_ former: String, to name: String) async throws(Refusal) -> GroupView {
        try await post(Paths.rename(group: try AdminClient.checked(former, "The group name")), RenameRequest(name: name))
    }

    package func loss(deletingGroup name: String) async throws(Refusal) -> GroupDeletion {
        try await get(Paths.loss(group: try AdminClient.checked(name, "The group name")))
    }

    package func deleteGroup(_ name: String) async throws(Refusal) -> GroupDeletion {
        try await delete(Paths.group(try AdminClient.checked(name, "The group name")))
    }

    package func invite(_ request: InvitationRequest) async throws(Refusal) -> InvitationView {
        try await post(Paths.invitations, request)
    }

    package func joinRequests() async throws(Refusal) -> [JoinRequestView] {
        try await get(Paths.joinRequests)
    }

    package func decideJoin(_ decision: JoinDecision) async throws(Refusal) -> JoinRequestView {
        try await post(Paths.joinDecisions, decision)
    }

    package func readmitMachine(_ name: String, _ request: ReadmissionRequest) async throws(Refusal) -> ReadmissionView {
        try await post(Paths.readmission(try AdminClient.checked(name, "The machine name")), request)
    }

    // MARK: The cluster's CA

    package func ca() async throws(Refusal) -> CAView {
        try await get(Paths.ca)
    }

    package func rotateCA(_ request: CARequest) async throws(Refusal) -> CAView {
        try await post(Paths.caSteps, request)
    }

    // MARK: Settings

    package func show(_ query: SettingsQuery) async throws(Refusal) -> [SetEntry] {
        try await get(
            Paths.settings,
            [
                (Parameter.level, query.level.description), (Parameter.section, query.section?.rawValue),
                (Parameter.entry, query.entry),
            ])
    }

    package func effective(_ query: EffectiveQuery) async throws(Refusal) -> [EffectiveView] {
        try await get(
            Paths.effective(try AdminClient.checked(query.machine, "The machine name")),
            [
                (Parameter.section, query.section?.rawValue), (Parameter.entry, query.entry),
                (Parameter.revision, query.revision.map(String.init)),
            ])
    }

    package func edit(_ edits: [EntryEdit]) async throws(Refusal) -> EditSummary {
        try await post(Paths.edits, EditRequest(edits: edits))
    }

    package func override(_ request: OverrideRequest) async throws(Refusal) -> EditSummary {
        try await post(Paths.overrides, request)
    }

    package func copy(_ request: CopyRequest) async throws(Refusal) -> EditSummary {
        try await post(Paths.copies, request)
    }

    // MARK: Changes

    package func changes() async throws(Refusal) -> [ChangeView] {
        try await get(Paths.changes)
    }

    package func discard(_ query: DiscardQuery) async throws(Refusal) -> DiscardSummary {
        try await delete(
            Paths.changes,
            [
                (Parameter.level, query.level?.description), (Parameter.section, query.section?.rawValue),
                (Parameter.entry, query.entry),
            ])
    }

    package func previewChanges() async throws(Refusal) -> ChangesPreview {
        try await get(Paths.changesPreview)
    }

    package func keep(_ request: KeepRequest) async throws(Refusal) -> [ChangeView] {
        try await post(Paths.keeps, request)
    }

    package func commit(_ request: CommitRequest) async throws(Refusal) -> CommitView {
        try await post(Paths.commits, request)
    }

    package func apply(_ request: ApplyRequest) async throws(Refusal) -> ApplyView {
        try await post(Paths.documents, request)
    }

    package func save(_ request: SaveRequest) async throws(Refusal) -> SavedDocument {
        try await post(Paths.savedDocuments, request)
    }

    package func history(_ page: Page = Page()) async throws(Refusal) -> [RevisionView] {
        try await get(Paths.history, AdminClient.parameters(of: page))
    }

    package func diff(_ query: DiffQuery) async throws(Refusal) -> DiffView {
        try await get(Paths.diff, [(Parameter.from, query.from.map { String($0) }), (Parameter.to, query.to.map { String($0) })])
    }

    package func rollback(_ request: RollbackRequest) async throws(Refusal) -> CommitView {
        try await post(Paths.rollbacks, request)
    }

    // MARK: Certificates

    package func certificates(at level: Level?) async throws(Refusal) -> [CertificateView] {
        try await get(Paths.certificates, [(Parameter.level, level?.description)])
    }

    package func certificate(_ name: String, at level: Level) async throws(Refusal) -> CertificateView {
        try await get(
            Paths.certificate(try AdminClient.checked(name, "The certificate name")), [(Parameter.level, level.description)])
    }

    package func createCertificate(_ request: CertificateCreation) async throws(Refusal) -> CertificateView {
        try await post(Paths.certificates, request)
    }

    package func importCertificate(_ request: CertificateImport) async throws(Refusal) -> CertificateView {
        try await post(Paths.certificateImports, request)
    }

    package func promoteCertificate(_ request: CertificatePromotion) async throws(Refusal) -> CertificateView {
        try await post(Paths.certificatePromotions, request)
    }

    package func certificateRequest(_ name: String, at level: Level) async throws(Refusal) -> CertificateRequestView {
        try await get(
            Paths.certificateRequest(try AdminClient.checked(name, "The certificate name")), [(Parameter.level, level.description)])
    }

    package func uploadCertificate(_ request: CertificateUpload) async throws(Refusal) -> CertificateView {
        try await post(Paths.certificateUploads, request)
    }

    package func exportCertificate(_ request: CertificateExport) async throws(Refusal) -> ExportedCertificate {
        try await post(Paths.certificateExports, request)
    }

    package func checkCertificates() async throws(Refusal) -> [ServiceCheck] {
        try await get(Paths.certificateChecks)
    }

    package func checkMailExchange(_ request: MailExchangeRequest) async throws(Refusal) -> MailExchangeView {
        try await post(Paths.mailExchangeChecks, request)
    }

    package func certificateUses(_ name: String, at level: Level) async throws(Refusal) -> [CertificateUse] {
        try await get(
            Paths.certificateUses(try AdminClient.checked(name, "The certificate name")), [(Parameter.level, level.description)])
    }

    package func deleteCertificate(_ name: String, at level: Level) async throws(Refusal) -> EditSummary {
        try await delete(
            Paths.certificate(try AdminClient.checked(name, "The certificate name")), [(Parameter.level, level.description)])
    }

    package func renewal(_ query: RenewalQuery) async throws(Refusal) -> RenewalView {
        try await get(
            Paths.certificateRenewal(try AdminClient.checked(query.old, "The certificate name")),
            [(Parameter.level, query.level.description), (Parameter.with, query.new)])
    }

    // MARK: Alerts

    package func alerts(all: Bool = false) async throws(Refusal) -> [AlertView] {
        try await get(Paths.alerts, [(Parameter.all, all ? "true" : nil)])
    }

    package func acknowledgeAlerts(_ request: AlertAcknowledgement) async throws(Refusal) -> [AlertView] {
        try await post(Paths.alertAcknowledgements, request)
    }

    // MARK: Authorities

    package func authorities(at level: Level?) async throws(Refusal) -> [AuthorityView] {
        try await get(Paths.authorities, [(Parameter.level, level?.description)])
    }

    package func authority(_ name: String, at level: Level) async throws(Refusal) -> AuthorityView {
        try await get(Paths.authority(try AdminClient.checked(name, "The name of the authorities")), [(Parameter.level, level.description)])
    }

    package func addAuthorities(_ request: AuthorityAddition) async throws(Refusal) -> AuthorityView {
        try await post(Paths.authorities, request)
    }

    package func trustSystem(_ request: SystemTrust) async throws(Refusal) -> AuthorityView {
        try await post(Paths.systemAuthorities, request)
    }

    package func removeAuthorities(_ name: String, at level: Level) async throws(Refusal) -> AuthorityRemoval {
        try await delete(
            Paths.authority(try AdminClient.checked(name, "The name of the authorities")), [(Parameter.level, level.description)])
    }

    // MARK: The log

    package func audit(_ page: Page = Page()) async throws(Refusal) -> [AuditView] {
        try await get(Paths.audit, AdminClient.parameters(of: page))
    }

    package func refusedAttempts() async throws(Refusal) -> [RefusedAttempt] {
        try await get(Paths.refusedAttempts)
    }

    package func verifyAudit() async throws(Refusal) -> AuditVerification {
        try await get(Paths.auditVerification)
    }

    private static func parameters(of page: Page) -> [(String, String?)] {
        [(Parameter.after, page.after.map { String($0) }), (Parameter.limit, String(page.limit))]
    }

    /// A name that becomes part of a path is one, so that it cannot lead elsewhere.
    private static func checked(_ name: String, _ what: String) throws(Refusal) -> String {
        try NameRule.plain.check(name, as: what)
    }
}
