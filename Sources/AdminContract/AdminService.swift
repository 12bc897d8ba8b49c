package import ClusterModel

/// Who asks: a user by name, with the role that decides what may be asked.
package struct Caller: Hashable, Sendable, Codable {
    package var user: String
    package var role: Role

    package init(user: String, role: Role) {
        self.user = user
        self.role = role
    }
}

/// What a user may do (mission C12). Each role may do what the one before it may.
package enum Role: String, CaseIterable, Hashable, Sendable, Codable, Comparable {
    /// Sees everything but secrets.
    case readOnly = "read-only"
    /// Also edits, commits, checks and tests.
    case `operator`
    /// Also users, invitations, removal, key export and the CA.
    case administrator

    private var rank: Int { Role.allCases.firstIndex(of: self) ?? 0 }

    package static func < (left: Role, right: Role) -> Bool { left.rank < right.rank }
}

/// Tells who bears a token.
package protocol TokenChecker: Sendable {
    /// The token's user; nil for a token that is unknown or has expired.
    func caller(bearing token: String) async -> Caller?
}

/// What the manager does for those who administer the cluster: one method for each request of the API.
///
/// The service, not its callers, decides whether the caller's role allows a request (``Refusal/Code/forbidden``).
/// A method that throws has changed nothing. Methods may be called at the same time.
package protocol AdminService: Sendable {
    // MARK: The cluster

    func whoAmI(_ caller: Caller) async throws(Refusal) -> CallerView
    /// Every machine against the log's head, with what waits to be committed by the caller.
    func status(for caller: Caller) async throws(Refusal) -> ClusterStatus

    // MARK: Machines and groups

    /// Sorted by name, as is every list here that states no other order.
    func machines(for caller: Caller) async throws(Refusal) -> [MachineView]
    func machine(_ name: String, for caller: Caller) async throws(Refusal) -> MachineView
    /// What removing a machine would lose; removes nothing.
    func loss(removing machine: String, for caller: Caller) async throws(Refusal) -> LossReport
    /// Answers when the removal is in the log; never waits for the machine.
    func removeMachine(_ name: String, for caller: Caller) async throws(Refusal) -> LossReport
    /// Sends a rejected target once more.
    func retryMachine(_ name: String, for caller: Caller) async throws(Refusal) -> MachineView
    func groups(for caller: Caller) async throws(Refusal) -> [GroupView]
    func addGroup(_ request: GroupRequest, for caller: Caller) async throws(Refusal) -> GroupView
    func invite(_ request: InvitationRequest, for caller: Caller) async throws(Refusal) -> InvitationView

    // MARK: Settings

    /// What is set at one level, in the caller's view: committed, with the caller's uncommitted edits over it.
    func show(_ query: SettingsQuery, for caller: Caller) async throws(Refusal) -> [SetEntry]
    /// What a machine gets by what is committed, and from which level.
    func effective(_ query: EffectiveQuery, for caller: Caller) async throws(Refusal) -> [EffectiveView]
    /// Takes edits into the caller's uncommitted changes, all or none.
    func edit(_ request: EditRequest, for caller: Caller) async throws(Refusal) -> EditSummary
    /// Sets an inherited entry at a narrower level, as a copy or from nothing (mission A4).
    func override(_ request: OverrideRequest, for caller: Caller) async throws(Refusal) -> EditSummary
    /// Copies or moves an entry between levels, as edits.
    func copy(_ request: CopyRequest, for caller: Caller) async throws(Refusal) -> EditSummary

    // MARK: Changes

    /// The caller's uncommitted changes, in the order in which they were made.
    func changes(for caller: Caller) async throws(Refusal) -> [ChangeView]
    func discard(_ query: DiscardQuery, for caller: Caller) async throws(Refusal) -> DiscardSummary
    /// Commits the caller's uncommitted changes, all or nothing. Repeating a commit with its change set answers the first result.
    func commit(_ request: CommitRequest, for caller: Caller) async throws(Refusal) -> CommitView
    /// Takes a cluster document in: the (level, section) pairs that it names are replaced, the rest stays.
    func apply(_ request: ApplyRequest, for caller: Caller) async throws(Refusal) -> ApplyView
    /// Everything that is committed, as a document that ``apply(_:for:)`` takes. Certificates are masked, unless a password is given, under
    /// which their keys are sealed: administrators only, and written down in the log first (mission B9, D12).
    func save(_ request: SaveRequest, for caller: Caller) async throws(Refusal) -> SavedDocument
    /// The newest first.
    func history(_ page: Page, for caller: Caller) async throws(Refusal) -> [RevisionView]

    // MARK: Certificates

    /// The certificates of one level, or of every level when none is named; in the caller's view.
    func certificates(at level: Level?, for caller: Caller) async throws(Refusal) -> [CertificateView]
    func certificate(_ name: String, at level: Level, for caller: Caller) async throws(Refusal) -> CertificateView
    func createCertificate(_ request: CertificateCreation, for caller: Caller) async throws(Refusal) -> CertificateView
    func importCertificate(_ request: CertificateImport, for caller: Caller) async throws(Refusal) -> CertificateView
    func promoteCertificate(_ request: CertificatePromotion, for caller: Caller) async throws(Refusal) -> CertificateView
    /// A request for the key of a committed certificate, to be signed by an authority (mission D2). Refused before the commit.
    func certificateRequest(_ name: String, at level: Level, for caller: Caller) async throws(Refusal) -> CertificateRequestView
    /// Takes in what an authority sent, as an edit (mission D3). The key stays.
    func uploadCertificate(_ request: CertificateUpload, for caller: Caller) async throws(Refusal) -> CertificateView
    /// A committed certificate with its key; administrators only, and written down in the log first (mission D5, D12).
    func exportCertificate(_ request: CertificateExport, for caller: Caller) async throws(Refusal) -> ExportedCertificate
    /// What every machine's services should serve, were seen to serve, and what there is to say of it; by machine and service.
    func checkCertificates(for caller: Caller) async throws(Refusal) -> [ServiceCheck]
    /// What uses a level's certificate, in the caller's view (mission D8).
    func certificateUses(_ name: String, at level: Level, for caller: Caller) async throws(Refusal) -> [CertificateUse]
    /// Takes a level's certificate away, as an edit. Refused with ``Refusal/Code/inUse`` while a service would be left without one.
    func deleteCertificate(_ name: String, at level: Level, for caller: Caller) async throws(Refusal) -> EditSummary

    // MARK: The log

    /// The log's entries after a position, the oldest first.
    func audit(_ page: Page, for caller: Caller) async throws(Refusal) -> [AuditView]
    /// Reads the whole log again and checks every hash and seal.
    func verifyAudit(for caller: Caller) async throws(Refusal) -> AuditVerification
}
