package import AdminContract
package import ClusterModel

extension AdminDesk {
    package func show(_ query: SettingsQuery, for caller: Caller) async throws(Refusal) -> [SetEntry] {
        if let section = query.section { _ = try Section.known(section) }
        let state = await ledger.state
        let view = try await desk.view(of: caller.user)
        let id = try view.layerID(of: query.level)
        let layer = view.layer(id) ?? Layer()
        let committed = state.layer(id) ?? Layer()
        var entries: [SetEntry] = []
        for (name, content) in layer.sections.sorted(by: { $0.key < $1.key })
        where content.isIsolated && query.entry == nil && (query.section ?? name) == name {
            entries.append(
                SetEntry(
                    section: name, name: SetEntry.wholeSection, value: .null, level: query.level, revision: 0, isolated: true,
                    uncommitted: !committed[name].isIsolated))
        }
        for (section, name, entry) in layer.allEntries where (query.section ?? section) == section && (query.entry ?? name) == name {
            let before = committed[section, name]
            entries.append(
                SetEntry(
                    section: section, name: name, value: entry.state.value ?? .null, level: query.level, revision: before?.revision ?? 0,
                    hidden: entry.state == .hidden, uncommitted: before?.state != entry.state))
        }
        if entries.isEmpty, let section = query.section, let entry = query.entry {
            throw Refusal(
                .notFound,
                "\(query.level) says nothing about \(section)/\(entry). What machines get by inheritance: muster effective MACHINE \(section)/\(entry)"
            )
        }
        return entries
    }

    package func effective(_ query: EffectiveQuery, for caller: Caller) async throws(Refusal) -> [EffectiveView] {
        if let section = query.section { _ = try Section.known(section) }
        let state = await ledger.state
        let membership = try state.machine(query.machine)
        var views: [EffectiveView] = []
        for section in state.configuration(of: membership).sections where (query.section ?? section.name) == section.name {
            for entry in section.entries where (query.entry ?? entry.name) == entry.name {
                guard let level = state.level(of: entry.origin.layer) else { continue }
                views.append(
                    EffectiveView(
                        section: section.name, name: entry.name, value: entry.value, level: level, revision: entry.origin.revision,
                        shadows: entry.shadows.compactMap { state.level(of: $0.layer) }))
            }
        }
        if views.isEmpty, let section = query.section, let entry = query.entry {
            throw Refusal(
                .notFound,
                "\(query.machine) gets no \(section)/\(entry) from any level. Set it: muster show \(section) lists what is set at cluster level."
            )
        }
        return views
    }

    package func edit(_ request: EditRequest, for caller: Caller) async throws(Refusal) -> EditSummary {
        try require(.operator, of: caller)
        guard request.edits.count <= Limits.edits else {
            throw Refusal(.limit, "\(request.edits.count) edits in one request; \(Limits.edits) are taken.")
        }
        return try await submit(for: caller) { view, committed throws(Refusal) in
            var edits: [Edit] = []
            for wanted in request.edits { edits.append(try AdminDesk.edit(wanted, view: view, committed: committed)) }
            return edits
        }
    }

    package func override(_ request: OverrideRequest, for caller: Caller) async throws(Refusal) -> EditSummary {
        try require(.operator, of: caller)
        return try await submit(for: caller) { view, committed throws(Refusal) in
            let layer = try view.layerID(of: request.level)
            guard layer != .cluster else {
                throw Refusal(
                    .wrongLevel,
                    "Nothing is inherited at cluster level, so there is nothing to override there. Use --group NAME or --machine NAME.")
            }
            guard let inherited = try AdminDesk.inherited(request.section, request.entry, above: layer, in: view) else {
                throw Refusal(.notFound, "\(request.level) inherits no \(request.section)/\(request.entry).")
            }
            // "From nothing" keeps the fields without which the entry would not be one.
            let value = request.copy ? inherited : try AdminDesk.bare(inherited, section: request.section)
            return [Edit(setting: value, request.section, request.entry, at: layer, in: committed)]
        }
    }

    package func copy(_ request: CopyRequest, for caller: Caller) async throws(Refusal) -> EditSummary {
        try require(.operator, of: caller)
        return try await submit(for: caller) { view, committed throws(Refusal) in
            let from = try view.layerID(of: request.from)
            let to = try view.layerID(of: request.to)
            guard let value = view.layer(from)?[request.section, request.entry]?.state.value else {
                throw Refusal(.notFound, "\(request.from) says nothing about \(request.section)/\(request.entry).")
            }
            var edits = [Edit(setting: value, request.section, request.entry, at: to, in: committed)]
            if request.move { edits.append(Edit(removing: request.section, request.entry, at: from, in: committed)) }
            return edits
        }
    }

    /// Submits edits and says what they did.
    func submit(
        for caller: Caller, _ edits: @Sendable (ClusterState, ClusterState) throws(Refusal) -> [Edit]
    ) async throws(Refusal) -> EditSummary {
        try await summary(of: Set(try await desk.submit(by: caller.user, edits).map(\.subject)), for: caller)
    }

    /// What edits did, by what they are about.
    func summary(of made: Set<Edit.Subject>, for caller: Caller) async throws(Refusal) -> EditSummary {
        let changes = try await desk.changes(of: caller.user)
        return EditSummary(
            changes: try await views(of: changes).filter { made.contains($0.subject) }.map(\.view), uncommitted: changes.edits.count)
    }

    // MARK: - Decisions

    private static func edit(_ wanted: EntryEdit, view: ClusterState, committed: ClusterState) throws(Refusal) -> Edit {
        let section = try Section.known(wanted.section)
        // The kind of level is checked before the level is looked up: the better answer of the two.
        try section.check(entry: wanted.entry ?? EntryNaming.onlyEntry, at: wanted.level.kind, sectionOnly: wanted.entry == nil)
        let layer = try view.layerID(of: wanted.level)
        let change: EntryChange
        switch wanted.operation {
        case .set(let value): change = .set(value)
        case .merge(let patch):
            let base = wanted.entry.flatMap { view.layer(layer)?[wanted.section, $0]?.state.value } ?? .object([:])
            change = .set(base.merging(patch))
        case .remove:
            guard let entry = wanted.entry, view.layer(layer)?[wanted.section, entry] != nil else {
                throw Refusal(
                    .notFound, "\(wanted.level) says nothing about \(wanted.section)/\(wanted.entry ?? ""), so there is nothing to unset.")
            }
            change = .remove
        case .hide: change = .hide
        case .isolate: change = .isolate
        case .inherit: change = .inherit
        }
        let isWhole = change == .isolate || change == .inherit
        guard isWhole == (wanted.entry == nil) else {
            throw Refusal(
                .invalid,
                isWhole ? "isolate and inherit concern a section as a whole." : "Name the entry of \(wanted.section) that is meant.")
        }
        return Edit(layer: layer, section: wanted.section, entry: wanted.entry, change: change, in: committed)
    }

    /// What a layer inherits for an entry, its own word aside.
    private static func inherited(
        _ section: SectionName, _ entry: String, above layer: LayerID, in view: ClusterState
    ) throws(Refusal) -> JSONValue? {
        switch layer {
        case .cluster: return nil
        case .group: return view.layer[section, entry]?.state.value
        case .machine(let id):
            guard let membership = view.memberships[id] else { return nil }
            return view.inheritedSettings(of: membership.group).configuration(machine: Layer(), membership: id)[section, entry]?.value
        }
    }

    /// Only the fields that must be there, as they are inherited.
    private static func bare(_ value: JSONValue, section: SectionName) throws(Refusal) -> JSONValue {
        let required = Set((try Section.known(section).schema["required"]?.items ?? []).compactMap(\.text))
        return .object((value.members ?? [:]).filter { required.contains($0.key) })
    }
}

extension JSONValue {
    /// JSON Merge Patch (RFC 7396).
    func merging(_ patch: JSONValue) -> JSONValue {
        guard case .object(let changes) = patch else { return patch }
        var members = self.members ?? [:]
        for (key, change) in changes {
            members[key] = change == .null ? nil : (members[key] ?? .object([:])).merging(change)
        }
        return .object(members)
    }
}
