package import ClusterModel

/// One end of an open connection between a member and a manager.
///
/// Messages arrive at the other end whole, in order, at most once; after a close from either side, nothing more
/// arrives. `send` never blocks and never fails: what cannot be delivered is lost with the connection.
package protocol Link<Outgoing>: AnyObject, Sendable {
    associatedtype Outgoing: Sendable

    /// Queues one message.
    func send(_ message: Outgoing)
    /// Closes once everything queued is written.
    func close()
}

/// Who is at the other end of a connection to the member port, as its certificate proved.
package enum Peer: Hashable, Sendable {
    /// No certificate: may send one join request and nothing else.
    case stranger
    case member(MembershipID)
    /// A member whose certificate has expired: may ask for another one and nothing else.
    case returning(MembershipID)
}

/// A number for one accepted connection, never used again by the same process.
package struct ConnectionID: RawRepresentable, Hashable, Sendable {
    package var rawValue: UInt64
    package init(rawValue: UInt64) { self.rawValue = rawValue }
}

/// The manager's side of the member port: what a transport tells about the connections it accepted.
///
/// Called on the transport's threads, for one connection in order: `opened` first, `closed` last and once. No call
/// may block. The transport answers pings, and closes a connection that is silent, sends a frame over the limit or
/// that does not decode, or (for a stranger) anything but a join request.
package protocol MemberPort: Sendable {
    func opened(_ connection: ConnectionID, peer: Peer, link: any Link<ManagerMessage>)
    /// A member was turned away before its connection was opened, because it speaks another version. For people to see.
    func turnedAway(_ membership: MembershipID, because reason: String)
    func received(_ message: MemberMessage, on connection: ConnectionID)
    func closed(_ connection: ConnectionID)
}

extension MemberPort {
    /// Not everybody has people to tell.
    package func turnedAway(_ membership: MembershipID, because reason: String) {}
}

/// What the member's side hears of its connection.
package enum MemberLinkEvent: Hashable, Sendable {
    case received(ManagerMessage)
    /// The last event.
    case closed(reason: String)
}

/// The member's side: opens connections to managers.
package protocol ManagerConnector: Sendable {
    /// Connects to one manager, as a stranger (identity nil) or as a member.
    ///
    /// Throws ``ClusterModel/Refusal`` with code `unavailable` when nothing answers, and `forbidden` when what
    /// answers is not a manager of the cluster that was pinned. Events end with `closed`.
    func connect(to manager: String, as identity: MemberIdentity?, trusting trust: ManagerTrust) async throws(Refusal)
        -> (link: any Link<MemberMessage>, events: AsyncStream<MemberLinkEvent>)
}

/// A member's own certificate and key, PEM. Its description shows neither.
package struct MemberIdentity: Hashable, Sendable, CustomStringConvertible, CustomDebugStringConvertible {
    package var certificate: String
    package var key: String

    package init(certificate: String, key: String) {
        self.certificate = certificate
        self.key = key
    }

    package var description: String { "<redacted>" }
    package var debugDescription: String { description }
}

/// What a member trusts to be a manager: a server certificate with a manager's SPIFFE ID of this cluster.
package enum ManagerTrust: Hashable, Sendable {
    /// As a member: signed by one of these CA certificates (PEM).
    case authorities(pem: String, clusterID: String)
    /// As a stranger with an invitation: a CA in the server's chain has one of these SHA-256 fingerprints.
    case fingerprints([Digest], clusterID: String)
}
