import AdminClient
import AdminContract
import ClusterModel
import MemberAgent
import Testing

/// The built binary on file systems that are full.
@Suite("On a full disk nothing is lost or torn", .timeLimit(.minutes(3)), .enabled(if: SmallDisk.isPossible, "mounting a disk needs root"))
struct FullDiskTests {
    @Test func `a manager refuses what it cannot keep, answers what is asked, and goes on when there is room`() async throws {
        try await CrashCluster.with { cluster in
            try await cluster.withManager { client in try await cluster.makeMember("mx1", client) }
            try await SmallDisk.at(cluster.data, bytes: 2 << 20) { disk in
                try await cluster.withAgent("mx1") {
                    try await cluster.withManager { client in
                        try await cluster.synced("mx1", client)
                        _ = try await client.edit([cluster.edit("waiting", "")])
                        try disk.fill()
                        try await fails { _ = try await client.commit(CommitRequest(comment: "full")) }
                        try await fails { _ = try await client.edit([cluster.edit("more", "")]) }
                        try await fails { _ = try await cluster.certificate(client) }
                        try await fails { _ = try await client.invite(InvitationRequest(group: nil, expiresSeconds: 60)) }
                        try await fails { _ = try await client.removeMachine("mx1") }
                        #expect(try await client.history().map(\.comment) == ["settings"])
                        #expect(try await client.changes().count == 1)
                        #expect(try await client.machines().map(\.name) == ["mx1"])
                        try await cluster.isWhole(client, "on a full disk")
                    }
                    // Killed and started on the full disk: it runs, or says why it does not.
                    let manager = try await cluster.startManager()
                    try await cluster.ending(manager) { () async throws -> Void in
                        if await !manager.isReady() {
                            #expect(try await manager.end() == .exited(1), "\(cluster.logs())")
                        }
                    }
                    try disk.clear()
                    try await cluster.withManager { client in
                        #expect(try await client.changes().count == 1)
                        _ = try await client.commit(CommitRequest(comment: "room"))
                        #expect(try await client.history().map(\.comment) == ["room", "settings"])
                        try await cluster.isWhole(client, "with room")
                    }
                }
            }
        }
    }

    @Test func `an agent serves what it served and says so, however much of a new configuration still fits`() async throws {
        try await CrashCluster.with { cluster in
            try await cluster.withManager { client in
                try await cluster.makeMember("mx1", client)
                var old = try await cluster.renew("mx1", number: 0, client)
                try await cluster.withAgent("mx1") { try await cluster.synced("mx1", client) }
                try await SmallDisk.at(cluster.state(of: "mx1"), bytes: 1 << 20) { disk in
                    var rejections = 0
                    for pages in 0...12 {
                        var agent = try await cluster.startAgent("mx1")
                        try #require(await agent.isReady())
                        try await cluster.synced("mx1", client)
                        try disk.fill(leaving: pages)
                        let new = try await cluster.renew("mx1", number: pages + 1, client)
                        var state = MachineState.pending
                        try await cluster.wait(for: "mx1 to say how it went with \(pages) pages") {
                            state = try await client.machine("mx1").state
                            return state == .synced || state == .rejected
                        }
                        let served = try await cluster.served(by: "mx1")
                        #expect(served == (state == .synced ? new : old), "\(pages) pages")
                        if state == .rejected {
                            rejections += 1
                            let reasons = try await client.machine("mx1").reasons
                            #expect(reasons.contains { $0.contains("No space left") }, "\(reasons)")
                            // Killed and started on the full disk, it serves.
                            try await agent.kill()
                            agent = try await cluster.startAgent("mx1")
                            try #require(await agent.isReady())
                            #expect(try await cluster.served(by: "mx1") == old, "\(pages) pages, started again")
                        }
                        try disk.clear()
                        if state == .rejected {
                            // On its way back to its manager, perhaps.
                            try await cluster.wait(for: "mx1 to connect") { try cluster.disk(of: "mx1").status()?.connected == true }
                            _ = try await client.retryMachine("mx1")
                        }
                        try await cluster.synced("mx1", client)
                        #expect(try await cluster.served(by: "mx1") == new, "\(pages) pages, with room again")
                        try await agent.kill()
                        old = new
                    }
                    #expect((2...12).contains(rejections), "the pages tried do not tell full from enough: \(rejections)")
                }
            }
        }
    }

    private func fails(_ request: () async throws -> Void) async throws {
        let refusal = await #expect(throws: Refusal(.unavailable, "")) { try await request() }
        #expect(refusal?.reason.contains("is full") == true, "\(refusal?.reason ?? "")")
    }
}
