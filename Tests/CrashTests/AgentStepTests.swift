import AdminClient
import AdminContract
import ClusterModel
import FoundationEssentials
import MemberAgent
import Replication
import Testing

/// An agent that is killed at each step of what it does, one after the other, until it has done all of it unharmed.
@Suite("An agent killed at any step serves the old or the new, and gets there", .timeLimit(.minutes(5)))
struct AgentStepTests {
    /// Moments besides the steps of the disk; how often each comes in one life of an agent.
    private static let others = [
        "apply:1:before", "apply:1:after", "apply:2:before", "apply:2:after", "send:hello:1:before", "send:hello:1:after",
        "send:receipt:1:before", "send:receipt:1:after", "send:receipt:2:before", "send:receipt:2:after",
    ]

    @Test func `applying a commit with a new certificate`() async throws {
        try await CrashCluster.with { cluster in
            try await cluster.withManager { client in
                try await cluster.makeMember("mx1", client)
                var number = 1
                var old = try await cluster.renew("mx1", number: number, client)
                try await cluster.withAgent("mx1") { try await cluster.synced("mx1", client) }
                let steps = try await eachMoment { failpoint in
                    number += 1
                    let new = try await cluster.renew("mx1", number: number, client)
                    let died = try await cluster.dies("mx1", at: failpoint) { try await cluster.isSynced("mx1", client) }
                    try await cluster.withAgent("mx1") {
                        let seen = try await cluster.served(by: "mx1", oneOf: [old, new])
                        #expect(seen == old || seen == new, "\(failpoint): \(seen?.description ?? "nothing") is neither")
                        try await cluster.synced("mx1", client)
                        #expect(try await cluster.served(by: "mx1") == new, "\(failpoint)")
                    }
                    cluster.expectTidyDisk("mx1", failpoint)
                    old = new
                    return died
                }
                #expect(steps > 40, "an apply has more steps than \(steps)")
            }
        }
    }

    @Test func `applying the first configuration after a join`() async throws {
        try await CrashCluster.with { cluster in
            try await cluster.withManager { client in
                let own = try await cluster.makeStandalone("mx2")
                try await cluster.submitListener(client)
                _ = try await cluster.certificate(client)
                try await cluster.join("mx2", client)
                let theirs = try await cluster.renew("mx2", number: 1, client)
                try cluster.keep("mx2")
                let steps = try await eachMoment { failpoint in
                    try cluster.restore("mx2")
                    let died = try await cluster.dies("mx2", at: failpoint) { try cluster.disk(of: "mx2").status()?.appliedRevision != nil }
                    try await cluster.withAgent("mx2") {
                        let seen = try await cluster.served(by: "mx2", oneOf: [own, theirs])
                        #expect(seen == own || seen == theirs, "\(failpoint): \(seen?.description ?? "nothing") is neither")
                        try await cluster.wait(for: "mx2 to apply \(failpoint)") {
                            guard try await cluster.served(by: "mx2") == theirs else { return false }
                            return try await cluster.isSynced("mx2", client)
                        }
                    }
                    cluster.expectTidyDisk("mx2", failpoint)
                    #expect(try cluster.disk(of: "mx2").generationNumbers().count == 1, "\(failpoint): the old settings are still there")
                    return died
                }
                #expect(steps > 40)
            }
        }
    }

    @Test func `a join, which the same invitation brings to its end`() async throws {
        try await CrashCluster.with { cluster in
            try await cluster.withManager { client in
                let own = try await cluster.makeStandalone("mx2")
                try await cluster.submitListener(client)
                let theirs = try await cluster.certificate(client)
                _ = try await client.commit(CommitRequest(comment: "settings"))
                try cluster.keep("mx2")
                let steps = try await eachMoment(besides: ["send:join:1:before", "send:join:1:after"]) { failpoint in
                    try cluster.restore("mx2")
                    let invitation = try await client.invite(InvitationRequest(group: nil, expiresSeconds: 3600)).invitation
                    let join = ["agent", "join", "-", "--state-dir", cluster.state(of: "mx2"), "--accept-loss"]
                    let died = try await Muster.run(join, input: invitation, failpoint: failpoint).isKilled
                    try await cluster.withAgent("mx2") {
                        let seen = try await cluster.served(by: "mx2")?.fingerprint
                        #expect(seen == own.fingerprint || seen == theirs, "\(failpoint): it serves neither")
                    }
                    if try cluster.disk(of: "mx2").membershipFacts() == nil { try await Muster.succeed(join, input: invitation) }
                    try await cluster.withAgent("mx2") {
                        try await cluster.synced("mx2", client)
                        #expect(try await cluster.served(by: "mx2")?.fingerprint == theirs, "\(failpoint)")
                    }
                    cluster.expectTidyDisk("mx2", failpoint)
                    #expect(try await client.machines().map(\.name) == ["mx2"], "\(failpoint)")
                    _ = try await client.removeMachine("mx2")
                    return died
                }
                #expect(steps > 10)
            }
        }
    }

    @Test func `leaving`() async throws {
        try await CrashCluster.with { cluster in
            let served = try await cluster.keepSyncedMember()
            let steps = try await eachMoment(besides: []) { failpoint in
                try cluster.restore("mx1")
                let identity = try #require(try cluster.disk(of: "mx1").membership()).identity.key
                let leave = ["agent", "leave", "--state-dir", cluster.state(of: "mx1")]
                let died = try await Muster.run(leave, failpoint: failpoint).isKilled
                try await cluster.withAgent("mx1") { () async throws -> Void in
                    #expect(try await cluster.served(by: "mx1") == served, "\(failpoint)")
                }
                if try cluster.disk(of: "mx1").membershipFacts() != nil { try await Muster.succeed(leave) }
                try await cluster.withAgent("mx1") {
                    try await cluster.standalone("mx1")
                    #expect(try await cluster.served(by: "mx1") == served, "\(failpoint)")
                }
                try cluster.expectFlat("mx1", without: identity, failpoint)
                return died
            }
            #expect(steps > 20)
        }
    }

    @Test func `becoming standalone after a removal`() async throws {
        try await CrashCluster.with { cluster in
            let served = try await cluster.keepSyncedMember()
            try await cluster.withManager { client in
                _ = try await client.removeMachine("mx1")
                let steps = try await eachMoment { failpoint in
                    try cluster.restore("mx1")
                    let identity = try #require(try cluster.disk(of: "mx1").membership()).identity.key
                    let died = try await cluster.dies("mx1", at: failpoint) { try cluster.disk(of: "mx1").status()?.mode == .standalone }
                    try await cluster.withAgent("mx1") {
                        #expect(try await cluster.served(by: "mx1") == served, "\(failpoint)")
                        try await cluster.standalone("mx1")
                        #expect(try await cluster.served(by: "mx1") == served, "\(failpoint)")
                    }
                    try cluster.expectFlat("mx1", without: identity, failpoint)
                    return died
                }
                #expect(steps > 20)
            }
        }
    }

    /// Does something with a failpoint at every moment there is, until it no longer dies of one. How many steps of the disk there were.
    private func eachMoment(besides others: [String] = others, _ body: (String) async throws -> Bool) async throws -> Int {
        for moment in others { _ = try await body(moment) }
        var step = 1
        while try await body("disk:\(step)") { step += 1 }
        Attachment.record("\(step - 1) steps of the disk, and \(others.count) other moments", named: "moments.txt")
        return step - 1
    }
}

extension CrashCluster {
    func isSynced(_ machine: String, _ client: AdminClient) async throws -> Bool {
        try await client.machines().contains { $0.name == machine && $0.state == .synced }
    }

    /// Submits a new certificate for the cluster's listener.
    func certificate(_ client: AdminClient) async throws -> Digest {
        try await client.createCertificate(
            CertificateCreation(level: .cluster, name: "mail", request: SelfSignedRequest(commonName: "mail.example.com"), replace: true)
        ).fingerprint
    }

    /// A member with the cluster's listener, whose agent does not run.
    func makeMember(_ machine: String, _ client: AdminClient) async throws {
        try await makeMachine(machine)
        try await submitListener(client)
        _ = try await certificate(client)
        _ = try await client.commit(CommitRequest(comment: "settings"))
        try await join(machine, client)
    }

    /// Keeps the disk of a member, `mx1`, that was synced; answers what it serves.
    func keepSyncedMember() async throws -> Served {
        let served = try await withManager { client in
            try await makeMember("mx1", client)
            let served = try await renew("mx1", number: 1, client)
            try await withAgent("mx1") { try await synced("mx1", client) }
            return served
        }
        try keep("mx1")
        return served
    }

    /// A standalone machine that serves a certificate of its own; answers what it serves.
    func makeStandalone(_ machine: String) async throws -> Served {
        try await makeMachine(machine)
        let document = """
            cluster: own
            settings:
              cluster:
                certificates: { own: { selfSigned: { commonName: \(machine).example.com } } }
                mailFlowPolicies: { own: { tls: preferred } }
                listeners: { own: { interface: data1, port: \(CrashCluster.port), certificate: own, defaultPolicy: own } }
            """
        let file = "\(directory)/\(machine).yaml"
        try document.write(toFile: file, atomically: true, encoding: .utf8)
        try await Muster.succeed(["agent", "apply", "--state-dir", state(of: machine), "-f", file])
        return try await withAgent(machine) { try #require(try await served(by: machine)) }
    }

    /// Nothing that did not finish is left, and only generations that may be needed.
    func expectTidyDisk(_ machine: String, _ moment: String) {
        let names = (try? FileManager.default.subpathsOfDirectory(atPath: state(of: machine))) ?? []
        // The agent was killed while it may have been writing its status.
        let leftovers = names.filter { $0.contains("/.") || $0.hasPrefix(".") && $0 != ".new-status.json" }
        #expect(leftovers.isEmpty, "\(moment)")
        #expect(((try? disk(of: machine).generationNumbers())?.count ?? 0) <= 2, "\(moment)")
    }

    /// The machine is standalone, and nothing of its identity is left.
    func expectFlat(_ machine: String, without key: String, _ moment: String) throws {
        expectTidyDisk(machine, moment)
        #expect(try disk(of: machine).membershipFacts() == nil, "\(moment)")
        #expect(try disk(of: machine).current().generation?.kind == .standalone, "\(moment)")
        for name in try FileManager.default.subpathsOfDirectory(atPath: state(of: machine)) {
            let text = (try? String(contentsOfFile: "\(state(of: machine))/\(name)", encoding: .utf8)) ?? ""
            #expect(!text.contains(key), "\(moment): the identity's key is in \(name)")
        }
    }
}
