import AdminClient
import ClusterModel
import FoundationEssentials
import Glibc
import NIOCore
import SeededRandomness
import Testing

/// A manager and gateways on the loopback network, as `muster demo` starts them, under attack.
private struct AttackedCluster {
    let directory: String
    let profile: Profile
    let memberPort: Int
    let adminPort: Int
    let manager: Int32

    static func with(_ body: (AttackedCluster) async throws -> Void) async throws {
        let run = try await Lab.run(try Lab.built("muster"), ["demo", "--machines", "2", "--keep"])
        try #require(run.isGood, "\(run.output)\(run.error)")
        let end = try #require(run.output.split(separator: "\n").map { $0.drop { $0 == " " } }.first { $0.hasPrefix("kill ") })
        let parts = end.dropFirst("kill ".count).split(separator: ";")
        let processes = parts[0].split(separator: " ").compactMap { Int32($0) }
        let directory = String(try #require(parts[1].split(separator: " ").last))
        defer {
            for process in processes { kill(process, SIGTERM) }
            try? FileManager.default.removeItem(atPath: directory)
        }
        let log = try String(contentsOfFile: "\(directory)/manager.log", encoding: .utf8)
        let ready = try #require(log.split(separator: "\n").first { $0.hasPrefix("muster manager ready") })
        let ports = ready.split(separator: ":").compactMap { Int($0.prefix { $0.isNumber }) }
        let command = try processes.first { try String(contentsOfFile: "/proc/\($0)/cmdline", encoding: .utf8).contains("manager") }
        try await body(
            AttackedCluster(
                directory: directory, profile: try Profile(file: "\(directory)/manager/admin.profile.json"), memberPort: ports[1],
                adminPort: ports[0], manager: try #require(command)))
    }

    func muster(_ arguments: String..., input: String = "") async throws -> Answer {
        try await Lab.run(
            try Lab.built("muster"), arguments, environment: ["MUSTER_PROFILE": "\(directory)/manager/admin.profile.json"], input: input)
    }

    /// How many files and connections the manager has open.
    var openFiles: Int {
        get throws { try FileManager.default.contentsOfDirectory(atPath: "/proc/\(manager)/fd").count }
    }

    /// Everything that works in peace still does, in time.
    func expectService(_ moment: String, newMachine name: String) async throws {
        let clock = ContinuousClock()
        let start = clock.now
        let invitation = try await muster("invite")
        #expect(invitation.isGood, "\(moment): \(invitation.error)")
        let join = try await muster(
            "agent", "join", "-", "--state-dir", "\(directory)/\(name)", "--name", name, "--hostname", "\(name).example.com", "--interface",
            "data1=127.0.0.1", input: invitation.output)
        #expect(join.isGood, "\(moment): \(join.error)")
        let certificate = try await muster("cert", "create", "mail", "--common-name", "mail.example.com", "--replace")
        #expect(certificate.isGood, "\(moment): \(certificate.error)")
        // The new machine does not run, and is named as absent; the two that do must prove it.
        let commit = try await muster("commit", "--wait", "--timeout", "30s")
        #expect(commit.isGood, "\(moment): \(commit.error)\(commit.output)")
        #expect(clock.now - start < .seconds(45), "\(moment)")
    }
}

@Suite("Attacks on a real manager's ports", .serialized, .timeLimit(.minutes(4)))
struct AttackTests {
    /// So many of each kind of connection.
    private static let crowd = 250

    @Test func `hundreds of slow and senseless connections keep nobody from work, and are gone in time`() async throws {
        try await AttackedCluster.with { cluster in
            let before = try cluster.openFiles
            var strangers: [Stranger] = []
            let member = try Stranger.tls(["muster/1"])
            let admin = try Stranger.tls(["http/1.1"])
            for number in 0..<Self.crowd {
                // Only a connection, and half a ClientHello that goes on a byte at a time.
                for port in [cluster.memberPort, cluster.adminPort] {
                    strangers.append(try await Stranger(port))
                    let half = try await Stranger(port)
                    half.send([0x16, 3, 1, 2, 0, 1, 0, 1, 0xfc, 3, 3])
                    half.trickle(UInt8(truncatingIfNeeded: number))
                    strangers.append(half)
                }
            }
            for _ in 0..<Self.crowd / 10 {
                // Behind the handshake: a frame, or a request's head, a byte at a time.
                let frame = try await Stranger(cluster.memberPort, tls: member)
                frame.send([0, 0, 4, 0])
                frame.trickle(0)
                let head = try await Stranger(cluster.adminPort, tls: admin)
                head.send(Array("GET /api/v1/machines HTTP/1.1\r\nx: ".utf8))
                head.trickle(0x78)
                strangers += [frame, head]
            }
            #expect(try cluster.openFiles > before + Self.crowd)
            try await cluster.expectService("under attack", newMachine: "mx8")
            // All of them are ended by the manager; nobody here closes one.
            let gone: Bool? = try await poll(within: .seconds(Limits.helloSeconds + 20)) {
                strangers.contains { $0.channel.isActive } ? nil : true
            }
            #expect(gone == true, "\(strangers.count { $0.channel.isActive }) connections are still open")
            let back: Bool? = try await poll(within: .seconds(10)) { try cluster.openFiles < before + 20 ? true : nil }
            let after = try cluster.openFiles
            #expect(back == true, "\(after) files are open, \(before) before the attack")
        }
    }

    @Test func `noise, truncated frames and absurd lengths end their connections only`() async throws {
        try await AttackedCluster.with { cluster in
            let member = try Stranger.tls(["muster/1"])
            let admin = try Stranger.tls([])
            var dice = SplitMix64(seed: 7)
            for round in 0..<40 {
                let noise = (0..<dice.between(1, 3000)).map { _ in UInt8(dice.between(0, 255)) }
                for (port, tls) in [
                    (cluster.memberPort, nil), (cluster.memberPort, member), (cluster.adminPort, nil), (cluster.adminPort, admin),
                ] {
                    let stranger = try await Stranger(port, tls: tls)
                    switch (round % 4, tls == nil) {
                    case (0, _): stranger.send(noise)
                    // A length that nobody may send, and one of a frame that ends too early.
                    case (1, false): stranger.send([0xff, 0xff, 0xff, 0xff] + noise)
                    case (2, false): stranger.send([0, 0, 0xff, 0] + noise)
                    case (3, false):
                        stranger.send(Array("POST /api/v1/commits HTTP/1.1\r\ncontent-length: 99999999999999999999\r\n\r\n".utf8))
                    default: stranger.send([0x16, 3, 3, 0xff, 0xff] + noise)
                    }
                    if round % 3 == 0 { stranger.channel.close(promise: nil) }
                }
            }
            try await cluster.expectService("after noise", newMachine: "mx8")
            #expect(kill(cluster.manager, 0) == 0)
        }
    }
}
