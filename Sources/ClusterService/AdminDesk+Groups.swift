package import AdminContract
package import ClusterModel

extension AdminDesk {
    package func groups(for caller: Caller) async throws(Refusal) -> [GroupView] {
        let state = await seen(by: caller)
        return state.groups.values.map { GroupView(name: $0.name, machines: state.machines(in: $0.id)) }.sorted { $0.name < $1.name }
    }

    package func addGroup(_ request: GroupRequest, for caller: Caller) async throws(Refusal) -> GroupView {
        try await require(.administrator, of: caller)
        let name = try NameRule.plain.check(request.name, as: "The group name")
        var generator = SystemRandomNumberGenerator()
        let id = GroupID(rawValue: randomIdentifier(using: &generator))
        try await ledger.append(by: caller.user) { state, _ throws(Refusal) in
            try Lookalikes.check(name, of: "group", among: state.groups.values.lazy.map(\.name))
            return .groupAdded(GroupAdded(group: id, name: name))
        }
        return GroupView(name: name, machines: [])
    }

    package func renameGroup(_ former: String, _ request: RenameRequest, for caller: Caller) async throws(Refusal) -> GroupView {
        try await require(.administrator, of: caller)
        let name = try NameRule.plain.check(request.name, as: "The group name")
        let id = try await ledger.state.group(former).id
        let after = try await ledger.append(by: caller.user) { state, _ throws(Refusal) in
            guard let group = state.groups[id] else { throw Refusal(.notFound, "\(former) was deleted by somebody else at this moment.") }
            if group.name == name { return nil }
            try Lookalikes.check(name, of: "group", among: state.groups.values.lazy.filter { $0.id != id }.map(\.name))
            return .groupRenamed(GroupRenamed(group: id, former: group.name, name: name))
        }
        return GroupView(name: after.groups[id]?.name ?? name, machines: after.machines(in: id))
    }

    package func loss(deletingGroup name: String, for caller: Caller) async throws(Refusal) -> GroupDeletion {
        let state = await ledger.state
        let group = try state.group(name)
        try caller.mandate.check(.readOnly, at: .group(group.id), in: state)
        var deletion = self.deletion(of: group, in: state)
        do throws(Refusal) { try state.checkDeletion(of: group.id) } catch { deletion.problems = [error.reason] }
        return deletion
    }

    package func deleteGroup(_ name: String, for caller: Caller) async throws(Refusal) -> GroupDeletion {
        try await require(.administrator, of: caller)
        let before = await ledger.state
        let id = try before.group(name).id
        try await ledger.append(by: caller.user) { state, _ throws(Refusal) in
            guard let group = state.groups[id] else { throw Refusal(.notFound, "\(name) was deleted by somebody else at this moment.") }
            return .groupDeleted(GroupDeleted(group: id, name: group.name, loss: LossReport.deleting(group)))
        }
        return deletion(of: try before.group(name), in: before)
    }

    private func deletion(of group: Group, in state: ClusterState) -> GroupDeletion {
        let loss = LossReport.deleting(group)
        return GroupDeletion(
            name: group.name, certificates: loss.certificates, settings: loss.settings,
            invitations: state.openInvitations(to: group.id, at: certificateDesk.now()).map {
                OpenInvitation(id: $0.id, expires: $0.expires)
            })
    }
}
