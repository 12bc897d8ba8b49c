import ClusterModel
import Replication

extension Peer {
    /// Whether it may say all that members say.
    var isMember: Bool {
        if case .member = self { true } else { false }
    }
}

/// What may be sent on a connection without a valid certificate: one request, and signs of life. A stranger asks to join, be it for a
/// preview; a member whose certificate has expired asks for another.
struct StrangerRules {
    private var hasAsked = false

    mutating func check(_ message: MemberMessage, from peer: Peer) throws(Refusal) {
        switch (message, peer) {
        case (.ping, _), (.pong, _): return
        case (.join, .stranger), (.renewal, .returning):
            // It is answered, and then the connection is closed: a second one could be taken in and its answer lost.
            guard !hasAsked else { throw Refusal(.limit, "One connection may ask once, be it for a preview. Connect again.") }
            hasAsked = true
        case (_, .returning):
            throw Refusal(
                .certificateExpired,
                "The certificate of this machine has expired. Ask an administrator for a grant to return: muster machine readmit NAME")
        default: throw Refusal(.unauthenticated, "Without a certificate of the cluster there is nothing to do here but join.")
        }
    }
}
