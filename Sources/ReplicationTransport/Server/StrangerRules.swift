import ClusterModel
import Replication

/// What may be sent on a connection without a certificate: one join, be it a preview, and signs of life.
struct StrangerRules {
    private var hasAsked = false

    mutating func check(_ message: MemberMessage) throws(Refusal) {
        switch message {
        case .ping, .pong: return
        case .hello, .receipt, .inventory:
            throw Refusal(.unauthenticated, "Without a certificate of the cluster there is nothing to do here but join.")
        case .join:
            // It is answered, and then the connection is closed: a second one could be taken in and its answer lost.
            guard !hasAsked else { throw Refusal(.limit, "One connection may ask once, be it for a preview. Connect again.") }
            hasAsked = true
        }
    }
}
