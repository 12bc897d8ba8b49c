import ClusterModel
import FoundationEssentials
import Gateways
import Glibc
import NIOCore
import NIOPosix
import SMTPFixtures
import Testing

/// The promises of ``Gateway``, kept by every kind. HTTPS is what all of them but Postfix can serve; Postfix has tests of its own.
@Suite("Every gateway keeps the same promises", .timeLimit(.minutes(2)))
struct GatewayContractTests {
    @Test(arguments: GatewayKeeper.here)
    func `what is applied is served when apply returns, and so is what comes after`(_ keeper: GatewayKeeper) async throws {
        try await GatewayLab.with(keeper) { lab in
            let gateway = try lab.gateway()
            var fixture = try await Fixture.web()
            for name in ["one.example", "two.example", "three.example"] {
                fixture.certificates["web"] = try await .make(name)
                try await gateway.apply(try fixture.configuration)
                #expect(try await fixture.served() == fixture.certificates["web"]?.fingerprint)
            }
            await gateway.stop()
        }
    }

    @Test(arguments: GatewayKeeper.here)
    func `what is in force is seen to be so, and so is a file that somebody changed or took away`(_ keeper: GatewayKeeper) async throws {
        try await GatewayLab.with(keeper) { lab in
            let gateway = try lab.gateway()
            let configuration = try await Fixture.web().configuration
            try await gateway.apply(configuration)
            #expect(!(await gateway.observe(configuration)).isEmpty)
            #expect(await gateway.observe(configuration).compactMap(\.objection) == [])
            for observed in await gateway.observe(configuration) where observed.subject.hasPrefix("/") {
                let text = try String(contentsOfFile: observed.subject, encoding: .utf8)
                try (text + "# by hand\n").write(toFile: observed.subject, atomically: false, encoding: .utf8)
                #expect(await gateway.observe(configuration).compactMap(\.objection).count == 1)
                try FileManager.default.removeItem(atPath: observed.subject)
                #expect(await gateway.observe(configuration).compactMap(\.objection) == ["\(observed.subject) is gone from the gateway"])
                try text.write(toFile: observed.subject, atomically: false, encoding: .utf8)
            }
            #expect(await gateway.observe(configuration).compactMap(\.objection) == [])
            await gateway.stop()
        }
    }

    @Test(arguments: GatewayKeeper.here)
    func `a key that does not belong to its certificate is refused, and the old certificate is served`(_ keeper: GatewayKeeper) async throws
    {
        try await GatewayLab.with(keeper) { lab in
            let gateway = try lab.gateway()
            var fixture = try await Fixture.web()
            let good = try #require(fixture.certificates["web"])
            try await gateway.apply(try fixture.configuration)
            fixture.certificates["web"] = TestCertificate(chain: good.chain, key: try await TestCertificate.make("other.example").key)
            let refusal = await #expect(throws: Refusal(.invalid, "")) { try await gateway.apply(try fixture.configuration) }
            #expect(
                refusal?.details == ["https/data1: certificate \"web\": the private key does not belong to the certificate"])
            #expect(try await fixture.served() == good.fingerprint)
            fixture.certificates["web"] = good
            try await gateway.apply(try fixture.configuration)
            await gateway.stop()
        }
    }

    @Test(arguments: GatewayKeeper.here)
    func `a port in use is refused with the reason, and the old certificate is served`(_ keeper: GatewayKeeper) async throws {
        try await GatewayLab.with(keeper) { lab in
            let gateway = try lab.gateway()
            var fixture = try await Fixture.web()
            let old = try #require(fixture.certificates["web"])
            try await gateway.apply(try fixture.configuration)
            let squatter = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
                .bind(host: fixture.address, port: 2601).get()
            var taken = fixture
            taken.certificates["web"] = try await .make("new.example")
            taken.https?.port = 2601
            let refused = try taken.configuration
            let refusal = await #expect(throws: Refusal.self) { try await gateway.apply(refused) }
            #expect(refusal?.details.first?.contains(":2601") == true)
            #expect(try await fixture.served() == old.fingerprint)
            try await squatter.close()
            fixture.certificates["web"] = try await .make("later.example")
            try await gateway.apply(try fixture.configuration)
            #expect(try await fixture.served() == fixture.certificates["web"]?.fingerprint)
            await gateway.stop()
        }
    }

    @Test(arguments: GatewayKeeper.here)
    func `a session that is open goes on while another certificate comes into force`(_ keeper: GatewayKeeper) async throws {
        try await GatewayLab.with(keeper) { lab in
            let gateway = try lab.gateway()
            var fixture = try await Fixture.web()
            try await gateway.apply(try fixture.configuration)
            let open = try await Peer.connect(to: fixture.address, port: 8443)
            #expect(try await open.handshake() == fixture.certificates["web"]?.fingerprint)
            try await open.send("GET / HTTP/1.1\r\nHost: mx1.example.com\r\n")
            fixture.certificates["web"] = try await .make("new.example")
            try await gateway.apply(try fixture.configuration)
            try await open.send("Connection: close\r\n\r\n")
            #expect(try await open.line() == "HTTP/1.1 200 OK")
            #expect(try await fixture.served() == fixture.certificates["web"]?.fingerprint)
            await gateway.stop()
        }
    }

    @Test(arguments: GatewayKeeper.here)
    func `the same again disturbs nothing, and nothing is written anew`(_ keeper: GatewayKeeper) async throws {
        try await GatewayLab.with(keeper) { lab in
            let gateway = try lab.gateway()
            let fixture = try await Fixture.web()
            try await gateway.apply(try fixture.configuration)
            let before = lab.marks
            let open = try await Peer.connect(to: fixture.address, port: 8443)
            _ = try await open.handshake()
            try await gateway.apply(try fixture.configuration)
            #expect(lab.marks == before)
            try await open.send("GET / HTTP/1.0\r\n\r\n")
            #expect(try await open.line().hasSuffix(" 200 OK"))
            await gateway.stop()
        }
    }

    @Test(arguments: GatewayKeeper.here)
    func `an agent that comes back takes over what is there`(_ keeper: GatewayKeeper) async throws {
        try await GatewayLab.with(keeper) { lab in
            var fixture = try await Fixture.web()
            let first = try lab.gateway()
            try await first.apply(try fixture.configuration)
            await first.stop()
            // A gateway in the agent ends with it; a server of its own goes on.
            #expect(((try? await fixture.served()) == nil) == (keeper == .embedded))
            let before = lab.marks
            let second = try lab.gateway()
            try await second.apply(try fixture.configuration)
            #expect(lab.marks == before)
            #expect(try await fixture.served() == fixture.certificates["web"]?.fingerprint)
            fixture.certificates["web"] = try await .make("new.example")
            try await second.apply(try fixture.configuration)
            #expect(try await fixture.served() == fixture.certificates["web"]?.fingerprint)
            await second.stop()
        }
    }
}

extension Fixture {
    /// HTTPS on port 8443 of an address of its own, and no listener.
    static func web() async throws -> Fixture {
        var fixture = Fixture()
        fixture.listeners = [:]
        fixture.certificates["web"] = try await .make("web.example")
        fixture.https = HTTPSService(port: 8443, certificate: "web")
        return fixture
    }

    /// The leaf that is served now.
    func served() async throws -> Digest {
        let peer = try await Peer.connect(to: address, port: https?.port ?? 0)
        let leaf = try await peer.handshake()
        await peer.close()
        return leaf
    }
}

extension GatewayLab {
    /// What changes when something is done: the generation in force, how often the hook ran, the workers of nginx.
    var marks: [String] { [current() ?? "", current("nginx") ?? "", "\(runs.count)", "\(nginxWorkers.sorted())"] }
}
