import ClusterModel
import FoundationEssentials
import Gateways
import Glibc
import NIOCore
import NIOPosix
import SMTPFixtures
import Testing

/// The promises of ``Gateway``, kept by every kind. HTTPS is what all of them but Postfix can serve; at Postfix it is a listener.
@Suite("Every gateway keeps the same promises", .timeLimit(.minutes(2)))
struct GatewayContractTests {
    @Test(arguments: GatewayKeeper.here)
    func `what is applied is served when apply returns, and so is what comes after`(_ keeper: GatewayKeeper) async throws {
        try await GatewayLab.with(keeper) { lab in
            let gateway = try lab.gateway()
            var fixture = try await keeper.fixture()
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
            let configuration = try await keeper.fixture().configuration
            try await gateway.apply(configuration)
            #expect(!(await gateway.observe(configuration)).isEmpty)
            #expect(await gateway.observe(configuration).compactMap(\.objection) == [])
            for observed in await gateway.observe(configuration) where observed.subject.hasPrefix("/") {
                if let destination = try? FileManager.default.destinationOfSymbolicLink(atPath: observed.subject) {
                    try FileManager.default.removeItem(atPath: observed.subject)
                    #expect(await gateway.observe(configuration).compactMap(\.objection).contains { $0.hasPrefix(observed.subject) })
                    try FileManager.default.createSymbolicLink(atPath: observed.subject, withDestinationPath: destination)
                    continue
                }
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
            var fixture = try await keeper.fixture()
            let good = try #require(fixture.certificates["web"])
            try await gateway.apply(try fixture.configuration)
            fixture.certificates["web"] = TestCertificate(chain: good.chain, key: try await TestCertificate.make("other.example").key)
            let refusal = await #expect(throws: Refusal(.invalid, "")) { try await gateway.apply(try fixture.configuration) }
            #expect(
                refusal?.details == ["\(keeper.service): certificate \"web\": the private key does not belong to the certificate"])
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
            var fixture = try await keeper.fixture()
            let old = try #require(fixture.certificates["web"])
            try await gateway.apply(try fixture.configuration)
            let squatter = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
                .bind(host: fixture.address, port: 2601).get()
            var taken = fixture
            taken.certificates["web"] = try await .make("new.example")
            taken.servicePort = 2601
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
            var fixture = try await keeper.fixture()
            try await gateway.apply(try fixture.configuration)
            let open = try await OpenSession(fixture)
            #expect(open.shown == (try fixture.certificates["web"]?.fingerprint))
            fixture.certificates["web"] = try await .make("new.example")
            try await gateway.apply(try fixture.configuration)
            #expect(try await open.goesOn())
            #expect(try await fixture.served() == fixture.certificates["web"]?.fingerprint)
            await gateway.stop()
        }
    }

    @Test(arguments: GatewayKeeper.here)
    func `the same again disturbs nothing, and nothing is written anew`(_ keeper: GatewayKeeper) async throws {
        try await GatewayLab.with(keeper) { lab in
            let gateway = try lab.gateway()
            let fixture = try await keeper.fixture()
            try await gateway.apply(try fixture.configuration)
            let before = lab.marks
            let open = try await OpenSession(fixture)
            try await gateway.apply(try fixture.configuration)
            #expect(lab.marks == before)
            #expect(try await open.goesOn())
            await gateway.stop()
        }
    }

    @Test(arguments: GatewayKeeper.here)
    func `an agent that comes back takes over what is there`(_ keeper: GatewayKeeper) async throws {
        try await GatewayLab.with(keeper) { lab in
            var fixture = try await keeper.fixture()
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

    @Test(arguments: GatewayKeeper.here)
    func `one configuration is applied at a time, and others are refused`(_ keeper: GatewayKeeper) async throws {
        try await GatewayLab.with(keeper) { lab in
            let gateway = try lab.gateway()
            var fixture = try await keeper.fixture()
            var wanted: [(leaf: Digest, configuration: GatewayConfiguration)] = []
            for name in ["one.example", "two.example", "three.example"] {
                let certificate = try await TestCertificate.make(name)
                fixture.certificates["web"] = certificate
                wanted.append((try certificate.fingerprint, try fixture.configuration))
            }
            let (applied, refused) = await withTaskGroup(of: (Digest, Refusal?).self) { tasks in
                for (leaf, configuration) in wanted {
                    tasks.addTask {
                        do throws(Refusal) { try await gateway.apply(configuration) } catch { return (leaf, error) }
                        return (leaf, nil)
                    }
                }
                var ends: (applied: [Digest], refused: [Refusal]) = ([], [])
                for await (leaf, refusal) in tasks {
                    if let refusal { ends.refused.append(refusal) } else { ends.applied.append(leaf) }
                }
                return ends
            }
            #expect(applied.contains(try await fixture.served()))
            #expect(refused.allSatisfy { $0.code == .conflict })
            // The one in the agent may be done with each before the next comes.
            #expect(keeper == .embedded || !refused.isEmpty)
            await gateway.stop()
        }
    }

    /// When the agent's time for a change is up.
    enum Moment: CaseIterable {
        case atOnce
        case onceSwitched
    }

    @Test(arguments: GatewayKeeper.here, Moment.allCases)
    func `a change whose time is up is in force whole or not at all, and the next works`(_ keeper: GatewayKeeper, _ moment: Moment)
        async throws
    {
        try await GatewayLab.with(keeper) { lab in
            let gateway = try lab.gateway()
            var fixture = try await keeper.fixture()
            try await gateway.apply(try fixture.configuration)
            let before = (leaf: try await fixture.served(), generation: keeper.place.flatMap(lab.current))
            fixture.certificates["web"] = try await .make("new.example")
            let next = try fixture.configuration
            let applying = Task { try await gateway.apply(next) }
            if moment == .onceSwitched, let place = keeper.place {
                while lab.current(place) == before.generation { await Task.yield() }
            }
            applying.cancel()
            switch await applying.result {
            case .success: #expect(try await fixture.served() == fixture.certificates["web"]?.fingerprint)
            case .failure:
                #expect(try await fixture.served() == before.leaf)
                #expect(keeper.place.flatMap(lab.current) == before.generation)
            }
            fixture.certificates["web"] = try await .make("later.example")
            try await gateway.apply(try fixture.configuration)
            #expect(try await fixture.served() == fixture.certificates["web"]?.fingerprint)
            await gateway.stop()
        }
    }
}
