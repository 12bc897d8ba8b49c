import AdminClient
import AdminContract
import ClusterModel
import MemberAgent
import Testing

/// A manager that is killed before and after each step of one request, while a member watches.
@Suite("A manager killed at any step of a request has done it or not", .timeLimit(.minutes(5)))
struct ManagerStepTests {
    @Test func `a commit`() async throws {
        try await eachStep { cluster, step in
            let comment = "commit at \(step)"
            var changeSet: String?
            let outcome = try await cluster.attempt(step) { client in
                let edits = [cluster.edit("a", step), cluster.edit("b", step)]
                changeSet = try await client.edit(edits).changes.first?.changeSet
                _ = try await client.commit(CommitRequest(comment: comment, changeSet: changeSet))
            }
            try await cluster.withManager { client in
                let before = try await client.history().filter { $0.comment == comment }
                #expect(before.count <= 1)
                if outcome.isAnswered { #expect(before.count == 1, "\(step): answered and gone") }
                if step.hasPrefix("log:append") {
                    #expect(before.count == (step.hasSuffix("after") || outcome.isAnswered ? 1 : 0), "\(step)")
                }
                let open = try await client.changes()
                #expect(open.isEmpty || before.isEmpty && open.count == 2, "\(step): torn: \(open)")
                if changeSet == nil, before.isEmpty, open.isEmpty {
                    _ = try await client.edit([cluster.edit("a", step), cluster.edit("b", step)])
                }
                let view = try await client.commit(CommitRequest(comment: comment, changeSet: changeSet))
                if let done = before.first {
                    if changeSet != nil { #expect(view.revision == done.revision, "\(step)") }
                }
                #expect(try await client.history().filter { $0.comment == comment }.count == 1, "\(step)")
                try await cluster.isWhole(client, step)
            }
            return outcome
        }
    }

    @Test func `making a certificate`() async throws {
        try await eachStep { cluster, step in
            let outcome = try await cluster.attempt(step) { client in _ = try await cluster.certificate(client) }
            try await cluster.withManager { client in
                let open = try await client.changes()
                #expect(open.count == 1 || !outcome.isAnswered && open.isEmpty, "\(step)")
                if open.isEmpty { _ = try await cluster.certificate(client) }
                _ = try await client.commit(CommitRequest(comment: ""))
                // Synced means that the machine has the key that the certificate names.
                try await cluster.isWhole(client, step)
            }
            return outcome
        }
    }

    @Test func `an invitation`() async throws {
        try await eachStep { cluster, step in
            var invitation: String?
            let outcome = try await cluster.attempt(step) { client in
                invitation = try await client.invite(InvitationRequest(group: nil, expiresSeconds: 3600)).invitation
            }
            try await cluster.withManager { client in
                let text: String
                if let invitation {
                    text = invitation
                } else {
                    text = try await client.invite(InvitationRequest(group: nil, expiresSeconds: 3600)).invitation
                }
                let preview = try await Muster.run(
                    ["agent", "join", "-", "--state-dir", cluster.state(of: "mx2"), "--preview"], input: text)
                #expect(preview.isDone, "\(step): \(preview.error)")
                try await cluster.isWhole(client, step)
            }
            return outcome
        }
    }

    @Test func `a join`() async throws {
        try await eachStep(messages: ["joined", "welcome", "update"]) { cluster, step in
            let join = ["agent", "join", "-", "--state-dir", cluster.state(of: "mx2"), "--accept-loss"]
            var invitation = ""
            try cluster.restore("mx2")
            try await cluster.withManager { client in
                invitation = try await client.invite(InvitationRequest(group: nil, expiresSeconds: 3600)).invitation
            }
            let outcome = try await cluster.attempt(step) { client in
                let run = try await Muster.run(join, input: invitation)
                guard run.isDone else { throw Refusal(.unavailable, run.error) }
                try await cluster.withAgent("mx2") { try await cluster.synced("mx2", client) }
            }
            try await cluster.withManager { client in
                let isMember = try cluster.disk(of: "mx2").membershipFacts() != nil
                let members = try await client.machines().map(\.name)
                if outcome.isAnswered || isMember { #expect(members == ["mx1", "mx2"], "\(step): answered and gone") }
                if step == "log:append:1:before" { #expect(members == ["mx1"], "\(step)") }
                // Consumed exactly if the membership is there; and for this machine's key it still brings the join to its end.
                if !isMember { try await Muster.succeed(join, input: invitation) }
                #expect(try await client.machines().map(\.name) == ["mx1", "mx2"], "\(step)")
                try await cluster.withAgent("mx2") { try await cluster.synced("mx2", client) }
                _ = try await client.removeMachine("mx2")
                try await cluster.isWhole(client, step)
            }
            return outcome
        }
    }

    @Test func `a removal`() async throws {
        try await eachStep(messages: ["ended"]) { cluster, step in
            try cluster.restore("mx2")
            try await cluster.withManager { client in try await cluster.join("mx2", client) }
            let agent = try await cluster.startAgent("mx2")
            return try await cluster.ending(agent) {
                let outcome = try await cluster.attempt(step) { client in
                    try await cluster.synced("mx2", client)
                    _ = try await client.removeMachine("mx2")
                    try await cluster.wait(for: "mx2 to hear of it") {
                        // A manager that died says nothing more.
                        _ = try await client.whoAmI()
                        return try cluster.disk(of: "mx2").status()?.mode == .standalone
                    }
                }
                try await cluster.withManager { client in
                    let isThere = try await client.machines().contains { $0.name == "mx2" }
                    if outcome.isAnswered { #expect(!isThere, "\(step)") }
                    if step == "log:append:1:before" { #expect(isThere, "\(step)") }
                    if step == "log:append:1:after" { #expect(!isThere, "\(step)") }
                    if isThere { _ = try await client.removeMachine("mx2") }
                    try await cluster.standalone("mx2")
                    try await cluster.isWhole(client, step)
                }
                return outcome
            }
        }
    }

    // MARK: - Steps

    /// Does something with the manager dying at every step of it: each writing call of its log, and the messages named.
    private func eachStep(
        messages: [String] = ["update"], _ body: (CrashCluster, String) async throws -> Outcome
    ) async throws {
        try await CrashCluster.with { cluster in
            try await cluster.withManager { client in
                _ = try await cluster.makeStandalone("mx2")
                try cluster.keep("mx2")
                try await cluster.makeMember("mx1", client)
            }
            let agent = try await cluster.startAgent("mx1")
            try await cluster.ending(agent) {
                try #require(await agent.isReady())
                var deaths = 0
                for call in ["append", "putBlob", "setValue", "deleteBlob"] {
                    for moment in ["before", "after"] {
                        var number = 1
                        while try await body(cluster, "log:\(call):\(number):\(moment)").isKilled { number += 1 }
                        deaths += number - 1
                    }
                }
                for message in messages {
                    for moment in ["before", "after"] { _ = try await body(cluster, "send:\(message):1:\(moment)") }
                }
                Attachment.record("\(deaths) deaths in the log, and \(messages.count * 2) at messages", named: "moments.txt")
                #expect(deaths >= 2)
            }
        }
    }
}

/// What became of a request to a manager that may have died of it.
struct Outcome {
    var isAnswered: Bool
    var isKilled: Bool
}

extension CrashCluster {
    /// Asks a manager that dies at a failpoint; what it refuses otherwise is an error.
    func attempt(_ failpoint: String, _ request: (AdminClient) async throws -> Void) async throws -> Outcome {
        let manager = try await startManager(killedAt: failpoint)
        return try await ending(manager) {
            // A moment of the start, such as the word on a member that connects, may be what it dies of.
            guard await manager.isReady() else { return Outcome(isAnswered: false, isKilled: true) }
            do {
                try await withClient(request)
                return Outcome(isAnswered: true, isKilled: false)
            } catch let refusal as Refusal where refusal.code == .unavailable {
                #expect(try await manager.end() == .killed, "\(failpoint): \(refusal.reason)")
                return Outcome(isAnswered: false, isKilled: true)
            }
        }
    }

    func edit(_ name: String, _ step: String) -> EntryEdit {
        let entry = name + step.map { $0.isLetter || $0.isNumber ? String($0).lowercased() : "-" }.joined() + ".example"
        return EntryEdit(level: .cluster, section: .destinations, entry: entry, operation: .set(["tls": "required"]))
    }

    /// The log is intact and the member that watched is synced with it.
    func isWhole(_ client: AdminClient, _ step: String) async throws {
        let audit = try await client.verifyAudit()
        #expect(audit.intact, "\(step): \(audit.problem ?? "")")
        try await synced("mx1", client)
    }
}
