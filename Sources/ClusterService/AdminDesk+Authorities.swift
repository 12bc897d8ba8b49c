package import AdminContract
package import ClusterModel

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

extension AdminDesk {
    package func authorities(at level: Level?, for caller: Caller) async throws(Refusal) -> [AuthorityView] {
        try await require(.readOnly, at: level.map { [$0] } ?? [], of: caller)
        let view = try await view(of: caller)
        var views: [AuthorityView] = []
        for level in level.map({ [$0] }) ?? AdminDesk.levels(of: view) {
            let layer = view.layer(try view.layerID(of: level)) ?? Layer()
            if level == .cluster, layer[.authorities, AuthoritySetting.systemName] == nil { views.append(.impliedSystem) }
            for name in layer[.authorities].entries.keys.sorted() {
                if let one = try await authority(name, at: level, in: view) { views.append(one) }
            }
        }
        return views
    }

    package func authority(_ name: String, at level: Level, for caller: Caller) async throws(Refusal) -> AuthorityView {
        try await require(.readOnly, at: [level], of: caller)
        let view = try await view(of: caller)
        if let found = try await authority(name, at: level, in: view) { return found }
        if level == .cluster, name == AuthoritySetting.systemName { return .impliedSystem }
        let inherited = AuthorityDesk.inherited(name, at: try view.layerID(of: level), in: view)
        throw Refusal(
            .notFound,
            "\(level) says nothing about the authorities \"\(name)\"."
                + (inherited.map { " It has them from \($0)." } ?? " List them with: muster authority list --all"))
    }

    package func addAuthorities(_ request: AuthorityAddition, for caller: Caller) async throws(Refusal) -> AuthorityView {
        try await require(.operator, at: [request.level], of: caller)
        guard let file = Data(base64Encoded: request.file) else { throw Refusal(.invalid, "The list's file is not in base64.") }
        let findings = try await authorityDesk.add(
            by: caller.user, at: request.level, name: request.name, file: Array(file), replace: request.replace)
        var view = try await authority(request.name, at: request.level, for: caller)
        // Of its file there is more to say than of what was taken from it.
        view.findings = findings + view.findings.filter { !findings.contains($0) }
        return view
    }

    package func trustSystem(_ request: SystemTrust, for caller: Caller) async throws(Refusal) -> AuthorityView {
        try await require(.operator, at: [request.level], of: caller)
        try await authorityDesk.trustSystem(request.trusted, by: caller.user, at: request.level)
        return try await authority(AuthoritySetting.systemName, at: request.level, for: caller)
    }

    package func removeAuthorities(_ name: String, at level: Level, for caller: Caller) async throws(Refusal) -> AuthorityRemoval {
        try await require(.operator, at: [level], of: caller)
        let removed = try await authorityDesk.remove(name, by: caller.user, at: level)
        let summary = try await summary(of: Set(removed.edits.map(\.subject)), for: caller)
        return AuthorityRemoval(
            name: name, level: level, inherited: removed.inherited, changes: summary.changes, uncommitted: summary.uncommitted)
    }

    /// A level's word on an entry; nil for none.
    private func authority(_ name: String, at level: Level, in view: ClusterState) async throws(Refusal) -> AuthorityView? {
        let layer = try view.layerID(of: level)
        guard let entry = view.layer(layer)?[.authorities, name] else { return nil }
        let isUncommitted = await ledger.state.layer(layer)?[.authorities, name]?.state != entry.state
        guard let value = entry.state.value else { return AuthorityView(hidden: name, level: level, uncommitted: isUncommitted) }
        let setting: AuthoritySetting
        do throws(SettingError) { setting = try AuthoritySetting(value) } catch { throw Refusal(.version, error.description) }
        return AuthorityView(
            setting, name: name, level: level, findings: setting.findings(at: authorityDesk.now()), uncommitted: isUncommitted)
    }

    /// Every level's authorities that expired or expire soon, one line for each (mission D10).
    static func authorityNotices(of state: ClusterState, at now: Timestamp) -> [String] {
        levels(of: state).flatMap { level -> [String] in
            // A level that the state itself lists is one that it has.
            guard let id = try? state.layerID(of: level), let layer = state.layer(id) else { return [] }
            return layer[.authorities].entries.sorted { $0.key < $1.key }.flatMap { name, entry -> [String] in
                // What does not read was refused before it was stored.
                guard let value = entry.state.value, let setting = try? AuthoritySetting(value) else { return [] }
                let codes: Set<CertificateFinding.Code> = [.expired, .expiresSoon, .notYetValid]
                return setting.findings(at: now).filter { codes.contains($0.code) }.map { "authorities \(name) at \(level): \($0.text)" }
            }
        }
    }
}
