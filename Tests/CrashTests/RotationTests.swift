import AdminClient
import AdminContract
import Certificates
import ClusterModel
import FoundationEssentials
import MemberAgent
import Replication
import Subprocess
import Testing

@Suite("The cluster's CA is replaced while everything goes on", .timeLimit(.minutes(3)))
struct RotationTests {
    private static let machines = ["mx1", "mx2", "mx3"]

    @Test func `three machines come along through every step and a killed manager, and openssl sees the new CA`() async throws {
        try await CrashCluster.with { cluster in
            let (old, early, open) = try await cluster.withManager { client in
                let old = try Profile(file: cluster.profile)
                try await cluster.makeMember("mx1", client)
                for machine in ["mx2", "mx3"] {
                    try await cluster.makeMachine(machine)
                    try await cluster.join(machine, client)
                }
                try await cluster.withAgent("mx3") { try await cluster.synced("mx3", client) }
                let invitations = [try await cluster.invite(client), try await cluster.invite(client)]
                try await cluster.ca("prepare")
                return (old, invitations[0], invitations[1])
            }
            try await cluster.withAgent("mx1") {
                try await cluster.withAgent("mx2") {
                    try await trust(cluster)
                    try await cluster.withAgent("mx3") {
                        try await activate(cluster, old, early)
                        try await retire(cluster, old, open)
                    }
                }
            }
        }
    }

    /// A machine that is away when the others are told to trust the next CA holds up its activation, and commits go on.
    private func trust(_ cluster: CrashCluster) async throws {
        try await cluster.withManager { client in
            try await cluster.ca("trust")
            try await cluster.waiting(for: ["mx3"], client)
            let refused = try await cluster.muster(["ca", "activate"])
            #expect(!refused.isDone && refused.error.contains("mx3: has not confirmed that it trusts the next CA; it is offline"))
            #expect(!refused.error.contains("mx1:") && !refused.error.contains("mx2:"))
            try await cluster.commit(1, of: ["mx1", "mx2"], client)
            #expect(try TrustedAuthority.list(pem: Profile(file: cluster.profile).ca).count == 2)
        }
    }

    private func activate(_ cluster: CrashCluster, _ old: Profile, _ early: String) async throws {
        try await cluster.withManager { client in
            try await cluster.waiting(for: [], client)
            try await cluster.ca("activate")
            try await cluster.waiting(for: [], client)
            try await cluster.commit(2, of: RotationTests.machines, client)
            let refused = try await cluster.muster(["status"], profile: old)
            #expect(!refused.isDone && refused.error.contains("take a new profile: admin.profile.json"), "\(refused.error)")
            // An invitation of before all this.
            try await cluster.makeMachine("mx4")
            try await Muster.succeed(["agent", "join", "-", "--state-dir", cluster.state(of: "mx4"), "--accept-loss"], input: early)
            try await cluster.withAgent("mx4") { try await cluster.synced("mx4", client) }
        }
    }

    private func retire(_ cluster: CrashCluster, _ old: Profile, _ open: String) async throws {
        try await cluster.withManager { client in
            // The manager may have been killed before it had written down what mx4 holds: then that is waited for.
            try await cluster.withAgent("mx4") { try await cluster.waiting(for: [], client) }
            let said = try await cluster.ca("retire")
            #expect(said.contains(try InvitationToken(parsing: open).id))
        }
        try await cluster.withManager { client in
            try await cluster.withAgent("mx4") {
                try await cluster.waiting(for: [], client)
                try await cluster.commit(3, of: RotationTests.machines + ["mx4"], client)
            }
            let new = try Profile(file: cluster.profile).ca
            #expect(try TrustedAuthority.list(pem: new).count == 1 && new != old.ca)
            let members = try #require(try cluster.disk(of: "mx1").membership())
            #expect(members.trust == new)
            for place in [members.facts.managers[0], String(old.url.dropFirst("https://".count))] {
                #expect(try await cluster.verifies(place, by: new))
                #expect(try await !cluster.verifies(place, by: old.ca))
            }
            try await cluster.makeMachine("mx5")
            let late = try await Muster.run(["agent", "join", "-", "--state-dir", cluster.state(of: "mx5"), "--accept-loss"], input: open)
            #expect(!late.isDone && late.error.contains("ask for another invitation"), "\(late.error)")
        }
    }

    // MARK: - Time

    @Test func `a certificate is renewed in time; one that expired while the machine was away returns by a grant`() async throws {
        try await CrashCluster.with { cluster in
            try await cluster.withManager { client in
                try await cluster.makeMember("mx1", client)
                try await cluster.withAgent("mx1") { try await cluster.synced("mx1", client) }
                let year = try await cluster.muster(["token", "create", "--expires", "8784h"])
                try year.output.write(toFile: cluster.profile, atomically: true, encoding: .utf8)
            }
            let first = try cluster.identity
            // Less than a third is left: it asks by itself, and goes on as if nothing had been.
            try await at(days: 300, cluster) {
                try await cluster.agent("mx1", days: 300) {
                    try await cluster.wait(for: "mx1 to be renewed") { try cluster.identity != first }
                    try await cluster.wait(for: "mx1 to be synced") {
                        try await cluster.state(ofMachine: "mx1", days: 300).contains("synced")
                    }
                }
            }
            #expect(try cluster.identity.key == first.key)
            // The disk of before is one of a machine that was away for a year.
            try first.certificate.write(
                toFile: "\(cluster.state(of: "mx1"))/identity/certificate.pem", atomically: true, encoding: .utf8)
            try await at(days: 365, cluster) {
                try await cluster.agent("mx1", days: 365) {
                    try await cluster.wait(for: "mx1 to say why") {
                        try cluster.disk(of: "mx1").status()?.reasons.contains { $0.contains("muster machine readmit mx1") } == true
                    }
                    #expect(try await cluster.state(ofMachine: "mx1", days: 365).contains("certificate expired"))
                    let granted = try await cluster.muster(["machine", "readmit", "mx1"], days: 365)
                    #expect(granted.isDone, "\(granted.error)")
                    try await cluster.wait(for: "mx1 to be back") {
                        try await cluster.state(ofMachine: "mx1", days: 365).contains("synced")
                    }
                    let audit = try await cluster.muster(["audit", "list"], days: 365)
                    #expect(audit.output.contains("returned with its old key; the grant is used"))
                }
            }
            #expect(try cluster.identity.key == first.key && cluster.identity.certificate != first.certificate)
        }
    }

    /// A manager whose clock is ahead by so much and two hours, for as long as the body takes.
    private func at(days: Int, _ cluster: CrashCluster, _ body: () async throws -> Void) async throws {
        let manager = try await Server(
            ["manager", "run", "--data-dir", cluster.data], log: "\(cluster.directory)/manager.log", clock: try cluster.clock(days: days))
        try await cluster.ending(manager) {
            try #require(await manager.isReady())
            try await body()
        }
    }
}

extension CrashCluster {
    fileprivate var profile: String { "\(data)/admin.profile.json" }

    /// A command as the administrator gives it.
    fileprivate func muster(_ arguments: [String], profile other: Profile? = nil, days: Int? = nil) async throws -> Muster.Run {
        var file = profile
        if let other {
            file = "\(directory)/other.profile.json"
            try other.fileContent.write(toFile: file, atomically: true, encoding: .utf8)
        }
        return try await Muster.run(arguments + ["--profile", file], clock: days.map { try clock(days: $0) })
    }

    @discardableResult
    fileprivate func ca(_ step: String) async throws -> String {
        let run = try await muster(["ca", step])
        try #require(run.isDone, "muster ca \(step): \(run.error)")
        return run.output
    }

    fileprivate func invite(_ client: AdminClient) async throws -> String {
        try await client.invite(InvitationRequest(group: nil, expiresSeconds: 3600)).invitation
    }

    fileprivate func waiting(for machines: [String], _ client: AdminClient) async throws {
        try await wait(for: "the step to wait for \(machines)") { try await client.ca().waiting.map(\.machine) == machines }
    }

    fileprivate func commit(_ number: Int, of machines: [String], _ client: AdminClient) async throws {
        _ = try await client.edit([
            EntryEdit(level: .cluster, section: .destinations, entry: "n\(number).example", operation: .set(["tls": "required"]))
        ])
        _ = try await client.commit(CommitRequest(comment: "while the CA is replaced"))
        for machine in machines { try await synced(machine, client) }
    }

    /// Whether openssl, trusting these authorities alone, takes what is shown at a place.
    fileprivate func verifies(_ place: String, by authorities: String) async throws -> Bool {
        let file = "\(directory)/authorities.pem"
        try authorities.write(toFile: file, atomically: true, encoding: .utf8)
        let result = try await Subprocess.run(
            .name("openssl"),
            arguments: ["s_client", "-connect", place, "-tls1_3", "-alpn", "muster/1", "-CAfile", file, "-verify_return_error"],
            input: .none, output: .string(limit: 1 << 20), error: .discarded)
        return result.standardOutput.contains("Verify return code: 0 (ok)")
    }

    // MARK: - Clocks

    /// The clock of processes that are ahead by so many days and two hours.
    fileprivate func clock(days: Int) throws -> String {
        let file = "\(directory)/\(days).clock"
        let seconds = Int64(days * 86_400 + 7200)
        try Data((0..<8).map { UInt8(truncatingIfNeeded: seconds >> ($0 * 8)) }).write(to: URL(filePath: file))
        return file
    }

    fileprivate func agent(_ machine: String, days: Int, _ body: () async throws -> Void) async throws {
        let agent = try await Server(
            ["agent", "run", "--state-dir", state(of: machine)], log: "\(directory)/\(machine).log", clock: try clock(days: days))
        try await ending(agent) {
            try #require(await agent.isReady(), "\(logs())")
            try await body()
        }
    }

    fileprivate func state(ofMachine machine: String, days: Int) async throws -> String {
        try await muster(["machine", "show", machine], days: days).output
    }

    fileprivate var identity: (certificate: String, key: String) {
        get throws {
            let identity = try #require(try disk(of: "mx1").membership()).identity
            return (identity.certificate, identity.key)
        }
    }
}
