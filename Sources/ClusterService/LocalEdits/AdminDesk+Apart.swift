package import AdminContract
package import ClusterModel

// Machines that are disconnected on purpose, and what was edited on them meanwhile (mission C7).
extension AdminDesk {
    package func disconnectMachine(_ name: String, for caller: Caller) async throws(Refusal) -> MachineView {
        try await require(.administrator, at: [.machine(name)], of: caller)
        try await part(name, by: caller) { membership in
            membership.disconnection == nil ? .machineDisconnected(MachineDisconnected(membership: membership.id)) : nil
        }
        return try await machine(name, for: caller)
    }

    package func reconnectMachine(_ name: String, for caller: Caller) async throws(Refusal) -> MachineView {
        try await require(.administrator, at: [.machine(name)], of: caller)
        try await part(name, by: caller) { membership in
            membership.disconnection == nil ? nil : .machineReconnected(MachineReconnected(membership: membership.id))
        }
        return try await machine(name, for: caller)
    }

    /// Who asks for what is so already is answered as if it had been done now.
    private func part(_ name: String, by caller: Caller, _ event: @Sendable (Membership) -> ClusterEvent?) async throws(Refusal) {
        let wanted = try await ledger.state.machine(name)
        try await ledger.append(by: caller.user) { state, _ throws(Refusal) in
            guard let membership = state.memberships[wanted.id] else {
                throw Refusal(.notFound, "\(name) was removed by somebody else at this moment.")
            }
            return event(membership)
        }
    }

    package func localConflicts(of machine: String, for caller: Caller) async throws(Refusal) -> [LocalConflictView] {
        let membership = try await seenMachine(machine, by: caller)
        let state = await ledger.state
        let configuration = state.configuration(of: membership)
        let changes = try await desk.changes(of: caller.user)
        return try await conflicts(of: membership, configuration).map { edit in
            let held = configuration[edit.section, edit.name]
            let subject = Edit.Subject(layer: .machine(membership.id), section: edit.section, entry: edit.name)
            return LocalConflictView(
                section: edit.section, name: edit.name, change: edit.value == nil ? "remove" : "set", local: edit.value ?? .null,
                cluster: held?.value ?? .null, level: held.flatMap { state.level(of: $0.origin.layer) }, moved: held?.digest != edit.base,
                time: edit.time, uncommitted: changes.edit(of: subject) != nil)
        }
        .sorted { ($0.section, $0.name) < ($1.section, $1.name) }
    }

    package func takeLocalEdits(_ choice: LocalConflictChoice, of machine: String, for caller: Caller) async throws(Refusal) -> EditSummary
    {
        try await require(.operator, at: [.machine(machine)], of: caller)
        let (membership, edits) = try await chosen(choice, of: machine)
        try await fleet.localEdits.storeMaterial(of: edits, from: membership.id)
        return try await submit(for: caller) { view, committed throws(Refusal) in
            var taken: [Edit] = []
            for edit in edits {
                guard let change = try AdminDesk.change(taking: edit, of: membership, in: view) else { continue }
                taken.append(
                    Edit(layer: .machine(membership.id), section: edit.section, entry: edit.name, change: change, in: committed))
            }
            return taken
        }
    }

    package func dropLocalEdits(
        _ choice: LocalConflictChoice, of machine: String, for caller: Caller
    ) async throws(Refusal) -> [LocalConflictView] {
        try await require(.operator, at: [.machine(machine)], of: caller)
        let (membership, edits) = try await chosen(choice, of: machine)
        let ids = Set(edits.map(\.id))
        try await fleet.localEdits.drop(ids, of: membership.id)
        fleet.dropped(ids, of: membership.id)
        return try await localConflicts(of: machine, for: caller)
    }

    // MARK: - Decisions

    /// What of a machine's edits is undecided. While it is disconnected, all of it: more may come.
    private func conflicts(of membership: Membership, _ configuration: EffectiveConfiguration) async throws(Refusal) -> [LocalEdit] {
        let known = try await fleet.localEdits.edits(of: membership.id)
        return membership.disconnection == nil ? known.undecided(for: configuration) : known.edits
    }

    private func chosen(_ choice: LocalConflictChoice, of machine: String) async throws(Refusal) -> (Membership, [LocalEdit]) {
        let state = await ledger.state
        let membership = try state.machine(machine)
        guard membership.disconnection == nil else {
            throw Refusal(
                .conflict,
                "\(machine) is disconnected, and may be edited further. Decide when it is back: muster machine reconnect \(machine)")
        }
        let conflicts = try await conflicts(of: membership, state.configuration(of: membership))
        guard let entries = choice.entries else { return (membership, conflicts) }
        guard entries.count <= Limits.localEdits else { throw Refusal(.limit, "\(entries.count) entries; \(Limits.localEdits) are taken.") }
        var edits: [LocalEdit] = []
        for entry in Set(entries).sorted() {
            guard let edit = conflicts.first(where: { $0.path == entry }) else {
                throw Refusal(
                    .notFound,
                    "There is no local edit of \"\(entry.prefix(Limits.logNameLength))\" on \(machine) to decide. List them with: muster machine conflicts \(machine)"
                )
            }
            edits.append(edit)
        }
        return (membership, edits)
    }

    /// What has to be said at the machine's level so that it gets what it has; nil when nothing has to be.
    private static func change(taking edit: LocalEdit, of membership: Membership, in view: ClusterState) throws(Refusal) -> EntryChange? {
        if let value = edit.value { return .set(value) }
        let layer = LayerID.machine(membership.id)
        if try inherited(edit.section, edit.name, above: layer, in: view) != nil { return .hide }
        return view.layer(layer)?[edit.section, edit.name] == nil ? nil : .remove
    }
}
