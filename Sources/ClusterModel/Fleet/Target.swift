/// A place in the log: what a member or manager has seen up to.
package struct LogHead: Hashable, Sendable, Codable {
    /// 0 before the first entry; entries are numbered from 1 without gaps.
    package var position: Int
    /// SHA-256 of the stored bytes of the entry at that position; of nothing at 0.
    package var hash: Digest

    package init(position: Int, hash: Digest) {
        self.position = position
        self.hash = hash
    }

    /// The head of an empty log.
    package static let empty = LogHead(position: 0, hash: Digest(hashing: []))
}

/// What one machine should run now. Machines compare digests; position and revision say since when, for people.
package struct Target: Hashable, Sendable, Codable {
    package var position: Int
    package var revision: Int
    package var digest: Digest

    package init(position: Int, revision: Int, digest: Digest) {
        self.position = position
        self.revision = revision
        self.digest = digest
    }
}

/// A member's word on a target: applied, with what its services were then seen to serve, or rejected.
package struct Receipt: Hashable, Sendable {
    package var target: Target
    package var outcome: Outcome
    package var time: Timestamp
    /// What is no longer as it was applied besides what services serve: files of the machine's store or its gateway, one sentence each.
    package var drift: [String]
    /// Whether the member says it by itself: it answers no update.
    package var isUnasked: Bool
    /// What was no longer as it was applied until the member put it right by itself, one sentence each; none when it did not.
    package var mended: [String]

    package enum Outcome: Hashable, Sendable, Codable {
        /// The digest was computed from what the member laid out on its disk, not copied from the target.
        case applied(digest: Digest, proofs: [ServiceProof])
        /// The gateway keeps what it had.
        case rejected(reasons: [String])
    }

    package init(target: Target, outcome: Outcome, time: Timestamp, drift: [String] = [], isUnasked: Bool = false, mended: [String] = []) {
        self.target = target
        self.outcome = outcome
        self.time = time
        self.drift = drift
        self.isUnasked = isUnasked
        self.mended = mended
    }
}

// As it is kept: drift and mending came later than the rest, and what nobody asked for was heard all the same.
extension Receipt: Codable {
    private enum CodingKeys: String, CodingKey { case target, outcome, time, drift, mended }

    package init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        self.init(
            target: try container.decode(Target.self, forKey: .target), outcome: try container.decode(Outcome.self, forKey: .outcome),
            time: try container.decode(Timestamp.self, forKey: .time),
            drift: try container.decodeIfPresent([String].self, forKey: .drift) ?? [],
            mended: try container.decodeIfPresent([String].self, forKey: .mended) ?? [])
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(target, forKey: .target)
        try container.encode(outcome, forKey: .outcome)
        try container.encode(time, forKey: .time)
        if !drift.isEmpty { try container.encode(drift, forKey: .drift) }
        if !mended.isEmpty { try container.encode(mended, forKey: .mended) }
    }
}

/// What a handshake with one service returned.
package struct ServiceProof: Hashable, Sendable, Codable {
    /// `listener/public`, `https/data1`, `delivery`.
    package var service: String
    /// SHA-256 of the leaf that the service was seen to serve; nil when none was seen.
    package var served: Digest?
    /// Why the service cannot be probed, where that is so by its settings. It then does not prevent `synced`.
    package var unprovable: String?

    package init(service: String, served: Digest?, unprovable: String? = nil) {
        self.service = service
        self.served = served
        self.unprovable = unprovable
    }
}
