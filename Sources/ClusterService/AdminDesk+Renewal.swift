package import AdminContract
package import ClusterModel

extension AdminDesk {
    package func renewal(_ query: RenewalQuery, for caller: Caller) async throws(Refusal) -> RenewalView {
        try await require(.readOnly, at: [query.level], of: caller)
        // At the cluster's level, a renewal walks through every group.
        if query.level == .cluster { try await require(.readOnly, of: caller) }
        let new = query.new ?? RenewalPlan.standardName(of: query.old, at: certificateDesk.now())
        try CertificateSetting.check(ownName: query.old)
        try CertificateSetting.check(ownName: new)
        try Section.certificates.check(entry: new, at: query.level.kind)
        guard new != query.old else {
            throw Refusal(
                .invalid,
                "The new certificate would have the name of the old one, \"\(new)\". Give another with --with NAME, or renew in place with muster cert import."
            )
        }
        let committed = await ledger.state
        let changes = try await desk.changes(of: caller.user)
        let layer = try committed.layerID(of: query.level)
        let plan = try RenewalPlan(renewing: query.old, with: new, at: layer, committed: committed, changes: changes)
        return try await view(of: plan, at: query.level, committed: committed, changes: changes)
    }

    private func view(
        of plan: RenewalPlan, at level: Level, committed: ClusterState, changes: UncommittedChanges
    ) async throws(Refusal) -> RenewalView {
        let view = try committed.applying(changes)
        let after = try view.applying(
            plan.entries.map { Edit(setting: $0.value, $0.subject.section, $0.subject.entry ?? "", at: $0.subject.layer, in: committed) })
        let names = Set(
            CertificateIndex(committed).hosts(of: plan.old, at: plan.layer) + CertificateIndex(after).hosts(of: plan.new, at: plan.layer)
        ).sorted()
        let new = try AdminDesk.certificate(plan.new, at: plan.layer, in: view)
        var answer = RenewalView(
            old: plan.old, new: plan.new, level: level, step: plan.step,
            oldFingerprint: try AdminDesk.certificate(plan.old, at: plan.layer, in: committed)?.leaf?.fingerprint,
            newFingerprint: new?.leaf?.fingerprint, names: names,
            findings: new?.findings(at: certificateDesk.now(), covering: names) ?? [],
            entries: plan.entries.compactMap { entry in
                committed.level(of: entry.subject.layer).map {
                    RenewalEntry(
                        level: $0, section: entry.subject.section, entry: entry.subject.entry ?? "", service: entry.service,
                        machines: entry.machines, patch: entry.patch, submitted: entry.isSubmitted)
                }
            }, overriding: plan.overriding, left: plan.overrides.compactMap(committed.level(of:)), obstacles: plan.obstacles,
            foreign: plan.foreign.map { edit in
                let level = view.level(of: edit.layer)?.description ?? "a level that ended"
                return "\(edit.section)\(edit.entry.map { "/\($0)" } ?? "") at \(level)"
            } + changes.groups.map { "the new group \($0.name)" })
        guard plan.step == .prove, let fingerprint = answer.newFingerprint else { return answer }
        answer.proof = RenewalProof(of: try await fleet.views(of: committed), certificate: plan.new, fingerprint: fingerprint)
        if answer.proof.isComplete { answer.step = .retire }
        return answer
    }

    private static func certificate(_ name: String, at layer: LayerID, in state: ClusterState) throws(Refusal) -> CertificateSetting? {
        guard let value = state.layer(layer)?[.certificates, name]?.state.value else { return nil }
        do throws(SettingError) { return try CertificateSetting(value) } catch { throw Refusal(.version, error.description) }
    }
}
