import ClusterModel
import Testing

/// Through the real binary, with an agent that pretends to be of before there were destinations (debug builds only).
@Suite("An older agent in a cluster", .serialized, .timeLimit(.minutes(2)))
struct OlderAgentTests {
    @Test func `what it does not understand is not committed until it is upgraded in place`() async throws {
        try await withScratch { directory in
            let cluster = SmallCluster(directory: directory)
            try await cluster.makeManager()
            try await cluster.withManager {
                let joined = try await cluster.join("mx1", unaware: "destinations")
                #expect(joined.status == 0, "\(joined.error)")
                try await cluster.tell("destination", "set", "bank.example", "--tls", "required")
                // It has never connected: its join said what it knows.
                try await expectRefused(cluster)
                try await cluster.withAgent("mx1", unaware: "destinations") {
                    try await synced(cluster)
                    try await expectRefused(cluster)
                    let status = try await cluster.tell("status")
                    #expect(status.contains("machine mx1: an older agent"), "\(status)")
                }
                // The same directory, another binary.
                try await cluster.withAgent("mx1") {
                    try await cluster.wait(for: "the upgraded agent's hello") {
                        try await !cluster.tell("status").contains("an older agent")
                    }
                    try await cluster.tell("commit", "--wait", "--timeout", "60s")
                    #expect(try await cluster.machine("mx1")["state"]?.text == "synced")
                }
                try await downgrade(cluster)
                try await joinOlder(cluster)
            }
        }
    }

    private func expectRefused(_ cluster: SmallCluster) async throws {
        let commit = try await cluster.ask("commit")
        #expect(commit.status == 1)
        #expect(
            commit.error.contains("machine mx1: destinations/bank.example at cluster needs the section destinations"), "\(commit.error)")
        #expect(commit.error.contains("muster hide destinations/bank.example --machine mx1"))
        #expect(try await cluster.tell("history").isEmpty)
    }

    private func synced(_ cluster: SmallCluster) async throws {
        try await cluster.wait(for: "mx1 to be synced") { try await cluster.machine("mx1")["state"]?.text == "synced" }
    }

    /// An agent that has become older keeps what it runs, is named with what it lacks, and holds nobody else up.
    private func downgrade(_ cluster: SmallCluster) async throws {
        try await cluster.withAgent("mx1", unaware: "destinations") {
            try await cluster.wait(for: "mx1 to lack something") { try await cluster.machine("mx1")["lacks"]?.items?.isEmpty == false }
            let machine = try await cluster.machine("mx1")
            #expect(machine["agentVersion"]?.text == musterVersion)
            #expect(machine["lacks"] == ["destinations/bank.example needs the section destinations"])
            try await cluster.tell("policy", "set", "accepted", "--tls", "preferred")
            try await cluster.tell("commit")
            try await cluster.wait(for: "mx1 to reject it") { try await cluster.machine("mx1")["state"]?.text == "rejected" }
            #expect(try await cluster.tell("machine", "show", "mx1").contains("too old for the section destinations"))
        }
    }

    private func joinOlder(_ cluster: SmallCluster) async throws {
        let joined = try await cluster.join("mx2", unaware: "destinations")
        #expect(joined.status == 1)
        #expect(
            joined.error.contains("machine mx2: destinations/bank.example at cluster needs the section destinations"), "\(joined.error)")
        #expect(try await cluster.ask("machine", "show", "mx2").status == 1)
    }
}
