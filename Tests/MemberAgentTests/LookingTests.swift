import ClusterModel
import FoundationEssentials
import Gateways
import Logging
import MemberAgent
import NIOPosix
import Replication
import Testing

@Suite("An agent notices by itself what is no longer as it applied it", .timeLimit(.minutes(1)))
struct LookingTests {
    let scratch = Scratch()
    let (one, two): (GatewayConfiguration, GatewayConfiguration)
    private static let settings = "generations/000002/settings.json"

    init() throws {
        let address = ownAddress()
        one = try GatewayConfiguration.serving(Sample.one.get(), port: 2525, at: address)
        two = try GatewayConfiguration.serving(Sample.two.get(), port: 2525, at: address)
    }

    /// A welcomed member that runs `one`, whatever it said until then heard.
    private func withMember(
        gateway: (any Gateway)? = nil, prober: (any Prober)? = nil, mends: Bool = false,
        _ body: @Sendable (RunningAgent, FakeManager.Connection) async throws -> Void
    ) async throws {
        let manager = try FakeManager()
        let directory = try scratch.machine()
        try await join(directory, manager)
        let laid = try directory.layOut(one, kind: .member, target: Target(position: 1, revision: 1, digest: one.settings.digest))
        try directory.switchCurrent(to: laid.number)
        try await withAgent(directory, manager: manager, gateway: gateway, prober: prober, mends: mends) { agent in
            let (connection, _) = try await agent.connection()
            connection.answer(.welcome(.at(1)))
            _ = try await connection.receipt()
            try await body(agent, connection)
        }
    }

    /// As long as the agent waits at most until it looks again.
    private func waitForLook(_ agent: RunningAgent) async {
        for _ in 0...Limits.lookSeconds.upperBound { await agent.clock.tick() }
    }

    /// The next answer to a question, nothing else heard before.
    private func inventory(_ connection: FakeManager.Connection, _ question: Question) async throws -> Inventory {
        connection.answer(.question(question))
        var assembly = InventoryAssembly()
        while case .inventory(let part)? = await connection.next() {
            #expect(part.question == question.number)
            if let inventory = try assembly.take(part) { return inventory }
        }
        throw Refusal(.unavailable, "something else was said")
    }

    /// What differs from `one` in the answer to a question of this number.
    private func differences(_ connection: FakeManager.Connection, _ number: Int) async throws -> [ConsistencyDifference] {
        one.settings.differences(from: try await inventory(connection, Question(number: number)))
    }

    @Test func `an entry that is edited by hand is named, once, and the whole mends it`() async throws {
        try await withMember(gateway: HangingGateway(on: .zero), prober: TrustingProber()) { agent, connection in
            let text = try scratch.text(LookingTests.settings)
            try scratch.replace(LookingTests.settings, with: text.replacing(#""tls":"preferred""#, with: #""tls":"required""#))
            await waitForLook(agent)
            let receipt = try await connection.receipt()
            let outcome = Receipt.Outcome.applied(digest: one.settings.digest, proofs: try trusted(one))
            #expect(receipt.isUnasked && receipt.outcome == outcome)
            #expect(receipt.drift.count == 1 && receipt.drift.first?.hasPrefix("mailFlowPolicies/accepted was changed") == true)
            let status = try await agent.status { !$0.reasons.isEmpty }
            #expect(status.reasons == receipt.drift)
            // It is said once.
            await waitForLook(agent)
            let held = try await inventory(connection, Question(number: 1))
            let different = one.settings.differences(from: held)
            #expect(different.flatMap(\.entries) == [EntryName(.mailFlowPolicies, "accepted")] && different.map(\.kind) == [.changed])
            let values = try await inventory(connection, Question(number: 2, values: different.flatMap(\.entries)))
            #expect(values.values.mapValues { $0["tls"] } == [EntryName(.mailFlowPolicies, "accepted"): "required"])
            try connection.push(one, revision: 1)
            let mended = try await connection.receipt()
            #expect(!mended.isUnasked && mended.drift.isEmpty)
            #expect(try await differences(connection, 3).isEmpty)
            await waitForLook(agent)
            #expect(try await inventory(connection, Question(number: 4)).damages.isEmpty)
        }
    }

    @Test func `a store that cannot be read, and a key that is another, are damages with the entries that need them`() async throws {
        try await withMember(gateway: HangingGateway(on: .zero), prober: TrustingProber()) { agent, connection in
            let key = try #require(one.keys.keys.first)
            try scratch.replace("generations/000002/keys/\(key).pem", with: try Sample.two.get().keyPEM)
            let damaged = try await inventory(connection, Question(number: 1))
            #expect(damaged.damages.map(\.file) == ["keys/\(key).pem"])
            #expect(damaged.damages.map(\.entries) == [[EntryName(.certificates, "mail")]])
            #expect(!"\(damaged)".contains("PRIVATE KEY"))
            await waitForLook(agent)
            #expect(try await connection.receipt().drift.count == 1)
            try scratch.replace(LookingTests.settings, with: "{")
            let unreadable = try await inventory(connection, Question(number: 2))
            #expect(unreadable.store == nil && unreadable.damages.map(\.file) == ["settings.json"])
            #expect(one.settings.differences(from: unreadable).map(\.kind) == [.unreadable])
            try connection.push(one, revision: 1)
            // What it found at its last look it says first, if it came to that.
            while try await connection.receipt().isUnasked {}
            #expect(try await differences(connection, 3).isEmpty)
        }
    }

    @Test func `another certificate behind the agent's back is noticed on the wire and at the gateway, and the whole mends it`()
        async throws
    {
        let loops = MultiThreadedEventLoopGroup.singleton
        let gateway = EmbeddedGateway(group: loops, logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
        try await withMember(gateway: gateway) { agent, connection in
            try await gateway.apply(two)
            await waitForLook(agent)
            let receipt = try await connection.receipt()
            guard case .applied(_, let proofs) = receipt.outcome else { return #expect(Bool(false)) }
            let other = try Sample.two.get().fingerprint
            #expect(receipt.isUnasked && proofs.map(\.served) == [other])
            #expect(receipt.drift.map { $0.prefix(14) } == ["the gateway's ", "listener/publi"])
            let held = try await inventory(connection, Question(number: 1))
            #expect(one.settings.differences(from: held).map(\.place) == [.gateway, .gateway, .service])
            try connection.push(one, revision: 1)
            #expect(try await connection.receipt().drift.isEmpty)
            #expect(try await served(by: one) == Sample.one.get().fingerprint)
            #expect(try await differences(connection, 2).isEmpty)
        }
    }

    @Test func `nothing is said while nothing changes`() async throws {
        try await withMember(gateway: HangingGateway(on: .zero), prober: TrustingProber()) { agent, connection in
            for _ in 0..<3 { await waitForLook(agent) }
            // The answer is the first thing that is said.
            let found = try await differences(connection, 1)
            #expect(found.isEmpty)
        }
    }

    @Test func `a question is answered while an update is being applied`() async throws {
        let gateway = HangingGateway(on: two.settings.digest)
        try await withMember(gateway: gateway, prober: TrustingProber()) { agent, connection in
            try connection.push(two, base: one, revision: 2)
            for await _ in gateway.isHanging { break }
            let held = try await inventory(connection, Question(number: 1))
            #expect(held.isBusy && held.running == one.settings.digest && held.proofs.isEmpty)
            #expect(one.settings.differences(from: held).isEmpty)
            await agent.clock.wake { $0 == .seconds(Limits.applySeconds) }
            _ = try await connection.receipt()
        }
    }

    @Test func `a standalone machine looks, too, and its status says what it saw`() async throws {
        let directory = try scratch.machine()
        try await withAgent(directory, manager: try FakeManager(), gateway: HangingGateway(on: .zero), prober: TrustingProber()) { agent in
            _ = try await agent.status { $0.appliedDigest != nil }
            let settings = "generations/000001/settings.json"
            try scratch.replace(settings, with: try scratch.text(settings).replacing("mx1.example.com", with: "mx9.example.com"))
            await waitForLook(agent)
            #expect(try await agent.status { !$0.reasons.isEmpty }.reasons.contains { $0.hasPrefix("interfaces/data1 was changed") })
        }
    }

    @Test func `one that is set up to mends the store, the gateway and the wire, and says what was wrong`() async throws {
        let loops = MultiThreadedEventLoopGroup.singleton
        let gateway = EmbeddedGateway(group: loops, logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
        try await withMember(gateway: gateway, mends: true) { agent, connection in
            let text = try scratch.text(LookingTests.settings)
            try scratch.replace(LookingTests.settings, with: text.replacing(#""tls":"preferred""#, with: #""tls":"required""#))
            await waitForLook(agent)
            let found = try await connection.receipt()
            #expect(found.drift.count == 1 && found.mended.isEmpty)
            let mended = try await connection.receipt()
            #expect(mended.mended == found.drift && mended.drift.isEmpty && mended.isUnasked)
            #expect(try scratch.text("current/settings.json") == text)
            #expect(try await differences(connection, 1).isEmpty)
            // Changed again within the minute, it is left as it is for now, and said to be.
            try await gateway.apply(two)
            await waitForLook(agent)
            let again = try await connection.receipt()
            #expect(again.drift.last?.hasPrefix("it was mended once and changed again; the next try is not before") == true)
            #expect(try await agent.status { $0.reasons.contains { $0.hasPrefix("it was mended once") } }.appliedRevision == 1)
        }
    }

    @Test func `a standalone machine mends, too`() async throws {
        let directory = try scratch.machine()
        let gateway = HangingGateway(on: .zero)
        try await withAgent(directory, manager: try FakeManager(), gateway: gateway, prober: TrustingProber(), mends: true) { agent in
            let before = try await agent.status { $0.appliedDigest != nil }
            let text = try scratch.text("generations/000001/settings.json")
            try scratch.replace(
                "generations/000001/settings.json", with: text.replacing("mx1.example.com", with: "mx9.example.com"))
            while directory.currentNumber() != 2 { await agent.clock.tick() }
            #expect(gateway.applied == [before.appliedDigest, before.appliedDigest])
            #expect(try scratch.text("current/settings.json") == text)
        }
    }

    private func trusted(_ configuration: GatewayConfiguration) throws -> [ServiceProof] {
        try configuration.settings.intendedServices().map { ServiceProof(service: $0.service, served: $0.fingerprint) }
    }
}
