import NIOCore

/// What a connection to the admin port has to do by when. A value: it is told what happened, and the time.
struct Visit: Sendable {
    private let terms: AdminTerms
    /// Requests whose answer the peer has not taken yet.
    private var requests = 0
    /// By when it must say something: finish the handshake, or a request's head.
    private var saying: NIODeadline?
    /// By when the rest of a request must be here.
    private var sending: NIODeadline?
    /// By when the peer must have taken an answer.
    private var taking: NIODeadline?
    /// Whether it has shown a valid token.
    var isKnown = false

    /// A connection was accepted.
    init(_ terms: AdminTerms, now: NIODeadline) {
        self.terms = terms
        saying = now + terms.handshake
    }

    /// The handshake is over.
    mutating func shook(at now: NIODeadline) { saying = now + terms.head }

    /// A request's head is here.
    mutating func began(at now: NIODeadline) {
        requests += 1
        saying = nil
        sending = now + terms.transfer
    }

    /// The whole request is here. What the manager does with it may take its time.
    mutating func asked() { sending = nil }

    /// The manager began to answer.
    mutating func answers(at now: NIODeadline) { taking = now + terms.transfer }

    /// The peer has taken an answer.
    mutating func took(at now: NIODeadline) {
        requests -= 1
        taking = nil
        if requests == 0 { saying = now + (isKnown ? terms.idle : terms.head) }
    }

    /// When the connection ends unless something happens; nil while the manager is at work.
    var deadline: NIODeadline? { [saying, sending, taking].compactMap(\.self).min() }
}
