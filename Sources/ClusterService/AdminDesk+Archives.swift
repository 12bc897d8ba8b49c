package import AdminContract
package import ClusterModel

// Removal with an archive, and the way back (mission C4 to C6).
extension AdminDesk {
    package func loss(removing machine: String, for caller: Caller) async throws(Refusal) -> LossReport {
        let membership = try await seenMachine(machine, by: caller)
        let state = await ledger.state
        return try await outdatedKeys(of: membership, in: state).added(
            to: LossReport.removing(membership, configuration: state.configuration(of: membership)))
    }

    /// The keys of the cluster's and its group's certificates that a machine which has not applied the newest settings still has.
    private func outdatedKeys(of membership: Membership, in state: ClusterState) async throws(Refusal) -> OutdatedKeys {
        guard let applied = fleet.applied(by: membership.id), applied.revision < state.revision,
            applied.digest != state.configuration(of: membership).digest
        else { return OutdatedKeys() }
        let then = try await ledger.state(at: applied.revision)
        guard let former = then.memberships[membership.id] else { return OutdatedKeys() }
        return OutdatedKeys(certificates: LossReport.removing(former, configuration: then.configuration(of: former)).keysLeftBehind)
    }

    private struct OutdatedKeys: Sendable {
        var certificates: [LostCertificate] = []

        func added(to report: LossReport) -> LossReport {
            var report = report
            let known = Set(report.keysLeftBehind.map(\.fingerprint))
            report.keysLeftBehind += certificates.filter { !known.contains($0.fingerprint) }
            return report
        }
    }

    package func removeMachine(_ name: String, archive: Bool, for caller: Caller) async throws(Refusal) -> MachineRemoval {
        try await require(.administrator, at: [.machine(name)], of: caller)
        let wanted = try await ledger.state.machine(name)
        for _ in 0..<ChangeDesk.attempts {
            let before = await ledger.state
            guard let membership = before.memberships[wanted.id] else {
                throw Refusal(.notFound, "\(name) was removed by somebody else at this moment.")
            }
            let outdated = try await outdatedKeys(of: membership, in: before)
            let note = archive ? try await keep(membership) : nil
            let after = try await ledger.append(by: caller.user) { state, _ throws(Refusal) in
                guard let newest = state.memberships[wanted.id] else {
                    throw Refusal(.notFound, "\(name) was removed by somebody else at this moment.")
                }
                // What was sealed must be what ends here: after a commit in between, it is sealed again.
                if archive, ArchivedLayer(of: newest) != ArchivedLayer(of: membership) { return nil }
                let loss = LossReport.removing(newest, configuration: state.configuration(of: newest))
                return .machineRemoved(MachineRemoved(membership: newest.id, loss: outdated.added(to: loss), archive: note))
            }
            guard after.memberships[wanted.id] != nil else {
                return MachineRemoval(
                    loss: outdated.added(to: LossReport.removing(membership, configuration: before.configuration(of: membership))),
                    archive: note.flatMap { after.archives[$0.digest] }.map(ArchiveView.init))
            }
        }
        throw Refusal(.conflict, "Others are changing the settings of \(name) at this moment. Try again.")
    }

    /// Seals what is set at a machine's level; nil when there is nothing that a restore could put back.
    private func keep(_ membership: Membership) async throws(Refusal) -> ArchiveNote? {
        let content = ArchivedLayer(of: membership)
        let entries = content.restorable
        guard entries > 0 else { return nil }
        let bytes = try content.bytes()
        guard bytes.count <= Limits.archiveBytes else {
            throw Refusal(
                .limit,
                "Nothing was removed: what is set at machine/\(membership.machine) has \(bytes.count) bytes, and an archive takes \(Limits.archiveBytes). "
                    + "Keep it as a document (muster save), and remove the machine without --archive.")
        }
        return ArchiveNote(digest: try await vault.store(archive: bytes), machine: membership.machine, entries: entries)
    }

    package func archives(for caller: Caller) async throws(Refusal) -> [ArchiveView] {
        await seen(by: caller).allArchives.map(ArchiveView.init)
    }

    package func forgetArchive(_ id: String, for caller: Caller) async throws(Refusal) -> ArchiveView {
        try await requireSomewhere(.administrator, of: caller)
        let archive = try await seen(by: caller).archive(id)
        try await ledger.append(by: caller.user) { _, _ throws(Refusal) in
            .archiveForgotten(ArchiveForgotten(digest: archive.note.digest, machine: archive.note.machine))
        }
        // The log no longer names it: if this fails, what is left over is sealed, and nobody finds it.
        try? await vault.deleteArchive(archive.note.digest)
        return ArchiveView(archive)
    }

    package func restoreMachine(_ name: String, _ request: RestoreRequest, for caller: Caller) async throws(Refusal) -> RestoreView {
        try await require(.operator, at: [.machine(name)], of: caller)
        let state = await seen(by: caller)
        let machine = try state.machine(name)
        let archive: Archive
        if let id = request.archive {
            archive = try state.archive(id)
        } else {
            archive = try state.archive(ofMachine: request.from ?? name)
        }
        let content = try ArchivedLayer(bytes: try await vault.archive(archive.note.digest))
        let view = try await view(of: caller)
        let restoration = Restoration(of: content, at: machine, view: view, committed: state)
        let missing = try await missingMaterial(of: restoration.edits)
        guard missing.isEmpty else {
            throw Refusal(
                .notFound,
                "Nothing was restored: the archive has certificates whose keys or chains are not in the store any more. Restore a backup that has them.",
                details: missing)
        }
        let summary = try await submit(for: caller) { view, committed throws(Refusal) in
            Restoration(of: content, at: machine, view: view, committed: committed).edits
        }
        return RestoreView(
            machine: machine.machine, archive: ArchiveView(archive), entries: restoration.entries, uncommitted: summary.uncommitted,
            notices: restoration.notices)
    }
}

extension ArchiveView {
    fileprivate init(_ archive: Archive) {
        self.init(
            id: archive.id, machine: archive.note.machine, time: archive.time, by: archive.author, entries: archive.note.entries)
    }
}
