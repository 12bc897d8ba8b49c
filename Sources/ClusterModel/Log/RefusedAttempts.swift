/// A change that somebody asked for and that was not made. It is no change of the cluster, and so no entry of the log.
package struct RefusedAttempt: Hashable, Sendable, Codable {
    /// When it was last asked for.
    package var time: Timestamp
    /// The user, or the machine that wanted to join by the name that it gave.
    package var who: String
    /// `POST /machines/mx1/move`, or `join`.
    package var what: String
    package var code: Refusal.Code
    /// Why not. No secrets: refusals hold none.
    package var reason: String
    /// How often the same was asked for, and refused for the same reason.
    package var count: Int

    package init(time: Timestamp, who: String, what: String, code: Refusal.Code, reason: String, count: Int = 1) {
        self.time = time
        self.who = RefusedAttempt.shortened(who, to: Limits.nameLength + 8)
        self.what = RefusedAttempt.shortened(what, to: Limits.refusedTextLength)
        self.code = code
        self.reason = RefusedAttempt.shortened(reason, to: Limits.refusedTextLength)
        self.count = count
    }

    /// Scalars are counted: one character may be as long as a book.
    private static func shortened(_ text: String, to length: Int) -> String { String(text.unicodeScalars.prefix(length)) }

    /// What a machine asks for that is no member yet: anybody can, so it has room of its own.
    package static let join = "join"

    fileprivate var isJoin: Bool { what == RefusedAttempt.join }

    fileprivate func isLike(_ other: RefusedAttempt) -> Bool {
        who == other.who && what == other.what && code == other.code && reason == other.reason
    }
}

/// The newest refused attempts: so many of users and so many of strangers, so that neither drives out the other.
package struct RefusedBook: Hashable, Sendable, Codable {
    /// The newest last.
    package private(set) var attempts: [RefusedAttempt] = []

    package init() {}

    package mutating func take(_ attempt: RefusedAttempt) {
        var attempt = attempt
        if let index = attempts.firstIndex(where: attempt.isLike) { attempt.count += attempts.remove(at: index).count }
        attempts.append(attempt)
        let limit = attempt.isJoin ? Limits.refusedJoins : Limits.refusedAttempts
        guard attempts.count(where: { $0.isJoin == attempt.isJoin }) > limit,
            let oldest = attempts.firstIndex(where: { $0.isJoin == attempt.isJoin })
        else { return }
        attempts.remove(at: oldest)
    }
}
