import Certificates
import ClusterModel

/// Replaces the cluster's CA, step by step.
///
/// What each step needs is decided by ``ClusterModel/Rotation``; here keys are made and steps are written down. What follows from a
/// step, every service takes from the state.
struct CADesk: Sendable {
    let ledger: Ledger
    let vault: KeyVault
    let now: WallClock

    /// Takes a step, refused while machines have not confirmed what it needs. `without` are machines that are not waited for.
    ///
    /// Answers the state after it, and the open invitations that it ended.
    func take(
        _ move: Rotation.Move, without names: [String] = [], records: @Sendable () -> [MembershipID: MachineRecord], by user: String
    ) async throws(Refusal) -> (state: ClusterState, ended: [String]) {
        let before = await ledger.state
        guard names.isEmpty || move == .activate else {
            throw Refusal(
                .invalid,
                "Only \"activate\" can go on without machines: they return and catch up. After \"\(move.rawValue)\" they could not. Remove "
                    + "those that never come back: muster machine remove NAME")
        }
        var without: Set<MembershipID> = []
        for name in names { without.insert(try before.machine(name).id) }
        try check(move, before, without, records())
        let prepared = move == .prepare ? try await prepare(for: before) : nil
        let passedOver = without
        let after = try await ledger.append(by: user) { state, _ throws(Refusal) in
            let known = records()
            try check(move, state, passedOver, known)
            let absent = try state.rotationOrRefusal().absentees(of: state.memberships.values, records: known).map(\.membership)
            return .caRotated(CARotated(move, prepared: prepared, without: absent.filter(passedOver.contains)))
        }
        let ended = move == .retire ? before.endedByRetirement.filter { after.invitations[$0] == nil } : []
        return (after, ended)
    }

    private func check(
        _ move: Rotation.Move, _ state: ClusterState, _ without: Set<MembershipID>, _ records: [MembershipID: MachineRecord]
    ) throws(Refusal) {
        try state.rotationOrRefusal().check(move, roster: state.memberships.values, records: records, without: without)
    }

    /// The next CA, its key in the vault before the log names it.
    private func prepare(for state: ClusterState) async throws(Refusal) -> ClusterCA {
        let authority: ClusterAuthority
        let key: PrivateKey
        do {
            authority = try ClusterAuthority.create(clusterID: state.clusterID, clusterName: state.cluster, now: now())
            key = try PrivateKey(pem: authority.keyPEM)
        } catch {
            throw Refusal(.unavailable, "No key or certificate can be made for the next CA.")
        }
        try await vault.store(key)
        return ClusterCA(certificate: authority.certificatePEM, key: key.facts.fingerprint)
    }
}
