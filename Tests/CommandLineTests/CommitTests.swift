import AdminFixtures
import ClusterModel
import Testing

// Serialized: each case is a process, and a hundred at once would starve each other of the processor.
@Suite("Committing, and waiting for the machines", .serialized, .timeLimit(.minutes(1)))
struct CommitTests {
    typealias Fleet = FixedService

    @Test func `a commit waits until every connected machine has proved it, and names the absent`() async throws {
        let service = FixedService(fleets: [
            [Fleet.machine("mx1", .pending), Fleet.machine("mx2", .drifted), Fleet.machine("mx3", .offline)],
            [Fleet.machine("mx1", .synced), Fleet.machine("mx2", .pending), Fleet.machine("mx3", .offline)],
            [Fleet.machine("mx1", .synced), Fleet.machine("mx2", .synced), Fleet.machine("mx3", .offline)],
        ])
        try await RunningServer.with(service) { server in
            let run = try await muster(["commit", "-m", "renewed", "--wait"], profile: server.profile)
            #expect(run.status == 0, "\(run.error)")
            try expectGolden(run.output, "commit-wait")
        }
        #expect(service.questions == ["admin changes", "admin commit renewed c1"] + Array(repeating: "admin status", count: 3))
    }

    @Test func `a rejection ends with 1, and says that the commit stands`() async throws {
        let fleet = [Fleet.machine("mx1", .synced), Fleet.machine("mx2", .rejected, reasons: ["port 25 is taken"])]
        try await RunningServer.with(FixedService(fleets: [fleet])) { server in
            let run = try await muster(["commit", "--wait"], profile: server.profile)
            #expect(run.status == 1)
            #expect(run.output.contains("mx2: rejected: port 25 is taken"))
            #expect(run.error.contains("The commit stands"))
        }
    }

    @Test func `when the time runs out, the late machines are named and the status is 1`() async throws {
        let fleet = [Fleet.machine("mx1", .synced), Fleet.machine("mx2", .pending)]
        try await RunningServer.with(FixedService(fleets: [fleet])) { server in
            let run = try await muster(["commit", "--wait", "--timeout", "1s", "--output", "json"], profile: server.profile)
            #expect(run.status == 1)
            let result = try JSONValue(parsing: run.output.utf8)
            #expect(result["revision"] == 4)
            #expect(result["proved"] == ["mx1"])
            #expect(result["late"] == ["mx2"])
            #expect(result["absent"] == [])
        }
    }

    @Test func `counted is the roster of the commit: who joined later does not count, who was removed is named`() async throws {
        let fleet = [Fleet.machine("mx1", .synced), Fleet.machine("mx2", .offline), Fleet.machine("mx4", .pending)]
        try await RunningServer.with(FixedService(fleets: [fleet], roster: ["mx1", "mx2", "mx3"])) { server in
            let run = try await muster(["commit", "--wait"], profile: server.profile)
            #expect(run.status == 0)
            #expect(run.output.hasSuffix("Proved by 1 of 3 machines. Missing: mx2 (offline), mx3 (removed)\n"))
            let json = try await muster(["commit", "--wait", "--output", "json"], profile: server.profile)
            let result = try JSONValue(parsing: json.output.utf8)
            #expect(result["absent"] == ["mx2"])
            #expect(result["removed"] == ["mx3"])
            #expect(result["roster"] == ["mx1", "mx2", "mx3"])
        }
    }

    @Test func `nothing to commit is said, and is no failure`() async throws {
        let service = FixedService(fleets: [[Fleet.machine("mx1", .rejected)]], changes: [])
        try await RunningServer.with(service) { server in
            let run = try await muster(["commit", "--wait"], profile: server.profile)
            #expect(run.status == 0)
            #expect(run.output == "Nothing to commit.\n")
        }
        #expect(!service.questions.contains("admin status"))
    }
}
