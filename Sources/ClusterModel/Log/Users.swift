/// What a user may do (mission C12). Each role may do what the one before it may.
package enum Role: String, CaseIterable, Hashable, Sendable, Codable, Comparable {
    /// Sees everything but secrets.
    case readOnly = "read-only"
    /// Also edits, commits, checks and tests.
    case `operator`
    /// Also users, invitations, removal, key export and the CA.
    case administrator

    private var rank: Int { Role.allCases.firstIndex(of: self) ?? 0 }

    package static func < (left: Role, right: Role) -> Bool { left.rank < right.rank }
}

/// Somebody may use the cluster from now on.
package struct UserAdded: Hashable, Sendable, Codable {
    package var user: String
    package var role: Role
    /// The group that the role is limited to; nil for the whole cluster.
    package var group: GroupID?

    package init(user: String, role: Role, group: GroupID? = nil) {
        self.user = user
        self.role = role
        self.group = group
    }
}

/// Somebody may not use the cluster any more; the tokens end with it.
package struct UserRemoved: Hashable, Sendable, Codable {
    package var user: String

    package init(user: String) {
        self.user = user
    }
}

/// Somebody who may use the cluster.
package struct User: Hashable, Sendable {
    package var name: String
    package var role: Role
    /// The group that the role is limited to; nil for the whole cluster.
    package var group: GroupID?
    package var added: Timestamp
    package var addedBy: String

    fileprivate var isWholeAdministrator: Bool { role == .administrator && group == nil }
}

/// The users of a cluster and their tokens, as the log tells them.
package struct Users: Sendable {
    package private(set) var byName: [String: User] = [:]
    /// By the token's hash. Those that expire are dropped when another one is made.
    package private(set) var tokens: [Digest: TokenCreated] = [:]

    /// Sorted by name.
    package var all: [User] { byName.values.sorted { $0.name < $1.name } }

    /// Whether a user is the only one who may look after users: an administrator of a group may not.
    package func isLastAdministrator(_ name: String) -> Bool {
        byName[name]?.isWholeAdministrator == true && byName.values.count { $0.isWholeAdministrator } == 1
    }

    mutating func fold(_ event: UserAdded, time: Timestamp, author: String) throws(Refusal) {
        guard byName[event.user] == nil else { throw Refusal(.exists, "There is a user \"\(event.user)\" already.") }
        guard byName.count < Limits.users else { throw Refusal(.limit, "There are already \(Limits.users) users.") }
        byName[event.user] = User(name: event.user, role: event.role, group: event.group, added: time, addedBy: author)
    }

    mutating func fold(_ event: UserRemoved) throws(Refusal) {
        guard byName[event.user] != nil else {
            throw Refusal(.notFound, "There is no user \"\(event.user)\". List them with: muster user list")
        }
        guard !isLastAdministrator(event.user) else {
            throw Refusal(
                .inUse,
                "\(event.user) is the only administrator of the whole cluster, and without one nobody could look after the cluster. Add another first: muster user add NAME --role administrator"
            )
        }
        byName[event.user] = nil
        tokens = tokens.filter { $0.value.user != event.user }
    }

    /// The first token of a cluster is its first administrator's: that is how a cluster begins.
    mutating func fold(_ event: TokenCreated, time: Timestamp, author: String) throws(Refusal) {
        if byName.isEmpty { byName[event.user] = User(name: event.user, role: .administrator, added: time, addedBy: author) }
        guard byName[event.user] != nil else {
            throw Refusal(.notFound, "There is no user \"\(event.user)\". Add one first: muster user add \(event.user) --role ROLE")
        }
        tokens = tokens.filter { time < $0.value.expires }
        guard tokens.values.count(where: { $0.user == event.user }) < Limits.tokensPerUser else {
            throw Refusal(.limit, "\(event.user) has \(Limits.tokensPerUser) tokens that have not expired; no more are made.")
        }
        tokens[event.hash] = event
    }
}
