import AdminContract
import ClusterModel

// Whether a caller may do what is asked, and what of the cluster the caller sees. The decision is `Mandate`'s.
extension AdminDesk {
    /// Refuses a caller whose role is not enough, or does not hold in the whole cluster.
    func require(_ role: Role, of caller: Caller) async throws(Refusal) {
        try caller.mandate.check(role, at: nil, in: await ledger.state)
    }

    /// Refuses a caller whose role is not enough, wherever it holds: for what concerns the caller's own edits, or what the caller sees.
    func requireSomewhere(_ role: Role, of caller: Caller) async throws(Refusal) {
        try caller.mandate.check(role, at: caller.group.map(LayerID.group), in: await ledger.state)
    }

    /// Refuses a caller whose role is not enough, or does not hold at one of these levels.
    func require(_ role: Role, at levels: [Level], of caller: Caller) async throws(Refusal) {
        guard caller.group != nil else { return try await require(role, of: caller) }
        let state = await ledger.state
        try await requireSomewhere(role, of: caller)
        for level in levels {
            // Of a level that there is not, the refusal names what the caller sees.
            guard let layer = try? state.layerID(of: level) else {
                _ = try state.part(in: caller.group).layerID(of: level)
                continue
            }
            try caller.mandate.check(role, at: layer, in: state)
        }
    }

    /// The committed state, as far as the caller sees it.
    func seen(by caller: Caller) async -> ClusterState { await ledger.state.part(in: caller.group) }

    /// The same with the caller's own edits over it.
    func view(of caller: Caller) async throws(Refusal) -> ClusterState {
        try await desk.view(of: caller.user).part(in: caller.group)
    }

    /// A machine that the caller sees.
    func seenMachine(_ name: String, by caller: Caller) async throws(Refusal) -> Membership {
        try await require(.readOnly, at: [.machine(name)], of: caller)
        return try await ledger.state.machine(name)
    }
}
