package import AdminContract
package import ClusterModel

/// Bearer tokens of the admin port. Only their hashes are kept.
package struct Tokens: TokenChecker {
    private let ledger: Ledger
    private let now: WallClock

    package init(ledger: Ledger, now: @escaping WallClock) {
        self.ledger = ledger
        self.now = now
    }

    /// A new token: 256 random bits, and the event that makes it known.
    package static func make(for user: String, expires: Timestamp) -> (token: String, event: TokenCreated) {
        var generator = SystemRandomNumberGenerator()
        let token = "muster-token-" + randomIdentifier(using: &generator) + randomIdentifier(using: &generator)
        let id = String(randomIdentifier(using: &generator).prefix(12))
        return (token, TokenCreated(id: id, user: user, hash: Digest(hashing: Array(token.utf8)), expires: expires))
    }

    /// Looked up by hash, so that the time it takes tells nothing about the token.
    package func caller(bearing token: String) async -> Caller? {
        let users = await ledger.state.users
        guard let known = users.tokens[Digest(hashing: Array(token.utf8))], now() < known.expires,
            let user = users.byName[known.user]
        else { return nil }
        return Caller(user: user.name, role: user.role, group: user.group)
    }
}
