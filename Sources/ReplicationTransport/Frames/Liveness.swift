package import NIOCore

/// When an end of a connection pings, and when it gives the other up. A value: it is told the time.
package struct Liveness: Sendable {
    package enum Due: Hashable, Sendable {
        case nothing
        /// Send a ping.
        case ping
        /// Nothing was heard for too long.
        case silent
        /// What had to happen by the deadline did not.
        case late
    }

    private let terms: TransportTerms
    private var sent: NIODeadline
    private var heard: NIODeadline
    /// Whether the handshake is over: pings make sense from then on.
    package var isOpen = false
    /// A moment at which it is over whatever was heard.
    package var deadline: NIODeadline?

    package init(_ terms: TransportTerms, now: NIODeadline) {
        self.terms = terms
        sent = now
        heard = now
    }

    /// Something was sent.
    package mutating func didSend(at now: NIODeadline) { sent = now }
    /// Something was heard.
    package mutating func didHear(at now: NIODeadline) { heard = now }

    /// What to do at this moment.
    package func due(at now: NIODeadline) -> Due {
        if let deadline, deadline <= now { return .late }
        if heard + terms.silence <= now { return .silent }
        return isOpen && sent + terms.ping <= now ? .ping : .nothing
    }

    /// The earliest moment at which something can be due.
    package var next: NIODeadline {
        let pinging = isOpen ? min(sent + terms.ping, heard + terms.silence) : heard + terms.silence
        return min(pinging, deadline ?? pinging)
    }
}
