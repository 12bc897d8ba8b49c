import ClusterModel
import Replication

/// What may be sent on a connection without a certificate: one preview of a join, one join, and signs of life.
struct StrangerRules {
    private var hasPreviewed = false
    private var hasJoined = false

    mutating func check(_ message: MemberMessage) throws(Refusal) {
        switch message {
        case .ping, .pong: return
        case .hello, .receipt:
            throw Refusal(.unauthenticated, "Without a certificate of the cluster there is nothing to do here but join.")
        case .join(let request):
            guard !hasJoined, !(request.isPreview && hasPreviewed) else {
                throw Refusal(.limit, "One connection may ask to join once, after one preview. Connect again.")
            }
            if request.isPreview { hasPreviewed = true } else { hasJoined = true }
        }
    }
}
