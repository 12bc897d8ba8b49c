package import ClusterModel

/// Somebody who may use the cluster.
package struct UserView: Hashable, Sendable, Codable {
    package var name: String
    package var role: Role
    /// The group that the role is limited to; null for the whole cluster.
    @OrNull package var group: String?
    package var added: Timestamp
    package var addedBy: String
    /// How many of the user's tokens are good now.
    package var tokens: Int

    package init(name: String, role: Role, group: String? = nil, added: Timestamp, addedBy: String, tokens: Int) {
        self.group = group
        self.name = name
        self.role = role
        self.added = added
        self.addedBy = addedBy
        self.tokens = tokens
    }
}

/// Asks to let somebody use the cluster.
package struct UserRequest: Hashable, Sendable, Codable {
    package var name: String
    package var role: Role
    /// The group to limit the role to; the whole cluster when there is none.
    package var group: String?

    package init(name: String, role: Role, group: String? = nil) {
        self.group = group
        self.name = name
        self.role = role
    }
}

/// What the removal of a user ended.
package struct UserRemoval: Hashable, Sendable, Codable {
    package var name: String
    /// Tokens that are good for nothing now.
    package var tokens: Int
    /// Uncommitted edits that went with the user.
    package var discarded: Int

    package init(name: String, tokens: Int, discarded: Int) {
        self.name = name
        self.tokens = tokens
        self.discarded = discarded
    }
}

/// Asks for a token.
package struct TokenRequest: Hashable, Sendable, Codable {
    /// Whose it is; the caller's own when there is none.
    package var user: String?
    /// Seconds until it expires, at most ``Limits/tokenHours``.
    package var expiresSeconds: Int

    package init(user: String?, expiresSeconds: Int) {
        self.user = user
        self.expiresSeconds = expiresSeconds
    }
}

/// A token, once: the manager keeps only its hash.
package struct TokenView: Hashable, Sendable, Codable {
    /// A secret.
    package var token: String
    package var id: String
    package var user: String
    package var role: Role
    package var expires: Timestamp
    /// The CAs to trust with it, PEM.
    package var ca: String?

    package init(token: String, id: String, user: String, role: Role, expires: Timestamp, ca: String? = nil) {
        self.ca = ca
        self.token = token
        self.id = id
        self.user = user
        self.role = role
        self.expires = expires
    }
}

extension TokenView: CustomStringConvertible, CustomDebugStringConvertible {
    package var description: String { "token \(id) of \(user) <redacted>" }
    package var debugDescription: String { description }
}
