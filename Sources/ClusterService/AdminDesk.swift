package import AdminContract
package import ClusterModel
package import Mail

/// The manager's services as administrators meet them: checks the role, asks one service, and answers in the API's values.
package final class AdminDesk: AdminService {
    let ledger: Ledger
    let desk: ChangeDesk
    let certificateDesk: CertificateDesk
    let authorityDesk: AuthorityDesk
    let enrolment: Enrolment
    let fleet: FleetService
    let verification: LogVerification
    let documents: DocumentDesk
    let alertDesk: AlertDesk
    let vault: KeyVault
    let lookups: Lookups
    let consistency: ConsistencyDesk

    package init(
        ledger: Ledger, desk: ChangeDesk, certificateDesk: CertificateDesk, enrolment: Enrolment, fleet: FleetService,
        vault: KeyVault, verification: LogVerification, alertDesk: AlertDesk, lookups: Lookups = Lookups()
    ) {
        self.ledger = ledger
        self.desk = desk
        self.certificateDesk = certificateDesk
        self.enrolment = enrolment
        self.fleet = fleet
        self.verification = verification
        self.alertDesk = alertDesk
        self.vault = vault
        self.lookups = lookups
        consistency = ConsistencyDesk(ledger: ledger, fleet: fleet, vault: vault)
        authorityDesk = AuthorityDesk(changes: desk, vault: vault, now: certificateDesk.now)
        documents = DocumentDesk(certificates: certificateDesk, authorities: authorityDesk, vault: vault)
    }

    package func whoAmI(_ caller: Caller) async throws(Refusal) -> CallerView {
        let state = await ledger.state
        return CallerView(user: caller.user, role: caller.role, group: caller.group.flatMap(state.name), cluster: state.cluster)
    }

    package func status(for caller: Caller) async throws(Refusal) -> ClusterStatus {
        let state = await seen(by: caller)
        let changes = try await desk.changes(of: caller.user)
        return ClusterStatus(
            cluster: state.cluster, clusterID: state.clusterID, revision: state.revision, position: state.head.position,
            machines: try await fleet.views(of: state), uncommitted: changes.edits.count,
            notices: (fleet.outdated.map { [$0] } ?? []) + AdminDesk.notices(of: state)
                + AdminDesk.expiryNotices(of: state, at: certificateDesk.now())
                + AdminDesk.authorityNotices(of: state, at: authorityDesk.now()) + ledger.agents.notices(of: state),
            alerts: try await alertSummary(for: caller))
    }

    /// Every level's certificates that expired or expire soon, one line for each (mission D10).
    private static func expiryNotices(of state: ClusterState, at now: Timestamp) -> [String] {
        levels(of: state).flatMap { level -> [String] in
            // A level that the state itself lists is one that it has.
            guard let id = try? state.layerID(of: level), let layer = state.layer(id) else { return [] }
            return layer[.certificates].entries.sorted { $0.key < $1.key }.flatMap { name, entry -> [String] in
                // What does not read was refused before it was stored.
                guard let value = entry.state.value, let setting = try? CertificateSetting(value) else { return [] }
                let codes: Set<CertificateFinding.Code> = [.expired, .expiresSoon, .notYetValid]
                return setting.findings(at: now).filter { codes.contains($0.code) }.map { "certificate \(name) at \(level): \($0.text)" }
            }
        }
    }

    /// What machines' configurations have to say, one line each.
    static func notices(of state: ClusterState) -> [String] {
        state.findings().map { "machine \($0.machine): \($0.finding.entry): \($0.finding.text)" } + state.idleOverrides()
    }
}

// MARK: - Machines and groups

extension AdminDesk {
    package func machines(for caller: Caller) async throws(Refusal) -> [MachineView] {
        try await fleet.views(of: await seen(by: caller))
    }

    package func machine(_ name: String, for caller: Caller) async throws(Refusal) -> MachineView {
        let machine = try await seenMachine(name, by: caller)
        let state = await ledger.state
        guard let view = try await fleet.views(of: state).first(where: { $0.name == machine.machine }) else {
            throw Refusal(.notFound, "There is no machine \"\(name)\" in the cluster.")
        }
        return view
    }

    package func retryMachine(_ name: String, for caller: Caller) async throws(Refusal) -> MachineView {
        try await require(.operator, at: [.machine(name)], of: caller)
        await fleet.retry(try await ledger.state.machine(name).id)
        return try await machine(name, for: caller)
    }

    package func invite(_ request: InvitationRequest, for caller: Caller) async throws(Refusal) -> InvitationView {
        // Who looks after one group invites into that.
        let before = await ledger.state
        let wanted = request.group ?? caller.group.flatMap(before.name)
        try await require(.administrator, at: wanted.map { [.group($0)] } ?? [], of: caller)
        let token = try await enrolment.invite(
            by: caller.user, group: wanted, seconds: request.expiresSeconds, machine: request.machine,
            approval: request.approval ?? false)
        let state = await ledger.state
        let group = state.invitations[token.id].flatMap { state.groups[$0.group]?.name } ?? ""
        return InvitationView(invitation: token.text, id: token.id, group: group, expires: token.expires, machine: request.machine)
    }
}

// MARK: - The log

extension AdminDesk {
    package func audit(_ page: Page, for caller: Caller) async throws(Refusal) -> [AuditView] {
        try await require(.readOnly, of: caller)
        return try await verification.list(after: page.after ?? 0, limit: min(page.limit, Page.standardLimit), state: ledger.state)
    }

    package func refusedAttempts(for caller: Caller) async throws(Refusal) -> [RefusedAttempt] {
        try await require(.readOnly, of: caller)
        return try await fleet.refusals.attempts()
    }

    package func note(refused refusal: Refusal, _ what: String, of caller: Caller) async {
        await fleet.refusals.note(refusal, what, by: caller.user)
    }

    package func verifyAudit(for caller: Caller) async throws(Refusal) -> AuditVerification {
        try await require(.readOnly, of: caller)
        return try await verification.verify()
    }
}
