import ClusterModel
import FoundationEssentials
import Gateways
import MemberAgent
import Replication
import Testing

@Suite("What commands change on the disk of a running agent", .timeLimit(.minutes(1)))
struct CommandsTests {
    private let scratch = Scratch()
    private let address = ownAddress()

    @Test func `a standalone machine's new settings are in force at the next look`() async throws {
        let directory = try scratch.machine()
        try await withAgent(directory, manager: try FakeManager()) { agent in
            _ = try await agent.status { $0.appliedDigest != nil }
            try layOut(Sample.one.get(), in: directory)
            await agent.clock.tick()
            let status = try await agent.status { !$0.services.isEmpty }
            #expect(status.mode == .standalone)
            #expect(status.services.map(\.served) == [try Sample.one.get().fingerprint])
            #expect(try directory.generationNumbers().count == 2)
        }
    }

    @Test func `settings that the gateway refuses are taken back, with the reason`() async throws {
        let directory = try scratch.machine()
        let good = try layOut(Sample.one.get(), in: directory)
        try await withAgent(directory, manager: try FakeManager()) { agent in
            _ = try await agent.status { $0.appliedDigest != nil }
            try layOut(Sample.two.get(), at: "192.0.2.1", in: directory)
            await agent.clock.tick()
            let status = try await agent.status { !$0.reasons.isEmpty }
            #expect(status.reasons.contains { $0.contains("192.0.2.1") })
            #expect(status.appliedDigest == good.settings.digest)
            #expect(directory.currentNumber() == good.number)
            #expect(try directory.status() == status)
            #expect(try await served(by: good.configuration) == Sample.one.get().fingerprint)
            #expect(try scratch.allFiles().values.allSatisfy { !$0.contains(try Sample.two.get().keyPEM) })
        }
    }

    @Test func `settings that were changed while no agent ran, and are refused at its start, are taken back`() async throws {
        let directory = try scratch.machine()
        let good = try layOut(Sample.one.get(), in: directory)
        try layOut(Sample.two.get(), at: "192.0.2.1", in: directory)
        try await withAgent(directory, manager: try FakeManager()) { agent in
            let status = try await agent.status { $0.appliedDigest != nil }
            #expect(status.reasons.contains { $0.contains("192.0.2.1") })
            #expect(directory.currentNumber() == good.number)
        }
    }

    @Test func `after a join the old settings serve until the cluster's are proved; only then they and their keys go`() async throws {
        let (directory, manager) = (try scratch.machine(), try FakeManager())
        let own = try layOut(Sample.one.get(), in: directory)
        let theirs = try GatewayConfiguration.serving(Sample.two.get(), port: 2525, at: address)
        let impossible = try GatewayConfiguration.serving(Sample.two.get(), port: 2525, at: "192.0.2.1")
        let oldKey = try Sample.one.get().keyPEM
        try await withAgent(directory, manager: manager) { agent in
            _ = try await agent.status { $0.appliedDigest != nil }
            try directory.takeUp(try await admitted(by: try FakeManager()))
            await agent.clock.tick()
            let (connection, hello) = try await agent.connection()
            #expect(hello.running == nil, "what it runs is not of the cluster")
            connection.answer(.welcome(.at(1)))
            // The first one does not work here.
            try connection.push(impossible, revision: 1)
            guard case .rejected = try await connection.receipt().outcome else { return #expect(Bool(false)) }
            #expect(try await served(by: own.configuration) == Sample.one.get().fingerprint)
            #expect(try scratch.allFiles().values.contains { $0.contains(oldKey) })
            // The second does.
            try connection.push(theirs, revision: 2)
            guard case .applied = try await connection.receipt().outcome else { return #expect(Bool(false)) }
            #expect(try await served(by: theirs) == Sample.two.get().fingerprint)
            #expect(try scratch.allFiles().values.allSatisfy { !$0.contains(oldKey) })
            #expect(try directory.generationNumbers().count == 1)
        }
    }

    @Test func `an agent whose machine leaves hangs up and goes on serving`() async throws {
        let (directory, manager) = (try scratch.machine(), try FakeManager())
        let configuration = try GatewayConfiguration.serving(Sample.one.get(), port: 2525, at: address)
        try directory.takeUp(try await admitted(by: try FakeManager()))
        let laid = try directory.layOut(
            configuration, kind: .member, target: Target(position: 1, revision: 1, digest: configuration.settings.digest))
        try directory.switchCurrent(to: laid.number)
        try await withAgent(directory, manager: manager) { agent in
            let (connection, _) = try await agent.connection()
            connection.answer(.welcome(.at(1)))
            _ = try await agent.status { $0.connected }
            _ = try directory.leave()
            await agent.clock.tick()
            #expect(try await agent.status { $0.mode == .standalone }.services.map(\.served) == [try Sample.one.get().fingerprint])
            while await connection.next() != nil {}
            #expect(try await served(by: configuration) == Sample.one.get().fingerprint)
        }
    }

    @Test func `an agent whose newest generation is damaged serves the one before, and says so`() async throws {
        let directory = try scratch.machine()
        let good = try layOut(Sample.one.get(), in: directory)
        let bad = try layOut(Sample.two.get(), in: directory)
        let file = try #require(try scratch.allFiles().keys.first { $0.hasPrefix("generations/00000\(bad.number)/keys/") })
        try scratch.replace(file, with: "damage")
        try await withAgent(directory, manager: try FakeManager()) { agent in
            let status = try await agent.status { _ in true }
            #expect(status.appliedDigest == good.settings.digest)
            #expect(status.reasons.contains { $0.contains("generation \(bad.number) is damaged") })
        }
        #expect(directory.currentNumber() == good.number)
    }

    @Test func `a standalone machine with nothing whole to serve does not start, and says what is damaged`() async throws {
        let directory = try scratch.machine()
        try scratch.replace("generations/000001/settings.json", with: "{}")
        let refusal = await #expect(throws: Refusal(.unreadable, "")) {
            try await withAgent(directory, manager: try FakeManager()) { agent in _ = try await agent.status { _ in true } }
        }
        #expect(refusal?.details.first?.contains("generation 1 is damaged") == true)
    }

    @discardableResult
    private func layOut(_ sample: Sample, at other: String? = nil, in directory: StateDirectory) throws -> Generation {
        try layOutOwn(in: directory, port: 2525, at: other ?? address, sample: sample)
    }
}
