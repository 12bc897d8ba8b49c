import AdminContract
import ClusterModel
import ClusterService
import Testing

@Suite("Several administrators, each with a role")
struct UserTests {
    @Test func `a user is who the token says, with the role of the log, until the token or the user ends`() async throws {
        let desk = try await Desk.make()
        let tokens = Tokens(ledger: desk.ledger, now: desk.clock.now)
        _ = try await desk.admin.addUser(UserRequest(name: "bob", role: .operator), for: desk.caller)
        let short = try await desk.admin.createToken(TokenRequest(user: "bob", expiresSeconds: 60), for: desk.caller)
        let long = try await desk.admin.createToken(TokenRequest(user: "bob", expiresSeconds: 3600), for: desk.caller)
        #expect(await tokens.caller(bearing: short.token) == Caller(user: "bob", role: .operator))
        #expect(try await desk.admin.users(for: desk.caller).map(\.tokens) == [1, 2])
        desk.clock.advance(seconds: 60)
        #expect(await tokens.caller(bearing: short.token) == nil)
        #expect(await tokens.caller(bearing: long.token) != nil)
        let bob = Caller(user: "bob", role: .operator)
        try await desk.set(.destinations, "default", ["tls": "required"], by: bob)
        let removal = try await desk.admin.removeUser("bob", for: desk.caller)
        #expect(removal == UserRemoval(name: "bob", tokens: 1, discarded: 1))
        #expect(await tokens.caller(bearing: long.token) == nil)
        // Another person of that name finds nothing of the former one's.
        _ = try await desk.admin.addUser(UserRequest(name: "bob", role: .readOnly), for: desk.caller)
        #expect(await tokens.caller(bearing: long.token) == nil)
        #expect(try await desk.admin.changes(for: bob).isEmpty)
        #expect(!"\(long) \(String(reflecting: long))".contains(long.token))
    }

    @Test func `the last administrator stays`() async throws {
        let desk = try await Desk.make()
        await #expect(throws: Refusal(.inUse, "")) { try await desk.admin.removeUser("ann", for: desk.caller) }
        _ = try await desk.admin.addUser(UserRequest(name: "bob", role: .administrator), for: desk.caller)
        // Both remove each other at the same moment: one of them stays.
        let outcomes = await withTaskGroup(of: Bool.self) { group in
            for name in ["ann", "bob"] {
                group.addTask { (try? await desk.admin.removeUser(name, for: desk.caller)) != nil }
            }
            return await group.reduce(into: [Bool]()) { $0.append($1) }
        }
        #expect(outcomes.count { $0 } == 1)
        #expect(await desk.ledger.state.users.all.count == 1)
    }

    @Test func `only administrators look after users, and what they do is in the log`() async throws {
        let desk = try await Desk.make()
        for role in [Role.readOnly, .operator] {
            let caller = Caller(user: "oscar", role: role)
            await #expect(throws: Refusal(.forbidden, "")) {
                try await desk.admin.addUser(UserRequest(name: "eve", role: .administrator), for: caller)
            }
            await #expect(throws: Refusal(.forbidden, "")) { try await desk.admin.removeUser("ann", for: caller) }
            await #expect(throws: Refusal(.forbidden, "")) {
                try await desk.admin.createToken(TokenRequest(user: "ann", expiresSeconds: 60), for: caller)
            }
        }
        _ = try await desk.admin.addUser(UserRequest(name: "bob", role: .operator), for: desk.caller)
        _ = try await desk.admin.createToken(TokenRequest(user: "bob", expiresSeconds: 60), for: desk.caller)
        _ = try await desk.admin.removeUser("bob", for: desk.caller)
        let audit = try await desk.admin.audit(Page(after: 2), for: desk.caller)
        #expect(audit.map(\.kind) == ["user-added", "token-created", "user-removed"])
        #expect(audit.map(\.author) == ["ann", "ann", "ann"])
        #expect(audit[0].summary == "added bob as operator")
    }

    @Test func `names that are taken or wrong, unknown users and tokens for ever are refused`() async throws {
        let desk = try await Desk.make()
        await #expect(throws: Refusal(.exists, "")) {
            try await desk.admin.addUser(UserRequest(name: "ann", role: .operator), for: desk.caller)
        }
        await #expect(throws: Refusal(.invalid, "")) {
            try await desk.admin.addUser(UserRequest(name: "../x", role: .operator), for: desk.caller)
        }
        await #expect(throws: Refusal(.notFound, "")) { try await desk.admin.removeUser("nobody", for: desk.caller) }
        await #expect(throws: Refusal(.notFound, "")) {
            try await desk.admin.createToken(TokenRequest(user: "nobody", expiresSeconds: 60), for: desk.caller)
        }
        for seconds in [0, -1, Limits.tokenHours * 3600 + 1] {
            await #expect(throws: Refusal(.limit, "")) {
                try await desk.admin.createToken(TokenRequest(user: nil, expiresSeconds: seconds), for: desk.caller)
            }
        }
    }

    @Test func `a user has so many tokens at a time`() async throws {
        let desk = try await Desk.make()
        // One is there already.
        for _ in 1..<Limits.tokensPerUser {
            _ = try await desk.admin.createToken(TokenRequest(user: nil, expiresSeconds: 60), for: desk.caller)
        }
        await #expect(throws: Refusal(.limit, "")) {
            try await desk.admin.createToken(TokenRequest(user: nil, expiresSeconds: 60), for: desk.caller)
        }
        desk.clock.advance(seconds: 60)
        _ = try await desk.admin.createToken(TokenRequest(user: nil, expiresSeconds: 60), for: desk.caller)
        #expect(await desk.ledger.state.users.tokens.count == 2)
    }
}
