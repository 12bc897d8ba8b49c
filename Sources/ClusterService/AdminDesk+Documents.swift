package import AdminContract
package import ClusterModel

extension AdminDesk {
    package func save(_ request: SaveRequest, for caller: Caller) async throws(Refusal) -> SavedDocument {
        try await require(.readOnly, of: caller)
        let state = await ledger.state
        guard let password = request.password else {
            return SavedDocument(revision: state.revision, document: try await documents.withTexts(state.document()).json, keys: 0)
        }
        try await require(.administrator, of: caller)
        let (document, keys) = try await documents.sealed(
            documents.withTexts(state.document(withReadyMade: true)), password: password)
        // Written down before it is given away.
        try await ledger.append(by: caller.user) { _, _ throws(Refusal) in
            .documentExported(DocumentExported(revision: state.revision, keys: keys))
        }
        return SavedDocument(revision: state.revision, document: document.json, keys: keys)
    }

    package func apply(_ request: ApplyRequest, for caller: Caller) async throws(Refusal) -> ApplyView {
        try await requireSomewhere(.operator, of: caller)
        let document = try AdminDesk.document(request.document)
        let view = try await desk.view(of: caller.user)
        try documents.check(document, in: view)
        try await requireMandate(for: document, of: caller)
        let fulfilled = try await documents.fulfil(document, in: view, storing: !request.dryRun)
        return request.dryRun
            ? try await preview(document, fulfilled, for: caller) : try await submit(document, fulfilled, request, for: caller)
    }

    /// What would happen; nothing is kept.
    private func preview(_ document: ClusterDocument, _ fulfilled: DocumentDesk.Fulfilled, for caller: Caller) async throws(Refusal)
        -> ApplyView
    {
        let state = await ledger.state
        var changes = try await desk.changes(of: caller.user)
        var generator = SystemRandomNumberGenerator()
        let new = document.groups.filter { state.group(named: $0) == nil }
        for name in new { changes.submit(try ChangeDesk.newGroup(name, as: randomIdentifier(using: &generator), in: state)) }
        for edit in try state.applying(changes).edits(
            toward: document, certificates: fulfilled.certificates, authorities: fulfilled.authorities, committed: state)
        {
            try changes.submit(edit)
        }
        let decided = try ChangeDesk.decide(changes, comment: "", on: state)
        let after = try state.applying(decided.edits, groups: decided.groups)
        try ledger.agents.check(from: state, to: after)
        return ApplyView(
            changes: try await views(of: changes).map(\.view), groups: new,
            machines: AdminDesk.impacts(from: state.part(in: caller.group), to: after.part(in: caller.group)),
            notices: AdminDesk.notices(of: after.part(in: caller.group)))
    }

    private func submit(
        _ document: ClusterDocument, _ fulfilled: DocumentDesk.Fulfilled, _ request: ApplyRequest, for caller: Caller
    ) async throws(Refusal) -> ApplyView {
        let before = await ledger.state
        let new = document.groups.filter { before.group(named: $0) == nil }
        let made = Set(
            try await desk.submit(by: caller.user, groups: new, restoring: true) { view, committed throws(Refusal) in
                try view.edits(
                    toward: document, certificates: fulfilled.certificates, authorities: fulfilled.authorities, committed: committed)
            }.map(\.subject))
        let changes = try await desk.changes(of: caller.user)
        let after = try before.applying(changes)
        var answer = ApplyView(
            changes: try await views(of: changes).filter { made.contains($0.subject) }.map(\.view), groups: new,
            machines: AdminDesk.impacts(from: before.part(in: caller.group), to: after.part(in: caller.group)),
            notices: AdminDesk.notices(of: after.part(in: caller.group)))
        if request.commit {
            answer.commit = try await commit(CommitRequest(comment: request.comment), for: caller)
        }
        return answer
    }

    /// Refuses a document that speaks of what the caller's role does not hold for, or of a key that the caller does not see: the cluster
    /// would fill in what the document only names.
    private func requireMandate(for document: ClusterDocument, of caller: Caller) async throws(Refusal) {
        guard caller.group != nil else { return }
        let state = await ledger.state
        if document.groups.contains(where: { state.group(named: $0) == nil }) { try await require(.operator, of: caller) }
        try await require(.operator, at: document.settings.keys.sorted(), of: caller)
        let part = state.part(in: caller.group)
        let seen = Set(part.layerIDs.flatMap { id in (part.layer(id)?[.certificates].entries.values).map { $0.map(\.state) } ?? [] })
        for entries in document.settings.values.compactMap({ $0[.certificates] }) {
            for (name, entry) in entries {
                guard case .certificate(.masked(let value)) = entry, !seen.contains(.set(value)) else { continue }
                throw Refusal(
                    .forbidden,
                    "The document names the certificate \(name) without its key, and none that \(caller.user) sees is that one. Give it with its key."
                )
            }
        }
    }

    private static func document(_ json: JSONValue) throws(Refusal) -> ClusterDocument {
        do {
            var document = try json.decode(ClusterDocument.self)
            try document.check()
            return document
        } catch let refusal as Refusal {
            throw refusal
        } catch let error as SettingError {
            throw Refusal(.invalid, error.description)
        } catch {
            throw Refusal(.invalid, "This is not a cluster document: \(error)")
        }
    }
}
