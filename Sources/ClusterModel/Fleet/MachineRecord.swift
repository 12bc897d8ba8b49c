/// What one machine should run now: the target, and the configuration that it names.
package struct MachineTarget: Hashable, Sendable {
    package var target: Target
    /// Has the target's digest. Machines share its sections.
    package var configuration: EffectiveConfiguration

    package init(target: Target, configuration: EffectiveConfiguration) {
        self.target = target
        self.configuration = configuration
    }
}

/// What a manager knows of one machine from its own words. Stored without what only holds for this moment.
package struct MachineRecord: Hashable, Sendable, Codable {
    /// The newest receipt, in the order of arrival: clocks differ.
    package private(set) var lastReceived: Receipt?
    package private(set) var lastApplied: Receipt?
    /// The newest rejection, that of the target before any other; nil once its digest was applied.
    package private(set) var lastRejected: Receipt?
    /// What the machine last put right by itself; nil for nothing.
    package private(set) var lastMend: Mend?
    package var lastHeard: Timestamp?
    /// What its agent understands, by its last hello; nil before the first.
    package var agent: AgentKnowledge?
    /// What it last said that it holds of its identity.
    package var papers: IdentityPapers?
    /// Why there is no conversation with it although it is there: it is of another version.
    package var turnedAway: String?
    /// Whether it said hello on a connection that is open.
    package var isConnected = false
    /// Whether ``lastApplied`` still speaks of what the machine runs.
    ///
    /// False once another configuration was sent and not answered, and after a manager's start: the machine may be on
    /// its way somewhere else.
    package var isProofValid = false

    private enum CodingKeys: String, CodingKey {
        case lastReceived, lastApplied, lastRejected, lastMend, lastHeard, agent, papers
    }

    package init() {}

    /// Takes in a receipt of a machine with this target.
    package mutating func take(_ receipt: Receipt, target: Digest) {
        lastReceived = receipt
        // The machine says the same again on its next connection.
        if !receipt.mended.isEmpty, receipt.time != lastMend?.time {
            lastMend = Mend(reasons: receipt.mended, time: receipt.time, heard: lastHeard ?? receipt.time)
        }
        switch receipt.outcome {
        case .applied(let digest, _):
            lastApplied = receipt
            if lastRejected?.target.digest == digest { lastRejected = nil }
        case .rejected:
            // A gateway that refuses at its start what it served before: the proof is worth nothing any more.
            if receipt.target.digest == appliedDigest { isProofValid = false }
            if receipt.target.digest == target || lastRejected?.target.digest != target { lastRejected = receipt }
        }
    }

    /// The manager started: what holds only for a moment is over.
    package mutating func restart() {
        isConnected = false
        isProofValid = false
        turnedAway = nil
    }

    /// A rejection is of no interest any more: the target changed, or somebody asks for another try.
    package mutating func forgetRejection() {
        lastRejected = nil
    }

    /// The digest that the machine said it laid out, at its last success.
    package var appliedDigest: Digest? {
        guard case .applied(let digest, _)? = lastApplied?.outcome else { return nil }
        return digest
    }

    /// What its services were seen to serve, at its last success.
    package var proofs: [ServiceProof] {
        guard case .applied(_, let proofs)? = lastApplied?.outcome else { return [] }
        return proofs
    }

    /// What was no longer as it was applied, by the machine's newest word on it.
    package var drift: [String] {
        guard case .applied? = lastApplied?.outcome else { return [] }
        return lastApplied?.drift ?? []
    }

    /// Whether this digest was the last to be applied, and nothing happened since that puts it in doubt.
    package func vouches(for digest: Digest) -> Bool { isProofValid && appliedDigest == digest }
}

/// That a machine put right by itself what was no longer as it had applied it.
package struct Mend: Hashable, Sendable, Codable {
    /// What that was, one sentence each.
    package var reasons: [String]
    /// By the machine's clock.
    package var time: Timestamp
    /// When the manager first heard of it, by its own.
    package var heard: Timestamp

    package init(reasons: [String], time: Timestamp, heard: Timestamp) {
        self.reasons = reasons
        self.time = time
        self.heard = heard
    }
}

extension MachineRecord {
    /// Why its agent and this manager cannot talk with each other; nil when they can, as far as is known.
    package var versionObjection: String? {
        if let turnedAway { return turnedAway }
        guard let agent, MemberProtocol.agreed(with: agent.protocols) == nil else { return nil }
        return MemberProtocol.disagreement(with: agent)
    }
}
