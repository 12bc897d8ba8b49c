package import AdminContract
package import ClusterModel

extension AdminDesk {
    package func show(_ query: SettingsQuery, for caller: Caller) async throws(Refusal) -> [SetEntry] {
        var query = query
        query.entry = try AdminDesk.name(query.entry, in: query.section)
        try await require(.readOnly, at: [query.level], of: caller)
        let state = await ledger.state
        let view = try await view(of: caller)
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
        var query = query
        query.entry = try AdminDesk.name(query.entry, in: query.section)
        if query.revision == nil { _ = try await seenMachine(query.machine, by: caller) }
        let newest = await ledger.state
        let whole: ClusterState = if let revision = query.revision { try await ledger.state(at: revision) } else { newest }
        let state = whole.part(in: caller.group)
        let membership = try AdminDesk.machine(query, in: state)
        var views: [EffectiveView] = []
        for section in state.configuration(of: membership).sections where (query.section ?? section.name) == section.name {
            for entry in section.entries where (query.entry ?? entry.name) == entry.name {
                guard let view = EffectiveView(entry, of: section.name, in: state) else { continue }
                views.append(view)
            }
        }
        if views.isEmpty, let section = query.section, let entry = query.entry {
            throw Refusal(.notFound, state.absence(of: section, entry, on: membership))
        }
        return views
    }

    /// The machine as it was named then.
    private static func machine(_ query: EffectiveQuery, in state: ClusterState) throws(Refusal) -> Membership {
        guard let revision = query.revision else { return try state.machine(query.machine) }
        guard let membership = state.membership(named: query.machine) else {
            let names = state.memberships.values.map(\.machine).sorted().prefix(20).joined(separator: ", ")
            throw Refusal(
                .notFound,
                "There was no machine \"\(query.machine.prefix(Limits.nameLength))\" at revision \(revision). "
                    + (names.isEmpty ? "No machine had joined yet." : "There were \(names)."))
        }
        return membership
    }

    package func edit(_ request: EditRequest, for caller: Caller) async throws(Refusal) -> EditSummary {
        try await requireSomewhere(.operator, of: caller)
        guard request.edits.count <= Limits.edits else {
            throw Refusal(.limit, "\(request.edits.count) edits in one request; \(Limits.edits) are taken.")
        }
        try await require(.operator, at: Set(request.edits.map(\.level)).sorted(), of: caller)
        for wanted in request.edits { try AdminDesk.checkMaterial(wanted) }
        let before = try await view(of: caller)
        var summary = try await submit(for: caller) { view, committed throws(Refusal) in
            var edits: [Edit] = []
            for wanted in request.edits { edits.append(try AdminDesk.edit(wanted, view: view, committed: committed)) }
            return edits
        }
        let notices = summary.changes.compactMap { AdminDesk.lostInheritance($0, in: before) }
        summary.notices = notices.isEmpty ? nil : notices
        return summary
    }

    /// What a new override does not take over from the entry that it hides: an entry is inherited whole or not at all.
    private static func lostInheritance(_ change: ChangeView, in before: ClusterState) -> String? {
        guard change.change == "set", let entry = change.entry,
            // A level that the edit found is there.
            let layer = try? before.layerID(of: change.level), before.layer(layer)?[change.section, entry] == nil,
            let inherited = try? inherited(change.section, entry, above: layer, in: before)  // as above
        else { return nil }
        let lost = (inherited.members ?? [:]).keys.filter { change.after[$0] == nil }.sorted()
        guard !lost.isEmpty else { return nil }
        let words = commandWords(change.section, entry, at: change.level)
        return "\(change.section)/\(entry) was inherited at \(change.level), and is its own there now: what was set for "
            + "\(lost.joined(separator: ", ")) is not taken over. To begin with all of it: muster discard \(words), then muster override \(words) --copy"
    }

    package func override(_ request: OverrideRequest, for caller: Caller) async throws(Refusal) -> EditSummary {
        try await require(.operator, at: [request.level], of: caller)
        var request = request
        let section = try Section.known(request.section)
        // The kind of level is checked before anything is looked up: the better answer of the two.
        try section.check(entry: request.entry, at: request.level.kind)
        request.entry = section.normalName(of: request.entry)
        return try await submit(for: caller) { [request] view, committed throws(Refusal) in
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
        try await require(.readOnly, at: [request.from], of: caller)
        try await require(.operator, at: request.move ? [request.from, request.to] : [request.to], of: caller)
        var request = request
        let section = try Section.known(request.section)
        // As above.
        for level in [request.from, request.to] { try section.check(entry: request.entry, at: level.kind) }
        request.entry = section.normalName(of: request.entry)
        return try await submit(for: caller) { [request] view, committed throws(Refusal) in
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

    /// What has a text or a key comes in a way that stores it first: a commit that names one which nobody stored could not be sent.
    private static func checkMaterial(_ wanted: EntryEdit) throws(Refusal) {
        let fields: [String]
        let cure: String
        switch wanted.section {
        case .authorities:
            fields = ["certificates", "blob"]
            cure = "A list of authorities is taken in with its file: muster authority add NAME FILE"
        case .certificates:
            fields = ["key", "chain", "chainBlob"]
            cure = "A certificate is taken in with its key: muster cert import NAME"
        default: return
        }
        switch wanted.operation {
        case .set(let value), .merge(let value):
            guard fields.allSatisfy({ value[$0] == nil }) else { throw Refusal(.invalid, cure) }
        case .remove, .hide, .isolate, .inherit: return
        }
    }

    /// An entry's name in its one form, where a section is named; refuses a section that there is not.
    static func name(_ entry: String?, in section: SectionName?) throws(Refusal) -> String? {
        guard let section = try section.map({ name throws(Refusal) in try Section.known(name) }) else { return entry }
        return entry.map(section.normalName)
    }

    private static func edit(_ wanted: EntryEdit, view: ClusterState, committed: ClusterState) throws(Refusal) -> Edit {
        var wanted = wanted
        let section = try Section.known(wanted.section)
        // The kind of level is checked before the level is looked up: the better answer of the two.
        try section.check(entry: wanted.entry ?? EntryNaming.onlyEntry, at: wanted.level.kind, sectionOnly: wanted.entry == nil)
        wanted.entry = wanted.entry.map(section.normalName)
        let layer = try view.layerID(of: wanted.level)
        let change: EntryChange
        switch wanted.operation {
        case .set(let value): change = .set(value)
        case .merge(let patch): change = .set(try merged(patch, into: wanted, of: section, at: layer, in: view))
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

    /// What an entry becomes with some fields changed. A level that says nothing of an entry begins with nothing, so fields that must be
    /// there may be missing: if a wider level has them, the refusal says how to begin with those.
    private static func merged(
        _ patch: JSONValue, into wanted: EntryEdit, of section: Section, at layer: LayerID, in view: ClusterState
    ) throws(Refusal) -> JSONValue {
        guard let entry = wanted.entry else { return patch }
        if let base = view.layer(layer)?[wanted.section, entry]?.state.value { return base.merging(patch) }
        let value = JSONValue.object([:]).merging(patch)
        let path = SettingPath(section.name.rawValue, entry)
        do throws(SettingError) { _ = try section.normalize(value, path) } catch {
            // Wrong by itself, or only because it begins with nothing?
            guard let inherited = try inherited(section.name, entry, above: layer, in: view),
                (try? section.normalize(inherited.merging(patch), path)) != nil  // if that does not read either, the first error says why
            else { return value }
            let option = wanted.level.name.map { "--\(wanted.level.kind.rawValue) \($0)" } ?? "--cluster"
            throw Refusal(
                .invalid,
                "\(error). \(wanted.level) inherits \(section.name)/\(entry) and sets nothing of it itself. To change it there, begin with a copy: muster override \(section.name)/\(entry) --copy \(option)"
            )
        }
        return value
    }

    /// What a layer inherits for an entry, its own word aside.
    static func inherited(
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

extension EffectiveView {
    /// An entry with where it comes from; nil when its level is gone.
    fileprivate init?(_ entry: EffectiveEntry, of section: SectionName, in state: ClusterState) {
        guard let level = state.level(of: entry.origin.layer) else { return nil }
        let revision = state.revision(numbered: entry.origin.revision)
        self.init(
            section: section, name: entry.name, value: entry.value, level: level, revision: entry.origin.revision, author: revision?.author,
            time: revision?.time,
            shadowed: entry.shadows.compactMap { origin in
                state.level(of: origin.layer).map {
                    ShadowedValue(
                        level: $0, revision: origin.revision, author: state.revision(numbered: origin.revision)?.author,
                        value: state.layer(origin.layer)?[section, entry.name]?.state.value ?? .null)
                }
            })
    }
}

extension ClusterState {
    fileprivate func revision(numbered number: Int) -> Revision? {
        // They are numbered densely from 1; looked at, should that ever change.
        guard number > 0, number <= history.count else { return nil }
        let revision = history[number - 1]
        return revision.number == number ? revision : history.first { $0.number == number }
    }

    /// Why a machine gets no such entry: the nearest level that keeps it away, or that nobody sets it.
    fileprivate func absence(of section: SectionName, _ entry: String, on membership: Membership) -> String {
        let nothing = "\(membership.machine) gets no \(section)/\(entry)"
        for id in levels(of: membership) {
            guard let layer = layer(id), let level = level(of: id) else { continue }
            if let hidden = layer[section, entry], hidden.state == .hidden {
                let author = revision(numbered: hidden.revision).map { ", by \($0.author)" } ?? ""
                return "\(nothing): it is hidden at \(level) since revision \(hidden.revision)\(author). To show it again, unset it there."
            }
            if layer[section].isIsolated {
                return
                    "\(nothing): \(level) inherits nothing of \(section). To inherit again: muster isolate \(section) --undo, at that level."
            }
        }
        return "\(nothing) from any level. Set it: muster show \(section) lists what is set at cluster level."
    }
}
