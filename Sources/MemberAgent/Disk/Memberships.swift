import Certificates
package import ClusterModel
import Replication

extension StateDirectory {
    /// The machine's identity as a member; nil when it is standalone.
    package func membership() throws(Refusal) -> LocalMembership? {
        guard let facts = try membershipFacts() else { return nil }
        return LocalMembership(
            facts: facts,
            identity: MemberIdentity(certificate: try text("certificate.pem"), key: try text("key.pem")),
            trust: try text("trust.pem"))
    }

    /// Which stay in which cluster this is; nil when the machine is standalone.
    package func membershipFacts() throws(Refusal) -> LocalMembership.Facts? {
        guard let facts = try read("identity/membership.json", as: LocalMembership.Facts.self) else {
            guard disk.exists("identity") else { return nil }
            throw missing("membership.json")
        }
        return facts
    }

    /// Makes the machine a member: the identity is there whole, or not at all.
    package func takeUp(_ membership: LocalMembership) throws(Refusal) {
        try exclusively { () throws(Refusal) in
            guard !disk.exists("identity") else {
                throw Refusal(.exists, "This machine is a member already. Let it leave first: muster agent leave --state-dir \(path)")
            }
            let aside = ".new-identity"
            try disk.remove(aside)
            try disk.makeDirectory(aside)
            try disk.create("\(aside)/key.pem", Array(membership.identity.key.utf8))
            try disk.create("\(aside)/certificate.pem", Array(membership.identity.certificate.utf8))
            try disk.create("\(aside)/trust.pem", Array(membership.trust.utf8))
            try disk.create("\(aside)/membership.json", try StateDirectory.json(membership.facts))
            try disk.sync(aside)
            // What was seen of another cluster's log says nothing about this one's.
            try disk.remove("seen.json")
            try disk.remove(StateDirectory.apart)
            try disk.rename(aside, to: "identity")
            try disk.remove(StateDirectory.joining)
            try disk.sync("")
        }
    }

    /// Takes the identity away in one step, then its key from the disk. None is well too.
    func removeIdentity() throws(Refusal) {
        guard disk.exists("identity") else { return }
        let aside = ".old-identity"
        try disk.remove(StateDirectory.joining)
        try disk.remove(aside)
        try disk.rename("identity", to: aside)
        try disk.sync("")
        try disk.remove(aside)
        try disk.remove("seen.json")
        try disk.remove(StateDirectory.apart)
        try disk.sync("")
    }

    // MARK: - A join on its way

    static let joining = "joining.json"

    /// The key of a join that was begun, and with which invitation.
    private struct Joining: Codable {
        var invitation: String
        var key: String
        /// The invitation itself, and from where it was asked for, when nobody else has it.
        var text: String?
        var source: String?
    }

    /// The key to join with: that of an attempt with the same invitation, or a new one, which is on the disk before it is used.
    ///
    /// An invitation that was asked for just now, from `source`, is kept with it.
    func joiningKey(
        for invitation: InvitationToken, from source: String? = nil, new: () throws(Refusal) -> PrivateKey
    ) throws(Refusal) -> PrivateKey {
        try exclusively { () throws(Refusal) in
            // One that cannot be read is of no use, and was perhaps never shown to a manager.
            if let begun = try? read(StateDirectory.joining, as: Joining.self), begun.invitation == invitation.id,
                let key = try? PrivateKey(pem: begun.key)
            {
                return key
            }
            let key = try new()
            try write(
                Joining(invitation: invitation.id, key: key.pem, text: source.map { _ in invitation.text }, source: source),
                to: StateDirectory.joining)
            return key
        }
    }

    /// The invitation of a join that was begun and not ended, if it was asked for from the same source.
    func begunInvitation(from source: String) -> InvitationToken? {
        // One that cannot be read is of no use: another is asked for.
        guard let begun = try? read(StateDirectory.joining, as: Joining.self), begun.source == source else { return nil }
        return begun.text.flatMap { try? InvitationToken(parsing: $0) }
    }

    /// Gives up a join that was refused.
    func forgetJoiningKey() throws(Refusal) {
        try exclusively { () throws(Refusal) in try disk.remove(StateDirectory.joining) }
    }

    private func text(_ name: String) throws(Refusal) -> String {
        guard let bytes = try disk.read("identity/\(name)", limit: Limits.certificateFileBytes) else { throw missing(name) }
        return String(decoding: bytes, as: UTF8.self)
    }

    private func missing(_ name: String) -> Refusal {
        Refusal(
            .unreadable,
            "The identity in \(disk.absolute("identity")) lacks \(name). Restore it from a backup, or let this machine leave "
                + "(muster agent leave) and join again."
        )
    }
}
