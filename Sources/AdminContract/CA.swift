package import ClusterModel

/// The cluster's own CA, and how far its replacement has come.
package struct CAView: Hashable, Sendable, Codable {
    package var step: Rotation.Step
    /// The CA that every machine trusts.
    package var current: CACertificateView
    /// The one that is to take its place.
    @OrNull package var next: CACertificateView?
    /// The steps that are possible now; the one that leads on comes first.
    package var moves: [Rotation.Move]
    /// Machines that the next step waits for.
    package var waiting: [CAAbsentee]
    /// Open invitations, by their ids, that end when the current CA is retired.
    package var endingInvitations: [String]
    /// Those that this very step ended.
    package var endedInvitations: [String]

    package init(
        step: Rotation.Step, current: CACertificateView, next: CACertificateView?, moves: [Rotation.Move], waiting: [CAAbsentee],
        endingInvitations: [String] = [], endedInvitations: [String] = []
    ) {
        self.step = step
        self.current = current
        _next = OrNull(wrappedValue: next)
        self.moves = moves
        self.waiting = waiting
        self.endingInvitations = endingInvitations
        self.endedInvitations = endedInvitations
    }
}

/// A CA by its certificate.
package struct CACertificateView: Hashable, Sendable, Codable {
    /// SHA-256 of the certificate in DER.
    package var fingerprint: Digest
    package var notAfter: Timestamp

    package init(fingerprint: Digest, notAfter: Timestamp) {
        self.fingerprint = fingerprint
        self.notAfter = notAfter
    }
}

/// A machine that has not confirmed what the next step needs.
package struct CAAbsentee: Hashable, Sendable, Codable {
    package var machine: String
    package var reason: String

    package init(machine: String, reason: String) {
        self.machine = machine
        self.reason = reason
    }
}

/// Asks for a step of the CA's rotation.
package struct CARequest: Hashable, Sendable, Codable {
    package var move: Rotation.Move
    /// Machines that are not waited for, by name.
    package var without: [String]?

    package init(move: Rotation.Move, without: [String]? = nil) {
        self.move = move
        self.without = without
    }
}

/// Asks to let a machine return although its certificate expired.
package struct ReadmissionRequest: Hashable, Sendable, Codable {
    /// Seconds until the grant expires, at most ``Limits/readmissionHours``.
    package var expiresSeconds: Int

    package init(expiresSeconds: Int) { self.expiresSeconds = expiresSeconds }
}

/// A grant to return, once.
package struct ReadmissionView: Hashable, Sendable, Codable {
    package var machine: String
    package var expires: Timestamp

    package init(machine: String, expires: Timestamp) {
        self.machine = machine
        self.expires = expires
    }
}
