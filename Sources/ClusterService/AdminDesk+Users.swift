package import AdminContract
package import ClusterModel

extension AdminDesk {
    package func users(for caller: Caller) async throws(Refusal) -> [UserView] {
        try await require(.readOnly, of: caller)
        let (state, now) = (await ledger.state, certificateDesk.now())
        return state.users.all.map { AdminDesk.view(of: $0, in: state, at: now) }
    }

    package func addUser(_ request: UserRequest, for caller: Caller) async throws(Refusal) -> UserView {
        try await require(.administrator, of: caller)
        let name = try NameRule.plain.check(request.name, as: "The user name")
        let before = await ledger.state
        let group = try request.group.map { name throws(Refusal) in try before.group(name).id }
        guard before.users.byName[name] == nil else {
            throw Refusal(.exists, "There is a user \"\(name)\" already. To change the role, remove the user and add it again.")
        }
        // What a former user of that name left undone is nobody's.
        _ = try await desk.discard(by: name) { _ in true }
        let state = try await ledger.append(by: caller.user) { state, _ throws(Refusal) in
            try Lookalikes.check(name, of: "user", among: state.users.byName.keys)
            return .userAdded(UserAdded(user: name, role: request.role, group: group))
        }
        guard let user = state.users.byName[name] else { throw Refusal(.conflict, "\(name) was removed by somebody else at this moment.") }
        return AdminDesk.view(of: user, in: state, at: certificateDesk.now())
    }

    package func removeUser(_ name: String, for caller: Caller) async throws(Refusal) -> UserRemoval {
        try await require(.administrator, of: caller)
        let users = await ledger.state.users
        try await ledger.append(by: caller.user) { _, _ throws(Refusal) in .userRemoved(UserRemoved(user: name)) }
        let discarded = try await desk.discard(by: name) { _ in true }
        let now = certificateDesk.now()
        return UserRemoval(name: name, tokens: users.tokens.values.count { $0.user == name && now < $0.expires }, discarded: discarded)
    }

    package func createToken(_ request: TokenRequest, for caller: Caller) async throws(Refusal) -> TokenView {
        try await require(.administrator, of: caller)
        let seconds = request.expiresSeconds
        guard seconds > 0, seconds <= Limits.tokenHours * 3600 else {
            throw Refusal(.limit, "A token is good for at most \(Limits.tokenHours / 24) days, and at least a second.")
        }
        let name = request.user ?? caller.user
        let (token, event) = Tokens.make(for: name, expires: certificateDesk.now().adding(seconds: Int64(seconds)))
        let state = try await ledger.append(by: caller.user) { _, _ throws(Refusal) in .tokenCreated(event) }
        guard let role = state.users.byName[name]?.role else {
            throw Refusal(.conflict, "\(name) was removed by somebody else at this moment.")
        }
        return TokenView(
            token: token, id: event.id, user: name, role: role, expires: event.expires, ca: state.rotation.map { Rotation.pem($0.trusted) })
    }

    private static func view(of user: User, in state: ClusterState, at now: Timestamp) -> UserView {
        UserView(
            name: user.name, role: user.role, group: user.group.flatMap(state.name), added: user.added, addedBy: user.addedBy,
            tokens: state.users.tokens.values.count { $0.user == user.name && now < $0.expires })
    }
}
