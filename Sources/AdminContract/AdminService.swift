package import ClusterModel

/// Who asks: a user by name, with the role that decides what may be asked, and where it holds.
package struct Caller: Hashable, Sendable, Codable {
    package var user: String
    package var role: Role
    /// The group that the role is limited to; nil for the whole cluster.
    package var group: GroupID?

    package init(user: String, role: Role, group: GroupID? = nil) {
        self.user = user
        self.role = role
        self.group = group
    }

    package var mandate: Mandate { Mandate(user: user, role: role, group: group) }
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

    // MARK: Users

    func users(for caller: Caller) async throws(Refusal) -> [UserView]
    func addUser(_ request: UserRequest, for caller: Caller) async throws(Refusal) -> UserView
    /// Ends the user's tokens at once. The last administrator stays.
    func removeUser(_ name: String, for caller: Caller) async throws(Refusal) -> UserRemoval
    func createToken(_ request: TokenRequest, for caller: Caller) async throws(Refusal) -> TokenView

    // MARK: Machines and groups

    /// Sorted by name, as is every list here that states no other order.
    func machines(for caller: Caller) async throws(Refusal) -> [MachineView]
    func machine(_ name: String, for caller: Caller) async throws(Refusal) -> MachineView
    /// What removing a machine would lose; removes nothing.
    func loss(removing machine: String, for caller: Caller) async throws(Refusal) -> LossReport
    /// Moves a machine to another group, at once; its target becomes what that group gives it. Refused when it would not hold
    /// together there.
    func moveMachine(_ name: String, _ request: MoveRequest, for caller: Caller) async throws(Refusal) -> MoveView
    /// Gives a machine another name in the cluster, at once; nothing changes for the machine.
    func renameMachine(_ former: String, _ request: RenameRequest, for caller: Caller) async throws(Refusal) -> MachineView
    /// Answers when the removal is in the log; never waits for the machine. With `archive`, what is set at the machine's level is kept,
    /// sealed; without, it ends with the membership (mission C5).
    func removeMachine(_ name: String, archive: Bool, for caller: Caller) async throws(Refusal) -> MachineRemoval
    /// The newest first.
    func archives(for caller: Caller) async throws(Refusal) -> [ArchiveView]
    /// Gives an archive up, named by its id or enough of its first digits.
    func forgetArchive(_ id: String, for caller: Caller) async throws(Refusal) -> ArchiveView
    /// Puts an archived level back at a machine that is in the cluster again, into the caller's uncommitted changes. Network settings are
    /// excepted.
    func restoreMachine(_ name: String, _ request: RestoreRequest, for caller: Caller) async throws(Refusal) -> RestoreView
    /// Sends a rejected target once more.
    func retryMachine(_ name: String, for caller: Caller) async throws(Refusal) -> MachineView
    /// Keeps a machine from following, at once: it stays a member and keeps its layer, and what is committed meanwhile waits (mission C7).
    func disconnectMachine(_ name: String, for caller: Caller) async throws(Refusal) -> MachineView
    /// Lets a machine follow again. While there are edits of its own to decide, it keeps what it serves.
    func reconnectMachine(_ name: String, for caller: Caller) async throws(Refusal) -> MachineView
    /// What was edited on a machine itself while it was disconnected and is not decided, by section and entry.
    func localConflicts(of machine: String, for caller: Caller) async throws(Refusal) -> [LocalConflictView]
    /// Takes the machine's version of entries into the caller's uncommitted changes, at the machine's level.
    func takeLocalEdits(_ choice: LocalConflictChoice, of machine: String, for caller: Caller) async throws(Refusal) -> EditSummary
    /// Gives the machine's version of entries up; answers what is left to decide.
    func dropLocalEdits(_ choice: LocalConflictChoice, of machine: String, for caller: Caller) async throws(Refusal) -> [LocalConflictView]
    /// Lets a machine return, once, although its certificate expired.
    func readmitMachine(_ name: String, _ request: ReadmissionRequest, for caller: Caller) async throws(Refusal) -> ReadmissionView
    /// What every machine (or one) really holds against what the cluster holds for it. Machines are asked, so it takes a while; one that
    /// does not answer in time is among those that were not compared.
    func checkConsistency(_ request: ConsistencyRequest, for caller: Caller) async throws(Refusal) -> [ConsistencyView]
    /// Puts a difference right in one direction or the other. Commits nothing.
    func repairMachine(_ name: String, _ request: RepairRequest, for caller: Caller) async throws(Refusal) -> RepairView
    func groups(for caller: Caller) async throws(Refusal) -> [GroupView]
    func addGroup(_ request: GroupRequest, for caller: Caller) async throws(Refusal) -> GroupView
    func renameGroup(_ former: String, _ request: RenameRequest, for caller: Caller) async throws(Refusal) -> GroupView
    /// What deleting a group would lose, and why it would be refused; deletes nothing.
    func loss(deletingGroup name: String, for caller: Caller) async throws(Refusal) -> GroupDeletion
    /// Deletes a group and what is set for it, at once. Refused while machines are in it, while a role is limited to it, and for the
    /// last one.
    func deleteGroup(_ name: String, for caller: Caller) async throws(Refusal) -> GroupDeletion
    func invite(_ request: InvitationRequest, for caller: Caller) async throws(Refusal) -> InvitationView
    /// The machines that wait to be let in, the oldest request first.
    func joinRequests(for caller: Caller) async throws(Refusal) -> [JoinRequestView]
    /// Lets one of them in, or turns it away; on one that is let in, the decision is on its key, which must be named.
    func decideJoin(_ decision: JoinDecision, for caller: Caller) async throws(Refusal) -> JoinRequestView

    // MARK: The cluster's CA

    func ca(for caller: Caller) async throws(Refusal) -> CAView
    /// Takes a step; refused while machines have not confirmed what it needs, each named.
    func rotateCA(_ request: CARequest, for caller: Caller) async throws(Refusal) -> CAView

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

    /// The caller's uncommitted changes, in the order in which they were made. What stands against them counts as shown from now on.
    func changes(for caller: Caller) async throws(Refusal) -> [ChangeView]
    /// What committing them would do to which machines, and why it would be refused.
    func previewChanges(for caller: Caller) async throws(Refusal) -> ChangesPreview
    /// Keeps edits over what others committed meanwhile; refused for what the caller was not shown before. Answers the edits kept.
    func keep(_ request: KeepRequest, for caller: Caller) async throws(Refusal) -> [ChangeView]
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
    func diff(_ query: DiffQuery, for caller: Caller) async throws(Refusal) -> DiffView
    /// Commits a new revision with the settings of an earlier one (mission B5). Refused while the caller has uncommitted changes.
    func rollback(_ request: RollbackRequest, for caller: Caller) async throws(Refusal) -> CommitView

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
    /// Whether those who send mail to a domain can verify whom they reach (mission D9). The manager asks DNS; refused with
    /// ``Refusal/Code/lookup`` when no answer comes, with ``Refusal/Code/limit`` when it is asked too often.
    func checkMailExchange(_ request: MailExchangeRequest, for caller: Caller) async throws(Refusal) -> MailExchangeView
    /// What uses a level's certificate, in the caller's view (mission D8).
    func certificateUses(_ name: String, at level: Level, for caller: Caller) async throws(Refusal) -> [CertificateUse]
    /// Takes a level's certificate away, as an edit. Refused with ``Refusal/Code/inUse`` while a service would be left without one.
    func deleteCertificate(_ name: String, at level: Level, for caller: Caller) async throws(Refusal) -> EditSummary

    /// How a level's certificate is renewed under another name, and how far that has come (mission D13). Changes nothing: what it lists
    /// is submitted and committed as everything is.
    func renewal(_ query: RenewalQuery, for caller: Caller) async throws(Refusal) -> RenewalView

    // MARK: Alerts

    /// The alerts that hold, the gravest first; with `all`, those that are over behind them, the newest first.
    func alerts(all: Bool, for caller: Caller) async throws(Refusal) -> [AlertView]
    /// Notes that the caller has seen alerts, all of them or none.
    func acknowledgeAlerts(_ request: AlertAcknowledgement, for caller: Caller) async throws(Refusal) -> [AlertView]

    // MARK: Authorities

    /// The authorities of one level, or of every level when none is named; in the caller's view. Where the cluster says nothing of the
    /// operating system's list, what that means is listed.
    func authorities(at level: Level?, for caller: Caller) async throws(Refusal) -> [AuthorityView]
    func authority(_ name: String, at level: Level, for caller: Caller) async throws(Refusal) -> AuthorityView
    /// Takes a list in, as an edit (mission D11). What is no authority's certificate is refused; all else is answered as findings.
    func addAuthorities(_ request: AuthorityAddition, for caller: Caller) async throws(Refusal) -> AuthorityView
    /// Trusts the operating system's list at a level or not, as an edit.
    func trustSystem(_ request: SystemTrust, for caller: Caller) async throws(Refusal) -> AuthorityView
    /// Takes a level's word on authorities back, as an edit, and says what shows through.
    func removeAuthorities(_ name: String, at level: Level, for caller: Caller) async throws(Refusal) -> AuthorityRemoval

    // MARK: The log

    /// The log's entries after a position, the oldest first.
    func audit(_ page: Page, for caller: Caller) async throws(Refusal) -> [AuditView]
    /// Changes that were refused, the newest last; only so many are kept.
    func refusedAttempts(for caller: Caller) async throws(Refusal) -> [RefusedAttempt]
    /// Keeps that a request of the caller's was refused. `what` names it without its values.
    func note(refused refusal: Refusal, _ what: String, of caller: Caller) async
    /// Reads the whole log again and checks every hash and seal.
    func verifyAudit(for caller: Caller) async throws(Refusal) -> AuditVerification
}

extension AdminService {
    /// The same without an archive, as it is unless somebody asks for one.
    package func removeMachine(_ name: String, for caller: Caller) async throws(Refusal) -> MachineRemoval {
        try await removeMachine(name, archive: false, for: caller)
    }
}
