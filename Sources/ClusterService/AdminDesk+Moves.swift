package import AdminContract
package import ClusterModel

extension AdminDesk {
    package func moveMachine(_ name: String, _ request: MoveRequest, for caller: Caller) async throws(Refusal) -> MoveView {
        let before = await ledger.state
        let membership = try await self.membership(name, administeredBy: caller, in: before)
        let target = try before.group(request.group)
        try caller.mandate.check(.administrator, at: .group(target.id), in: before)
        if request.preview { return try preview(of: membership, to: target, in: before) }
        // It would reach nobody, and would have to be given up or done again.
        if let reason = fleet.outdated { throw Refusal(.conflict, "Nothing was moved. \(reason)") }
        let after = try await ledger.append(by: caller.user) { state, _ throws(Refusal) in
            try state.move(membership.id, to: target.id).map(ClusterEvent.machineMoved)
        }
        return view(of: membership, to: target, from: before, to: after)
    }

    private func preview(of membership: Membership, to target: Group, in state: ClusterState) throws(Refusal) -> MoveView {
        let event = MachineMoved(membership: membership.id, from: membership.group, group: target.id)
        let after = try state.moving(event)
        var view = self.view(of: membership, to: target, from: state, to: after)
        do throws(Refusal) {
            _ = try state.move(membership.id, to: target.id)
            try ledger.agents.check(from: state, to: after)
        } catch {
            view.problems = error.details.isEmpty ? [error.reason] : error.details
        }
        return view
    }

    private func view(of membership: Membership, to target: Group, from before: ClusterState, to after: ClusterState) -> MoveView {
        let machine = after.memberships[membership.id]?.machine ?? membership.machine
        let findings = after.memberships[membership.id].map { after.configuration(of: $0).findings() } ?? []
        return MoveView(
            machine: machine, from: before.groups[membership.group]?.name ?? "", to: target.name, position: after.head.position,
            machines: AdminDesk.impacts(from: before, to: after).filter { $0.machine == machine },
            notices: findings.filter { $0.severity == .notice }.map { "machine \(machine): \($0.entry): \($0.text)" })
    }

    package func renameMachine(_ former: String, _ request: RenameRequest, for caller: Caller) async throws(Refusal) -> MachineView {
        let name = try NameRule.plain.check(request.name, as: "The machine name")
        let id = try await membership(former, administeredBy: caller, in: ledger.state).id
        let after = try await ledger.append(by: caller.user) { state, _ throws(Refusal) in
            guard let membership = state.memberships[id] else {
                throw Refusal(.notFound, "\(former) was removed by somebody else at this moment.")
            }
            if membership.machine == name { return nil }
            try Lookalikes.check(name, of: "machine", among: state.memberships.values.lazy.filter { $0.id != id }.map(\.machine))
            return .machineRenamed(MachineRenamed(membership: id, former: membership.machine, name: name))
        }
        return try await machine(after.memberships[id]?.machine ?? name, for: caller)
    }

    /// A machine that the caller may decide about.
    func membership(_ name: String, administeredBy caller: Caller, in state: ClusterState) async throws(Refusal) -> Membership {
        let membership = try state.machine(name)
        try caller.mandate.check(.administrator, at: .machine(membership.id), in: state)
        return membership
    }
}
