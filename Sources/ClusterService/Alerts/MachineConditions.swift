import ClusterModel
import Replication
import Synchronization

// Mission G3: what people must hear of about machines, from what the publisher knows of them.
extension FleetService {
    /// The kinds of alert that are about what machines say, or do not say.
    static let alertKinds: [Alert.Kind] = [.drift, .driftMended, .machineOffline, .revisionRejected]

    /// Machines whose word is held against what they applied before others get the publisher: some milliseconds.
    private static let judgedAtOnce = 200

    /// Everything that holds of those kinds, given what was told of before.
    func alertConditions(of state: ClusterState, told: [Alert]) -> [Alert.Kind: [AlertCondition]] {
        // In parts, so that members are heard in between.
        while inner.withLock({ $0.publisher.judgeDrift(atMost: FleetService.judgedAtOnce) }) {}
        let standing = Dictionary(grouping: told.map(\.condition), by: \.kind)
        func members(_ kind: Alert.Kind) -> Set<MembershipID> {
            Set((standing[kind] ?? []).map { MembershipID(rawValue: $0.subject) })
        }
        let (drift, troubles) = inner.withLock { inner in
            inner.publisher.uptime = uptime().components.seconds
            return (
                inner.publisher.drift(),
                inner.publisher.troubles(toldOf: members(.machineOffline), rejected: members(.revisionRejected), now: now())
            )
        }
        func conditions<Trouble>(
            _ found: [MembershipID: Trouble], _ condition: (Membership, Trouble) -> AlertCondition
        ) -> [AlertCondition] {
            found.compactMap { id, trouble in state.memberships[id].map { condition($0, trouble) } }
        }
        return [
            .drift: conditions(drift) { AlertCondition(.drift, of: $0, reasons: $1) },
            .driftMended: conditions(troubles.mended) { AlertCondition(mendOf: $0, $1) },
            .machineOffline: conditions(troubles.away) { AlertCondition(absenceOf: $0, $1) },
            .revisionRejected: conditions(troubles.rejected) { AlertCondition(rejectionBy: $0, $1) }
                + (standing[.revisionRejected] ?? []).filter { troubles.unapplied.contains(MembershipID(rawValue: $0.subject)) },
        ]
    }

    /// Has alerts looked at when one is due although no machine spoke.
    func turnTroubles() {
        inner.withLock { inner in
            inner.publisher.uptime = uptime().components.seconds
            if inner.publisher.isTroubleDue(now: now()) { inner.watchers.tell() }
        }
    }
}

extension AlertCondition {
    /// Something about one machine. The first reasons are kept, and `last` behind them.
    fileprivate init(
        _ kind: Alert.Kind, of membership: Membership, stage: Int = 0, severity: Alert.Severity = .error, reasons: [String],
        last: String? = nil
    ) {
        let more = reasons.count - Limits.alertReasons
        self.init(
            kind: kind, subject: membership.id.rawValue, stage: stage, severity: severity, machine: membership.machine,
            reasons: reasons.prefix(Limits.alertReasons) + (more > 0 ? ["and \(more) more"] : []) + [last].compactMap(\.self))
    }

    /// Each mend is news, whoever has seen the one before.
    fileprivate init(mendOf membership: Membership, _ mend: Mend) {
        self.init(
            .driftMended, of: membership, stage: Int(mend.heard.seconds), severity: .warning, reasons: mend.reasons,
            last: "mended by the machine itself at \(mend.time)")
    }

    fileprivate init(absenceOf membership: Membership, _ absence: Troubles.Absence) {
        let objections = [absence.objection].compactMap(\.self)
        self.init(.machineOffline, of: membership, reasons: objections + ["it was last heard of at \(absence.lastHeard)"])
    }

    /// The refusal of another revision is news, whoever has seen that of the one before.
    fileprivate init(rejectionBy membership: Membership, _ receipt: Receipt) {
        guard case .rejected(let reasons) = receipt.outcome else {
            self.init(.revisionRejected, of: membership, stage: receipt.target.revision, reasons: [])
            return
        }
        self.init(
            .revisionRejected, of: membership, stage: receipt.target.revision,
            reasons: reasons.enumerated().map { $0 == 0 ? "revision \(receipt.target.revision): \($1)" : $1 })
    }
}
