import Certificates
import ClusterModel
import FoundationEssentials
import Testing

/// A member that shares no line with ours: what it needs to know is in `Docs/reference/wire.md`, or this fails.
@Suite("A member in Python, beside real agents", .timeLimit(.minutes(3)))
struct ForeignMemberTests {
    @Test func `it joins, follows, proves, is not believed when it lies, and goes on alone`() async throws {
        try await KeptCluster.with(machines: 2) { cluster in
            try await PythonMember.with { member in
                let network = try await cluster.address(of: "mx1").split(separator: ".").dropLast().joined(separator: ".")
                let address = "\(network).77"
                try await join(cluster, member, at: address)
                try await member.run { said in
                    #expect(try await said.hear("hello") == ["nothing"])
                    let first = try await said.hear("applied")
                    #expect(first.dropFirst().first == "whole")
                    try await follow(cluster, &said, at: address)
                }
                try await comeBack(cluster, member)
                try await lie(cluster, member)
                try await end(cluster, member, at: address)
            }
        }
    }

    /// The invitation is good once.
    private func join(_ cluster: KeptCluster, _ member: PythonMember, at address: String) async throws {
        let invitation = try await muster(["invite"], profile: cluster.profile).output
        let joined = try await member.join(invitation, as: "py1", at: address)
        #expect(joined.status == 0, "\(joined.error)")
        let again = try await PythonMember(directory: member.directory).join(invitation, as: "py2", at: address)
        #expect(again.status == 1)
        #expect(again.error.hasPrefix("invitation: "))
    }

    /// One commit after the other arrives as a delta with the sections that changed, and is proved.
    private func follow(_ cluster: KeptCluster, _ said: inout PythonMember.Said, at address: String) async throws {
        try await expectDelta(cluster, &said, ["destinations"], [["destination", "set", "other.example", "--tls", "required"]])
        let before = try await cluster.witness(address)
        let replace = ["cert", "create", "mail", "--common-name", "mail.example.com", "--replace"]
        try await expectDelta(cluster, &said, ["certificates"], [replace])
        let after = try await cluster.witness(address)
        #expect(after != before)
        let listener = try await machine(cluster)["services"]?.items?.first { $0["service"]?.text == "listener/public" }
        #expect(listener?["fingerprint"]?.text == after)
        #expect(listener?["served"]?.text == after)
        // It lays the list out with its configuration, or would reject it.
        let list = "\(cluster.directory)/partner-root.pem"
        try ClusterAuthority.create(clusterID: "partner", clusterName: "Partner", now: Timestamp(Date())).certificatePEM
            .write(toFile: list, atomically: true, encoding: .utf8)
        try await expectDelta(cluster, &said, ["authorities"], [["authority", "add", "partner-root", list]])
        try await expectDelta(cluster, &said, ["-authorities"], [["authority", "remove", "partner-root"]])
        try await expectDelta(cluster, &said, ["destinations"], [["destination", "unset", "other.example"]])
        try await expectDelta(
            cluster, &said, ["-destinations"], [["destination", "unset", "bank.example"], ["destination", "unset", "default"]])
    }

    /// After a commit that waits, every machine runs what it should, the one in Python too.
    private func expectDelta(
        _ cluster: KeptCluster, _ said: inout PythonMember.Said, _ sections: [String], _ edits: [[String]],
        sourceLocation: SourceLocation = #_sourceLocation
    ) async throws {
        for edit in edits { try #require(try await muster(edit, profile: cluster.profile).status == 0) }
        let commit = try await muster(["commit", "--wait", "--timeout", "60s"], profile: cluster.profile)
        #expect(commit.status == 0, "\(commit.output)\(commit.error)", sourceLocation: sourceLocation)
        let applied = try await said.hear("applied")
        #expect(Array(applied.dropFirst()) == ["delta"] + sections, sourceLocation: sourceLocation)
        try await expectSynced(cluster, applied.first, sourceLocation: sourceLocation)
    }

    private func expectSynced(_ cluster: KeptCluster, _ digest: String?, sourceLocation: SourceLocation = #_sourceLocation) async throws {
        let machine = try await machine(cluster)
        #expect(machine["state"]?.text == "synced", "\(machine.canonicalText)", sourceLocation: sourceLocation)
        #expect(machine["appliedDigest"]?.text == digest, sourceLocation: sourceLocation)
        #expect(machine["targetDigest"]?.text == digest, sourceLocation: sourceLocation)
    }

    private func machine(_ cluster: KeptCluster) async throws -> JSONValue {
        try #require(try await cluster.json(["machine", "list"]).items?.first { $0["name"]?.text == "py1" })
    }

    /// It was killed. It says what it runs, and gets what changed meanwhile.
    private func comeBack(_ cluster: KeptCluster, _ member: PythonMember) async throws {
        let ran = try await machine(cluster)["appliedDigest"]?.text
        try #require(try await muster(["destination", "set", "default", "--tls", "required"], profile: cluster.profile).status == 0)
        try #require(try await muster(["commit"], profile: cluster.profile).status == 0)
        try await member.run { said in
            #expect(try await said.hear("hello").first == ran)
            let applied = try await said.hear("applied")
            #expect(applied.dropFirst() == ["delta", "destinations"])
            try #require(try await muster(["destination", "set", "default", "--tls", "preferred"], profile: cluster.profile).status == 0)
            #expect(try await muster(["commit", "--wait", "--timeout", "60s"], profile: cluster.profile).status == 0)
            try await expectSynced(cluster, try await said.hear("applied").first)
        }
    }

    /// A receipt with another digest than the target's is a rejection; the truth, told later, is believed.
    private func lie(_ cluster: KeptCluster, _ member: PythonMember) async throws {
        try await member.run(["--lie"]) { said in
            _ = try await said.hear("welcome")
            try #require(try await muster(["destination", "set", "default", "--tls", "required"], profile: cluster.profile).status == 0)
            #expect(try await muster(["commit", "--wait", "--timeout", "60s"], profile: cluster.profile).status == 1)
            let machine = try await machine(cluster)
            #expect(machine["state"]?.text == "rejected")
            #expect(machine["appliedDigest"] != machine["targetDigest"])
        }
        try await member.run { said in
            #expect(try await said.hear("applied").dropFirst() == ["delta"])
            try #require(try await muster(["destination", "set", "default", "--tls", "preferred"], profile: cluster.profile).status == 0)
            #expect(try await muster(["commit", "--wait", "--timeout", "60s"], profile: cluster.profile).status == 0)
            try await expectSynced(cluster, try await said.hear("applied").first)
        }
    }

    /// Removed, it serves on as it did, also after a crash, and asks nobody any more.
    private func end(_ cluster: KeptCluster, _ member: PythonMember, at address: String) async throws {
        try await member.run { said in
            _ = try await said.hear("welcome")
            let before = try await cluster.witness(address)
            #expect(try await muster(["machine", "remove", "py1"], profile: cluster.profile).status == 0)
            _ = try await said.hear("standalone removed")
            #expect(try await cluster.witness(address) == before)
            #expect(try await cluster.json(["machine", "list"]).items?.count == 2)
        }
        try await member.run { said in
            let word = try await said.hear("serving")
            #expect(word == ["alone"])
            let served = try await cluster.witness(address)
            #expect(served.count == 64)
        }
    }
}
