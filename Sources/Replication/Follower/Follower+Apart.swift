package import ClusterModel

/// Whether a machine is disconnected from its cluster on purpose, and what was edited on it meanwhile and is not settled.
package struct Apart: Hashable, Sendable {
    package var isDisconnected: Bool
    package var edits: [LocalEdit]

    package init(isDisconnected: Bool = false, edits: [LocalEdit] = []) {
        self.isDisconnected = isDisconnected
        self.edits = edits
    }
}

extension Follower {
    /// What became of ``Action/stayApart(_:)`` or ``Action/settle(_:)``: how it stands on the disk now.
    package mutating func stands(_ result: Result<Apart, Refusal>) -> [Action] {
        switch result {
        case .success(let apart):
            self.apart = apart
            return tell()
        case .failure(let refusal): return giveUp(refusal)
        }
    }

    /// Edits of the machine's own were put in force, or the generation before them was put back.
    package mutating func ranOwn(_ running: Running, _ proofs: [ServiceProof], apart: Apart, now: Timestamp) -> [Action] {
        switch work {
        case .none, .resuming, .looking: break
        case .layingOut, .applying, .proving, .mending: return []
        }
        work = .none
        mending.forget()
        self.running = running
        self.apart = apart
        isInForce = true
        return prove(running, proofs, now: now) + tell() + next()
    }

    /// Says how it stands, to a manager that understands it.
    func tell() -> [Action] { isWelcome && version >= MemberProtocol.apart ? [.reportEdits(apart)] : [] }

    /// Why an update is not taken; nil when it is. A manager that knows of members apart does not send such a one.
    var objectionToUpdates: Refusal? {
        if !apart.edits.isEmpty {
            return Refusal(
                .conflict,
                "This machine has \(apart.edits.count) edits of its own that are not decided, and the manager sends settings over them. If it is older "
                    + "than this agent, upgrade it.")
        }
        guard apart.isDisconnected, version >= MemberProtocol.apart else { return nil }
        return Refusal(.conflict, "This machine is disconnected, and the manager sends settings all the same.")
    }
}
