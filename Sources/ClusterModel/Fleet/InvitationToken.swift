#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// The text that `muster invite` prints: everything a machine needs to find and trust the cluster, once.
///
/// Its description hides the secret; only ``text`` has it.
package struct InvitationToken: Hashable, Sendable, CustomStringConvertible, CustomDebugStringConvertible {
    package var id: String
    package var secret: String
    package var clusterID: String
    package var cluster: String
    /// SHA-256 of the cluster CA's certificate, which the manager must show.
    package var authority: Digest
    /// The same of the CA that is to take its place, while there is one: a manager may show either.
    package var nextAuthority: Digest?
    /// Where managers take members: `HOST:PORT`.
    package var managers: [String]
    package var expires: Timestamp

    package init(
        id: String, secret: String, clusterID: String, cluster: String, authority: Digest, nextAuthority: Digest? = nil, managers: [String],
        expires: Timestamp
    ) {
        self.id = id
        self.secret = secret
        self.clusterID = clusterID
        self.cluster = cluster
        self.authority = authority
        self.nextAuthority = nextAuthority
        self.managers = managers
        self.expires = expires
    }

    /// The CAs of which a manager must show one.
    package var pinned: [Digest] { [authority] + [nextAuthority].compactMap(\.self) }

    private static let prefix = "muster-invitation-1."

    /// One line without spaces: prefix, content in base64url (RFC 4648, section 5), and the first digits of the content's digest.
    package var text: String {
        var content: [String: JSONValue] = [
            "authority": .string(authority.hex), "cluster": .string(cluster), "clusterID": .string(clusterID),
            "expires": .string(expires.description), "id": .string(id), "managers": .array(managers.map(JSONValue.string)),
            "secret": .string(secret),
        ]
        if let nextAuthority { content["nextAuthority"] = .string(nextAuthority.hex) }
        let bytes = JSONValue.object(content).canonicalBytes
        let base64 = Data(bytes).base64EncodedString().replacing("+", with: "-").replacing("/", with: "_").replacing("=", with: "")
        return InvitationToken.prefix + base64 + "." + Digest(hashing: bytes).short
    }

    /// Reads the text. What was cut or altered on its way is told from what is no invitation at all.
    package init(parsing text: String) throws(Refusal) {
        let line = String(text.drop { $0.isWhitespace }.prefix { !$0.isWhitespace })
        guard line.hasPrefix(InvitationToken.prefix), line.utf8.count < 8192 else {
            throw Refusal(
                .invitation,
                "This is not an invitation. An invitation begins with \"\(InvitationToken.prefix)\" and is printed by: muster invite")
        }
        let altered = Refusal(.invitation, "The invitation was cut or altered on its way. Copy it whole, or ask for another: muster invite")
        let parts = line.dropFirst(InvitationToken.prefix.count).split(separator: ".", omittingEmptySubsequences: false)
        guard parts.count == 2 else { throw altered }
        var base64 = parts[0].replacing("-", with: "+").replacing("_", with: "/")
        base64 += String(repeating: "=", count: (4 - base64.utf8.count % 4) % 4)
        guard let data = Data(base64Encoded: String(base64)), Digest(hashing: Array(data)).short == parts[1],
            let content = try? JSONValue(parsing: data),  // the reason would be no help: the digest matched
            let token = InvitationToken(content)
        else { throw altered }
        self = token
    }

    private init?(_ content: JSONValue) {
        guard let id = content["id"]?.text, let secret = content["secret"]?.text, let clusterID = content["clusterID"]?.text,
            let cluster = content["cluster"]?.text, let authority = content["authority"]?.text.flatMap({ Digest(hex: $0) }),
            let managers = content["managers"]?.items?.compactMap(\.text), !managers.isEmpty,
            let expires = content["expires"]?.text.flatMap(Timestamp.init)
        else { return nil }
        let next = content["nextAuthority"]?.text
        guard next == nil || next.flatMap({ Digest(hex: $0) }) != nil else { return nil }
        self.init(
            id: id, secret: secret, clusterID: clusterID, cluster: cluster, authority: authority,
            nextAuthority: next.flatMap { Digest(hex: $0) }, managers: managers, expires: expires)
    }

    package var description: String { "invitation \(id) to \(cluster) <redacted>" }
    package var debugDescription: String { description }
}
