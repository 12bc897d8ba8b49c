package import AdminContract
package import ClusterModel

extension AdminDesk {
    package func checkConsistency(_ request: ConsistencyRequest, for caller: Caller) async throws(Refusal) -> [ConsistencyView] {
        let state = await seen(by: caller)
        guard let name = request.machine else { return await consistency.check(Array(state.memberships.values), in: state) }
        return await consistency.check([try await seenMachine(name, by: caller)], in: state)
    }

    package func repairMachine(_ name: String, _ request: RepairRequest, for caller: Caller) async throws(Refusal) -> RepairView {
        try await require(.operator, at: [.machine(name)], of: caller)
        let machine = try await ledger.state.machine(name)
        switch request.keep {
        case .cluster:
            try await requireFollowing(machine)
            return try await consistency.keepCluster(machine)
        case .machine: return try await keepMachine(machine, for: caller)
        }
    }

    /// Refuses where nothing would be sent: a machine that is apart, or that has edits of its own to decide.
    private func requireFollowing(_ machine: Membership) async throws(Refusal) {
        let name = machine.machine
        guard machine.disconnection == nil else {
            throw Refusal(.conflict, "\(name) is disconnected, and gets nothing until it is back: muster machine reconnect \(name)")
        }
        let configuration = await ledger.state.configuration(of: machine)
        let undecided = try await fleet.localEdits.edits(of: machine.id).undecided(for: configuration)
        guard undecided.isEmpty else {
            throw Refusal(
                .conflict, "\(name) has edits of its own to decide, and keeps what it runs until then: muster machine conflicts \(name)")
        }
    }

    /// Takes what the machine has into the caller's uncommitted changes, as far as it can be taken.
    private func keepMachine(_ machine: Membership, for caller: Caller) async throws(Refusal) -> RepairView {
        let held = try await consistency.held(by: machine)
        guard held.wanted.contains(where: { $0.refusal == nil }) else {
            return RepairView(machine: machine.machine, outcome: .nothing, reasons: held.reasons)
        }
        let summary = try await submit(for: caller) { view, committed throws(Refusal) in
            held.wanted.compactMap { wanted -> Edit? in
                guard wanted.refusal == nil else { return nil }
                let (section, entry) = (wanted.name.section, wanted.name.entry)
                guard let value = wanted.value else {
                    // What no wider level sets is gone when the machine's own level says nothing of it.
                    let isInherited = view.inherits(section, entry, at: machine)
                    return isInherited
                        ? Edit(layer: machine.id.layer, section: section, entry: entry, change: .hide, in: committed)
                        : Edit(removing: section, entry, at: machine.id.layer, in: committed)
                }
                return Edit(setting: value, section, entry, at: machine.id.layer, in: committed)
            }
        }
        return RepairView(machine: machine.machine, outcome: .taken, reasons: held.reasons, changes: summary.changes)
    }
}

extension MembershipID {
    fileprivate var layer: LayerID { .machine(self) }
}

extension ClusterState {
    /// Whether a machine would get an entry if its own level said nothing of it.
    fileprivate func inherits(_ section: SectionName, _ entry: String, at machine: Membership) -> Bool {
        inheritedSettings(of: machine.group).configuration(machine: Layer(), membership: machine.id)[section, entry] != nil
    }
}
