import Certificates
package import ClusterModel
package import Replication

/// Changes of an identity that is there. Each file is the old or the new, whole; the key never changes.
extension StateDirectory {
    /// Trusts these CAs and no others from now on. Answers the identity as it is on the disk then.
    package func adopt(_ offer: AuthorityOffer) throws(Refusal) -> LocalMembership {
        try changeIdentity { membership throws(Refusal) in
            let trusted = try StateDirectory.authorities(offer.trust, of: membership)
            guard trusted.contains(where: { $0.fingerprint == offer.issuing }) else {
                throw Refusal(.unauthenticated, "The manager names an authority that issues and is not to be trusted.")
            }
            try replaceTrust(offer.trust, of: membership)
        }
    }

    /// Puts another certificate for the same key in the place of the one that is there, after those who vouch for it.
    package func takeUp(_ renewed: RenewedIdentity, now: Timestamp) throws(Refusal) -> LocalMembership {
        try changeIdentity { membership throws(Refusal) in
            let trusted = try StateDirectory.authorities(renewed.trust, of: membership)
            let chain = try CertificateChain(pem: renewed.certificate)
            guard chain.isServed(by: try PrivateKey(pem: membership.identity.key)) else {
                throw Refusal(.unauthenticated, "The certificate that the manager sent is not for this machine's key.")
            }
            let identity = try verifyIdentity(chainDER: chain.der, trust: trusted, clusterID: membership.facts.clusterID, now: now)
            guard identity == .machine(membership.facts.membership) else {
                throw Refusal(.unauthenticated, "The certificate that the manager sent names another membership.")
            }
            try replaceTrust(renewed.trust, of: membership)
            try replaceInIdentity("certificate.pem", renewed.certificate)
        }
    }

    private func changeIdentity(_ change: (LocalMembership) throws(Refusal) -> Void) throws(Refusal) -> LocalMembership {
        try exclusively { () throws(Refusal) in
            let gone = Refusal(.membershipEnded, "This machine has left the cluster at this moment.")
            guard let membership = try membership() else { throw gone }
            try change(membership)
            guard let changed = try self.membership() else { throw gone }
            return changed
        }
    }

    private static func authorities(_ pem: String, of membership: LocalMembership) throws(Refusal) -> [TrustedAuthority] {
        let trusted = try TrustedAuthority.list(pem: pem)
        guard trusted.allSatisfy({ $0.clusterID == membership.facts.clusterID }) else {
            throw Refusal(.unauthenticated, "The manager names an authority of another cluster.")
        }
        return trusted
    }

    private func replaceTrust(_ pem: String, of membership: LocalMembership) throws(Refusal) {
        if pem != membership.trust { try replaceInIdentity("trust.pem", pem) }
    }

    private func replaceInIdentity(_ name: String, _ text: String) throws(Refusal) {
        let aside = "identity/.new-\(name)"
        try disk.remove(aside)
        try disk.create(aside, Array(text.utf8))
        try disk.rename(aside, to: "identity/\(name)")
        try disk.sync("identity")
    }
}

extension LocalMembership {
    /// What is held, for the manager to know.
    var papers: IdentityPapers {
        get throws(Refusal) { try IdentityPapers(chainPEM: identity.certificate, trustPEM: trust) }
    }
}
