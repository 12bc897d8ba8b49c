package import ClusterModel

/// How the API says no: the body of every answer that is not a success.
package struct ErrorBody: Hashable, Sendable, Codable {
    package var code: Refusal.Code
    package var reason: String
    package var details: [String]

    package init(_ refusal: Refusal) {
        code = refusal.code
        reason = refusal.reason
        details = refusal.details
    }

    package var refusal: Refusal { Refusal(code, reason, details: details) }
}

/// What a refusal is called outside: the HTTP status of an answer, and the exit status of a command.
package struct Outcome: Hashable, Sendable {
    package var httpStatus: Int
    package var exitStatus: Int32

    /// Wrong usage of the command line: `EX_USAGE` of sysexits.h.
    package static let usage: Int32 = 64
    /// The manager cannot be reached: `EX_UNAVAILABLE` of sysexits.h.
    package static let unreachable: Int32 = 69

    /// Every code there is, with its outcome. A test compares the keys with ``Refusal/Code``.
    package static let table: [Refusal.Code: Outcome] = [
        .invalid: Outcome(400),
        .notFound: Outcome(404),
        .exists: Outcome(409),
        .conflict: Outcome(409),
        .wouldBreak: Outcome(422),
        .wrongLevel: Outcome(422),
        .inUse: Outcome(409),
        .unauthenticated: Outcome(401),
        .forbidden: Outcome(403),
        .invitation: Outcome(422),
        .awaitingApproval: Outcome(409),
        .membershipEnded: Outcome(410),
        .certificateExpired: Outcome(403),
        .duplicateMember: Outcome(409),
        .lossNotAccepted: Outcome(409),
        .limit: Outcome(413),
        .version: Outcome(422),
        .unreadable: Outcome(422),
        .unavailable: Outcome(503, exit: unreachable),
        .lookup: Outcome(502),
        .failure: Outcome(500),
    ]

    /// The outcome of a code. One that only a newer peer knows is a refusal like others.
    package static func of(_ code: Refusal.Code) -> Outcome {
        table[code] ?? Outcome(422)
    }

    private init(_ httpStatus: Int, exit exitStatus: Int32 = 1) {
        self.httpStatus = httpStatus
        self.exitStatus = exitStatus
    }
}

extension Refusal.Code {
    /// Something went wrong inside the manager; its log has more under the id that the reason names.
    package static let failure = Refusal.Code(rawValue: "failure")
}
