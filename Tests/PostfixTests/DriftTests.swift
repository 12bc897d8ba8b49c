import ClusterModel
import Foundation
import Gateways
import Logging
import NIOPosix
import PostfixFixtures
import SMTPFixtures
import Synchronization
import Testing

/// What somebody does to Postfix behind the agent's back.
@Suite(
    "What is no longer as it was applied is seen at Postfix, and put right by applying it again", .timeLimit(.minutes(2)),
    .enabled(if: PostfixLab.isPossible, "Postfix obeys root only"))
struct DriftTests {
    /// Something that changes, and what is said of it, below the configuration directory.
    private struct Drift: Sendable {
        var what: String
        var said: [String]
        var change: @Sendable (PostfixLab, Int) async throws -> Void
    }

    private static let drifts = [
        Drift(what: "a file is edited, and the list beside it with it", said: ["gen/1/main.cf is another at the gateway"]) { lab, number in
            let file = "\(lab.configuration)/gen/\(number)/main.cf"
            let (before, list) = (try #require(lab.read("etc/gen/\(number)/main.cf")), try #require(lab.read("etc/gen/\(number)/written")))
            let after = before + "# by hand\n"
            try after.write(toFile: file, atomically: false, encoding: .utf8)
            try list.replacing(digest(before), with: digest(after)).write(
                toFile: "\(lab.configuration)/gen/\(number)/written", atomically: false, encoding: .utf8)
        },
        Drift(what: "a file of another instance takes a link's place", said: ["main.cf is another at the gateway"]) { lab, _ in
            try FileManager.default.removeItem(atPath: "\(lab.configuration)/main.cf")
            try "mydestination = elsewhere.test\n".write(toFile: "\(lab.configuration)/main.cf", atomically: false, encoding: .utf8)
        },
        Drift(what: "processes are taken away", said: ["master.cf is another at the gateway"]) { lab, _ in
            try FileManager.default.removeItem(atPath: "\(lab.configuration)/master.cf")
            try "# by hand\n".write(toFile: "\(lab.configuration)/master.cf", atomically: false, encoding: .utf8)
        },
        Drift(what: "the link to the generation leads to another", said: ["current is another at the gateway"]) { lab, number in
            try FileManager.default.removeItem(atPath: "\(lab.configuration)/current")
            try FileManager.default.createSymbolicLink(
                atPath: "\(lab.configuration)/current", withDestinationPath: "gen/\(number - 1)")
        },
        Drift(what: "Postfix ends", said: ["Postfix does not run", "listener/plain at "]) { lab, _ in
            #expect(await lab.postfix("stop"))
        },
        Drift(what: "another certificate is served", said: ["tls/mail.pem is another at the gateway"]) { lab, number in
            let other = try Issuer.selfSigned("other.test")
            try (other.key + other.chain).write(
                toFile: "\(lab.configuration)/gen/\(number)/tls/mail.pem", atomically: false, encoding: .utf8)
            #expect(await lab.postfix("reload"))
            try await lab.until("it is served") { try await served(lab) == other.leaf }
        },
    ]

    private static func digest(_ text: String) -> String { Digest(hashing: Array(text.utf8)).hex }

    private static func served(_ lab: PostfixLab) async throws -> Digest {
        let peer = try await Peer.connect(to: lab.address, from: "\(lab.network).2")
        let leaf = try await peer.secure()
        await peer.close()
        return leaf
    }

    /// The number of the generation that Postfix reads.
    private func number(_ lab: PostfixLab) throws -> Int {
        let target = try FileManager.default.destinationOfSymbolicLink(atPath: "\(lab.configuration)/current")
        return try #require(Int(target.dropFirst("gen/".count)))
    }

    @Test func `each thing that changes is named, and is as before when the same is applied again`() async throws {
        try await PostfixLab.with { lab in
            var setup = Setup(certificate: try Issuer.selfSigned("mx1.example.com"))
            setup.address = lab.address
            setup.policies["off"] = MailFlowPolicySetting(tls: .off)
            var plain = ListenerSetting()
            (plain.interface, plain.port, plain.defaultPolicy) = ("data1", 2526, "off")
            setup.listeners["plain"] = plain
            let configuration = try setup.configuration
            try await lab.gateway.apply(configuration)
            #expect(await objections(lab, configuration) == [])
            for drift in DriftTests.drifts {
                try await drift.change(lab, try number(lab))
                let found = await objections(lab, configuration)
                for said in drift.said { #expect(found.contains { $0.contains(said) }, "\(drift.what): \(found)") }
                #expect(found.count == drift.said.count, "\(drift.what): \(found)")
                try await lab.gateway.apply(configuration)
                #expect(await objections(lab, configuration) == [], "\(drift.what)")
                #expect(try await DriftTests.served(lab) == setup.certificates["mail"]?.leaf, "\(drift.what)")
            }
            #expect(lab.names(in: "etc/replaced") == ["main.cf.1", "main.cf.2", "master.cf.1"])
        }
    }

    private func objections(_ lab: PostfixLab, _ configuration: GatewayConfiguration) async -> [String] {
        await lab.gateway.observe(configuration).compactMap(\.objection)
    }

    @Test func `hand-made settings and newer authorities of the system are no drift, and come with what is applied next`() async throws {
        try await PostfixLab.with { lab in
            var setup = Setup(certificate: try Issuer.selfSigned("mx1.example.com"))
            (setup.address, setup.trustsSystem) = (lab.address, true)
            let configuration = try setup.configuration
            let (old, new) = (try Issuer.selfSigned("old.test").chain, try Issuer.selfSigned("new.test").chain)
            let system = Mutex(old)
            let gateway = PostfixGateway(
                try PostfixOptions(["config-dir": lab.configuration]), group: MultiThreadedEventLoopGroup.singleton,
                logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }, systemAuthorities: { system.withLock { $0 } })
            try await gateway.apply(configuration)
            system.withLock { $0 = new }
            let original = try #require(lab.read("etc/original/main.cf"))
            try (original + "disable_vrfy_command = yes\n").write(
                toFile: "\(lab.configuration)/original/main.cf", atomically: true, encoding: .utf8)
            #expect(await gateway.observe(configuration).compactMap(\.objection) == [])
            try await gateway.apply(configuration)
            #expect(lab.read("etc/main.cf")?.contains("disable_vrfy_command = yes") == true)
            let authorities = try #require(lab.names(in: "etc/current/tls").first { $0.contains("authorities") })
            #expect(lab.read("etc/current/tls/\(authorities)")?.contains(new) == true)
            #expect(await gateway.observe(configuration).compactMap(\.objection) == [])
        }
    }

    @Test func `a machine that starts anew serves before its agent is there, which finds nothing to mend`() async throws {
        try await PostfixLab.with { lab in
            var setup = Setup(certificate: try Issuer.selfSigned("mx1.example.com"))
            setup.address = lab.address
            let configuration = try setup.configuration
            try await lab.gateway.apply(configuration)
            #expect(await lab.postfix("stop"))
            // The system does this, long before the agent is there.
            #expect(await lab.postfix("start"))
            #expect(try await DriftTests.served(lab) == setup.certificates["mail"]?.leaf)
            let (generation, process) = (try number(lab), lab.read("queue/pid/master.pid"))
            let agent = try lab.another()
            #expect(await agent.observe(configuration).compactMap(\.objection) == [])
            try await agent.apply(configuration)
            #expect(await agent.observe(configuration).compactMap(\.objection) == [])
            #expect(try number(lab) == generation && lab.read("queue/pid/master.pid") == process)
            #expect(lab.names(in: "etc/replaced") == [])
        }
    }
}
