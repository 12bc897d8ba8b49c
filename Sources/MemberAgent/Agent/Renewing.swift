import Certificates
import ClusterModel
import Logging
import Replication

/// The agent's part in keeping its identity: a request, and what comes of it on the disk.
extension AgentService {
    /// Asks for another certificate for the key that is there.
    func askForRenewal() -> [Follower.Action] {
        guard let membership = following?.membership else { return [] }
        do {
            let key = try PrivateKey(pem: membership.identity.key)
            let request = try CertificateRequest.make(key: key, commonName: board.name)
            following?.connection?.link.send(.renewal(certificateRequest: request.der))
            return []
        } catch {
            return notTakenUp(Refusal(.unreadable, "No certificate request can be made with this machine's key."))
        }
    }

    /// Changes the identity on the disk; from the next connection on it is the one that is shown.
    func keepIdentity(_ change: (StateDirectory) throws(Refusal) -> LocalMembership) -> [Follower.Action] {
        do throws(Refusal) {
            let membership = try change(directory)
            let papers = try membership.papers
            following?.membership = membership
            logger.notice(
                "the identity was changed", metadata: ["expires": "\(papers.notAfter)", "authorities": "\(papers.trusted.count)"])
            return following?.follower.holding(papers, now: now()) ?? []
        } catch {
            return notTakenUp(error)
        }
    }

    private func notTakenUp(_ refusal: Refusal) -> [Follower.Action] {
        logger.error("the identity stays as it is", metadata: ["reason": "\(refusal.reason)"])
        return following?.follower.notTakenUp(refusal) ?? []
    }
}
