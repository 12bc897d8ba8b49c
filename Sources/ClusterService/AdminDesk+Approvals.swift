package import AdminContract
package import ClusterModel

extension AdminDesk {
    /// Digits of a fingerprint that let a machine in: as many as tables show. Nobody finds a second key for them while an invitation is
    /// open.
    private static let fingerprintDigits = 12

    package func joinRequests(for caller: Caller) async throws(Refusal) -> [JoinRequestView] {
        let state = await seen(by: caller)
        return try await pending(for: caller).map { AdminDesk.view(of: $0, in: state) }
    }

    /// The requests that the caller sees: those with an invitation to a group that the caller sees.
    private func pending(for caller: Caller) async throws(Refusal) -> [PendingJoin] {
        let part = await seen(by: caller)
        return try await enrolment.pending(in: await ledger.state).filter { part.invitations[$0.invitation] != nil }
    }

    package func decideJoin(_ decision: JoinDecision, for caller: Caller) async throws(Refusal) -> JoinRequestView {
        try await requireSomewhere(.administrator, of: caller)
        let digits = decision.fingerprint?.count ?? 0
        guard !decision.approve || digits >= AdminDesk.fingerprintDigits else {
            throw Refusal(
                .invalid,
                "Give at least \(AdminDesk.fingerprintDigits) digits of the fingerprint, as the machine shows it: muster machine approve \(decision.machine) --fingerprint DIGITS"
            )
        }
        let state = await seen(by: caller)
        let pending = try ClusterState.pending(
            decision.machine, key: decision.fingerprint, among: try await pending(for: caller))
        try await ledger.append(by: caller.user) { _, _ throws(Refusal) in
            .joinDecided(
                JoinDecided(
                    invitation: pending.invitation, machine: pending.machine, identityKey: pending.identityKey, isApproved: decision.approve
                ))
        }
        return AdminDesk.view(of: pending, in: state)
    }

    private static func view(of pending: PendingJoin, in state: ClusterState) -> JoinRequestView {
        JoinRequestView(
            machine: pending.machine, group: state.invitations[pending.invitation].flatMap { state.groups[$0.group]?.name } ?? "",
            fingerprint: pending.identityKey, invitation: pending.invitation, time: pending.time, certificates: pending.certificates,
            settings: pending.settings)
    }
}
