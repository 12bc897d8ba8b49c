package import ClusterModel

/// What is decided about members' certificates, and about whom they trust.
extension Publisher {
    /// The cluster's CAs as members should know them.
    package struct Authorities: Hashable, Sendable {
        package var offer: AuthorityOffer
        /// The fingerprints of the certificates in the offer.
        package var trusted: [Digest]

        package init(offer: AuthorityOffer, trusted: [Digest]) {
            self.offer = offer
            self.trusted = trusted.sorted()
        }

        package init(_ rotation: Rotation) {
            self.init(
                offer: AuthorityOffer(trust: Rotation.pem(rotation.trusted), issuing: rotation.issuing.fingerprint),
                trusted: rotation.trusted.map(\.fingerprint))
        }

        fileprivate func suit(_ papers: IdentityPapers) -> Bool { papers.trusted == trusted && papers.issuer == offer.issuing }
    }

    /// Takes in whom members should trust; tells those who are there and hold something else.
    package mutating func authoritiesChanged(_ authorities: Authorities?) -> [Action] {
        guard authorities != self.authorities else { return [] }
        self.authorities = authorities
        return order.flatMap { introduce($0) }
    }

    /// Tells a member whom to trust and who issues, once on a connection, if it holds something else.
    mutating func introduce(_ membership: MembershipID) -> [Action] {
        guard lost == nil, let authorities, let member = members[membership], let connection = member.connection,
            let greeting = connection.greeting, greeting.version >= MemberProtocol.identities, let papers = member.record.papers,
            !authorities.suit(papers), connection.offered != authorities.offer
        else { return [] }
        members[membership]?.connection?.offered = authorities.offer
        return [.authorities(connection.id, authorities.offer)]
    }

    /// A member says what it holds now.
    package mutating func papers(_ connection: ConnectionID, _ papers: IdentityPapers, now: Timestamp) -> [Action] {
        guard let membership = connections[connection], members[membership] != nil else { return [] }
        let actions = heard(connection, now: now)
        guard members[membership]?.connection?.greeting != nil else {
            return actions + refusal(of: connection, .invalid, "A member says hello first.") + closed(connection)
        }
        return actions + take(papers, of: membership) + introduce(membership)
    }

    mutating func take(_ papers: IdentityPapers, of membership: MembershipID) -> [Action] {
        guard members[membership]?.record.papers != papers else { return [] }
        members[membership]?.record.papers = papers
        return [.keep(membership)]
    }

    /// A member whose certificate has expired is there: it may ask for another, and people should see that it waits for a grant.
    package mutating func returned(_ connection: ConnectionID, membership: MembershipID) -> [Action] {
        if let end = ended[membership] { return [.end(connection, end), .close(connection)] }
        guard members[membership] != nil else { return refusal(of: connection, .forbidden, Publisher.unknownMembership) }
        returning[connection] = membership
        members[membership]?.record.turnedAway = Publisher.expired
        return []
    }

    /// Who asks for a certificate on a connection, and how; nil with what to do when nothing is to be issued.
    package mutating func renewal(_ connection: ConnectionID, now: Timestamp) -> (asker: RenewalAsker?, actions: [Action]) {
        if let membership = returning[connection] {
            return (RenewalAsker(membership: membership, hasExpired: true, closesAfter: true), [])
        }
        guard let membership = connections[connection], let open = members[membership]?.connection else { return (nil, []) }
        let actions = heard(connection, now: now)
        guard open.renewals < Limits.renewalsPerConnection else {
            let reason = "A member asks for at most \(Limits.renewalsPerConnection) certificates on a connection."
            return (nil, actions + refusal(of: connection, .limit, reason) + closed(connection))
        }
        members[membership]?.connection?.renewals += 1
        // Before its hello it is one that takes its certificate for expired, and comes again with the new one.
        return (RenewalAsker(membership: membership, hasExpired: false, closesAfter: open.greeting == nil), actions)
    }

    /// Who asks for another certificate.
    package struct RenewalAsker: Hashable, Sendable {
        package var membership: MembershipID
        /// Its certificate is over: it needs a grant.
        package var hasExpired: Bool
        package var closesAfter: Bool

        package init(membership: MembershipID, hasExpired: Bool, closesAfter: Bool) {
            self.membership = membership
            self.hasExpired = hasExpired
            self.closesAfter = closesAfter
        }
    }

    static let expired =
        "its certificate expired while it was away. Let it return with: muster machine readmit NAME"
}
