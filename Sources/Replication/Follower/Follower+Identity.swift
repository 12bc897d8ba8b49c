package import ClusterModel

/// What a member decides about its certificate and about whom it trusts.
struct HeldIdentity: Sendable {
    /// Nil for a member that renews nothing.
    var papers: IdentityPapers?
    /// Who issues now, as the manager at the other end said.
    var issuing: Digest?
    /// When a certificate was last asked for on this connection.
    private var asked: Timestamp?
    /// A manager said that the certificate has expired, whatever the clock here says.
    private var isOver = false

    /// Seconds after which an answer is not waited for any more.
    private static let patience: Int64 = 3600

    init(papers: IdentityPapers?) { self.papers = papers }

    var hasAsked: Bool { asked != nil }

    /// A connection is open; true when there is only one thing to say on it: that another certificate is needed.
    mutating func connected(now: Timestamp) -> Bool {
        issuing = nil
        asked = nil
        guard let papers, isOver || papers.hasExpired(at: now) else { return false }
        asked = now
        return true
    }

    mutating func refused(_ code: Refusal.Code) { if code == .certificateExpired { isOver = true } }

    mutating func holds(_ papers: IdentityPapers) {
        if papers.notAfter != self.papers?.notAfter || papers.issuer != self.papers?.issuer { (asked, isOver) = (nil, false) }
        self.papers = papers
    }

    /// Whether to ask for another certificate now; remembers that it was.
    mutating func asks(now: Timestamp) -> Bool {
        guard let papers, papers.isRenewalDue(at: now, issuing: issuing) else { return false }
        if let asked, (0..<HeldIdentity.patience).contains(now.seconds - asked.seconds) { return false }
        asked = now
        return true
    }
}

extension Follower {
    /// What it holds of its identity; nil for a member that renews nothing.
    package var papers: IdentityPapers? { identity.papers }

    /// Time passes: a certificate comes to its end. Call it every second or so.
    package mutating func tick(now: Timestamp) -> [Action] { renewIfDue(now: now) }

    mutating func renewIfDue(now: Timestamp) -> [Action] {
        guard isWelcome, version >= MemberProtocol.identities, identity.asks(now: now) else { return [] }
        return [.renew]
    }

    mutating func offered(_ offer: AuthorityOffer) -> [Action] {
        guard isWelcome, identity.papers != nil else { return [] }
        identity.issuing = offer.issuing
        return [.adopt(offer)]
    }

    /// What became of ``Action/adopt(_:)`` or ``Action/takeUp(_:)``: what is on the disk now.
    package mutating func holding(_ papers: IdentityPapers, now: Timestamp) -> [Action] {
        identity.holds(papers)
        guard !isWelcome else { return [.show(papers)] + renewIfDue(now: now) }
        objection = nil
        if !papers.hasExpired(at: now) { backoff.succeeded() }
        return [.hangUp(Refusal(.unavailable, "This machine has a new certificate and connects again with it."))]
    }

    /// A certificate or a list of CAs was not taken up: whatever was held before still is.
    package mutating func notTakenUp(_ refusal: Refusal) -> [Action] { isWelcome ? [] : giveUp(refusal) }
}
