import ClusterModel
import Gateways
import MemberAgent
import Replication
import Testing

@Suite("The running agent", .timeLimit(.minutes(1)))
struct AgentServiceTests {
    let scratch = Scratch()
    let address = ownAddress()
    let (one, two): (GatewayConfiguration, GatewayConfiguration)

    init() throws {
        one = try GatewayConfiguration.serving(Sample.one.get(), port: 2525, at: address)
        two = try GatewayConfiguration.serving(Sample.two.get(), port: 2525, at: address)
    }

    @Test func `a member serves what it last applied with no manager in reach`() async throws {
        let manager = try FakeManager()
        let directory = try await member(running: one, of: manager)
        manager.isReachable = false
        try await withAgent(directory, manager: manager) { agent in
            let status = try await agent.status { $0.reasons.contains { $0.contains("nothing answers") } }
            #expect(status.mode == .member)
            #expect(!status.connected)
            #expect(status.appliedRevision == 1)
            #expect(status.services.map(\.served) == [try Sample.one.get().fingerprint])
            #expect(try await served(by: one) == Sample.one.get().fingerprint)
        }
        #expect(try await served(by: one) == nil, "an agent that ends serves nothing more")
    }

    @Test func `an update is applied, proved, put in force and said`() async throws {
        let manager = try FakeManager()
        let directory = try await member(running: one, of: manager)
        try await withAgent(directory, manager: manager) { agent in
            let (connection, hello) = try await agent.connection()
            #expect(hello.running == one.settings.digest)
            connection.answer(.welcome(.at(1)))
            _ = try await connection.receipt()
            try connection.push(two, base: one, revision: 2)
            let receipt = try await connection.receipt()
            #expect(receipt.target.revision == 2)
            let proof = ServiceProof(service: "listener/public", served: try Sample.two.get().fingerprint)
            #expect(receipt.outcome == .applied(digest: two.settings.digest, proofs: [proof]))
            #expect(try directory.current().generation?.configuration.keys == two.keys, "the old key is not in it")
            #expect(try await agent.status { $0.appliedRevision == 2 }.connected)
        }
        // Once more, after a restart.
        try await withAgent(directory, manager: try FakeManager()) { agent in
            let (_, hello) = try await agent.connection()
            #expect(hello.running == two.settings.digest)
            #expect(hello.seen == .at(2))
            #expect(try await served(by: two) == Sample.two.get().fingerprint)
        }
    }

    @Test func `what the gateway refuses is rejected with its reasons, and the one before is served`() async throws {
        let manager = try FakeManager()
        let directory = try await member(running: one, of: manager)
        let impossible = try GatewayConfiguration.serving(Sample.two.get(), port: 2525, at: "192.0.2.1")
        try await withAgent(directory, manager: manager) { agent in
            let (connection, _) = try await agent.connection()
            connection.answer(.welcome(.at(1)))
            _ = try await connection.receipt()
            try connection.push(impossible, base: one, revision: 2)
            guard case .rejected(let reasons) = try await connection.receipt().outcome else { return #expect(Bool(false)) }
            #expect(reasons.contains { $0.contains("192.0.2.1") })
            let status = try await agent.status { !$0.reasons.isEmpty }
            #expect(status.appliedRevision == 1)
            #expect(status.targetRevision == 2)
            #expect(try await served(by: one) == Sample.one.get().fingerprint)
            #expect(try scratch.allFiles().values.allSatisfy { !$0.contains(try Sample.two.get().keyPEM) })
        }
    }

    @Test func `what is applied and not proved is rolled back`() async throws {
        let manager = try FakeManager()
        let directory = try await member(running: one, of: manager)
        let prober = ScriptedProber(blindTo: try Sample.two.get().fingerprint)
        try await withAgent(directory, manager: manager, prober: prober) { agent in
            let (connection, _) = try await agent.connection()
            connection.answer(.welcome(.at(1)))
            _ = try await connection.receipt()
            try connection.push(two, base: one, revision: 2)
            guard case .rejected(let reasons) = try await connection.receipt().outcome else { return #expect(Bool(false)) }
            #expect(reasons.count == 1)
            #expect(reasons.first?.contains("listener/public does not answer") == true)
            #expect(try await served(by: one) == Sample.one.get().fingerprint)
            #expect(try directory.current().generation?.settings.digest == one.settings.digest)
        }
    }

    @Test func `a gateway that takes too long is given the one before`() async throws {
        let manager = try FakeManager()
        let directory = try await member(running: one, of: manager)
        let gateway = HangingGateway(on: two.settings.digest)
        try await withAgent(directory, manager: manager, gateway: gateway, prober: TrustingProber()) { agent in
            let (connection, _) = try await agent.connection()
            connection.answer(.welcome(.at(1)))
            _ = try await connection.receipt()
            try connection.push(two, base: one, revision: 2)
            for await _ in gateway.isHanging { break }
            await agent.clock.wake { $0 == .seconds(Limits.applySeconds) }
            guard case .rejected(let reasons) = try await connection.receipt().outcome else { return #expect(Bool(false)) }
            #expect(reasons.first?.hasPrefix("timed out") == true)
            #expect(gateway.applied == [one.settings.digest, one.settings.digest])
        }
    }

    @Test func `a disk that fails at any step of an update leaves a whole generation, in force after a restart`() async throws {
        let manager = try FakeManager()
        var step = 0
        while true {
            let scratch = Scratch()
            let directory = try await member(running: one, of: manager, in: scratch)
            let cut = PowerCut()
            let isDone = try await withAgent(
                scratch.machine(faults: cut), manager: try FakeManager(), gateway: HangingGateway(on: .zero), prober: TrustingProber()
            ) { [step] agent in
                let (connection, _) = try await agent.connection()
                connection.answer(.welcome(.at(1)))
                _ = try await connection.receipt()
                cut.arm(in: step)
                try connection.push(two, base: one, revision: 2)
                if case .applied = try await connection.receipt().outcome, !cut.hasCut { return true }
                return false
            }
            let gateway = HangingGateway(on: .zero)
            let other = try FakeManager()
            other.isReachable = false
            try await withAgent(directory, manager: other, gateway: gateway, prober: TrustingProber()) { agent in
                _ = try await agent.status { $0.appliedDigest != nil }
            }
            let digest = try #require(gateway.applied.first, "step \(step)")
            #expect(gateway.applied.count == 1, "step \(step)")
            #expect([one.settings.digest, two.settings.digest].contains(digest), "step \(step)")
            if isDone {
                #expect(digest == two.settings.digest)
                break
            }
            step += 1
        }
        #expect(step > 20)
    }

    @Test func `a membership that ends leaves a standalone machine that serves the same`() async throws {
        let manager = try FakeManager()
        let directory = try await member(running: one, of: manager)
        let key = try #require(try directory.membership()).identity.key
        try await withAgent(directory, manager: manager) { agent in
            let (connection, _) = try await agent.connection()
            connection.answer(.ended(Ended(reason: "removed by anna", time: .now)))
            let status = try await agent.status { $0.mode == .standalone }
            #expect(status.reasons.contains { $0.contains("removed by anna") })
            #expect(status.appliedDigest == one.settings.digest)
            #expect(try await served(by: one) == Sample.one.get().fingerprint)
        }
        #expect(try directory.membership() == nil)
        #expect(try directory.current().generation?.kind == .standalone)
        #expect(try directory.current().generation?.configuration.keys == one.keys)
        #expect(try scratch.allFiles().values.allSatisfy { !$0.contains(key) })
    }

    @Test func `a refusal by the manager is shown, and it is tried again later`() async throws {
        let manager = try FakeManager()
        let directory = try await member(running: one, of: manager)
        try await withAgent(directory, manager: manager, gateway: HangingGateway(on: .zero), prober: TrustingProber()) { agent in
            let (connection, _) = try await agent.connection()
            connection.answer(.refused(.duplicateMember, reason: "Another connection of this membership is open."))
            _ = try await agent.status { $0.reasons.contains { $0.contains("Another connection") } }
            await agent.clock.wake { $0 < .seconds(1) }
            let (again, _) = try await agent.connection()
            again.answer(.welcome(.at(1)))
            #expect(try await agent.status { $0.connected }.reasons.isEmpty)
        }
    }

    @Test func `a second agent on the same directory ends with the reason`() async throws {
        let manager = try FakeManager()
        let directory = try await member(running: one, of: manager)
        let lock = try directory.lockForRunning()
        await #expect(throws: Refusal(.inUse, "")) {
            try await withAgent(directory, manager: manager) { agent in _ = try await agent.status { _ in true } }
        }
        withExtendedLifetime(lock) {}
    }

    /// A member whose disk has this in force.
    func member(running configuration: GatewayConfiguration, of manager: FakeManager, in other: Scratch? = nil) async throws
        -> StateDirectory
    {
        let directory = try (other ?? scratch).machine()
        try await join(directory, manager)
        let laid = try directory.layOut(
            configuration, kind: .member, target: Target(position: 1, revision: 1, digest: configuration.settings.digest))
        try directory.switchCurrent(to: laid.number)
        return directory
    }
}

extension Digest {
    static let zero = Digest(hashing: [])
}
