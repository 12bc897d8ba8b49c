import ClusterModel
import Gateways
import MemberAgent
import Replication
import Testing

@Suite("A machine that is disconnected on purpose", .timeLimit(.minutes(1)))
struct ApartTests {
    private let scratch = Scratch()
    private let address = ownAddress()
    private let one: GatewayConfiguration
    private let two: GatewayConfiguration

    init() throws {
        one = try GatewayConfiguration.serving(Sample.one.get(), port: 2525, at: address)
        two = try GatewayConfiguration.serving(Sample.two.get(), port: 2525, at: address)
    }

    @Test func `it keeps on its disk what it was told, and says so again after a restart`() async throws {
        let (directory, manager) = (try await member(), try FakeManager())
        try await withAgent(directory, manager: manager) { agent in
            let connection = try await welcome(agent)
            connection.answer(.apart(true))
            #expect(try await connection.report() == LocalEditReport(isDisconnected: true))
            #expect(try await agent.status { $0.disconnected == true }.localEdits == [])
        }
        let again = try FakeManager()
        try await withAgent(directory, manager: again) { agent in
            let (connection, hello) = try await agent.connection()
            #expect(hello.isDisconnected && hello.localEdits == 0)
            connection.answer(.welcome(.at(1)))
            #expect(try await connection.report().isDisconnected)
            connection.answer(.apart(false))
            #expect(try await connection.report() == LocalEditReport(isDisconnected: false))
            try connection.push(two, base: one, revision: 2)
            #expect(try await connection.receipt(of: 2).outcome.isApplied)
        }
        #expect(try directory.apart() == Apart())
    }

    @Test func `an edit is in force at the next look, proved, and reported with its key; after a restart, too`() async throws {
        let (directory, manager) = (try await member(), try FakeManager())
        let fingerprint = try Sample.two.get().fingerprint
        try await withAgent(directory, manager: manager) { agent in
            let connection = try await welcome(agent)
            connection.answer(.apart(true))
            _ = try await connection.report()
            try edit(directory, to: two)
            await agent.clock.tick()
            let receipt = try await connection.receipt(of: 1)
            #expect(receipt.target.digest == two.settings.digest)
            #expect(
                receipt.outcome
                    == .applied(digest: two.settings.digest, proofs: [ServiceProof(service: "listener/public", served: fingerprint)]))
            let report = try await connection.report()
            #expect(report.edits.map(\.path) == ["certificates/mail"])
            #expect(report.edits.first?.base == one.settings[.certificates, "mail"]?.digest)
            #expect(report.edits.first?.digest == two.settings[.certificates, "mail"]?.digest)
            #expect(Set(report.material.map(\.digest)) == Set(two.keys.keys).union(two.chains.keys))
            #expect(try await agent.status { $0.localEdits == ["certificates/mail"] }.appliedRevision == 1)
            #expect(try await served(by: two) == fingerprint)
        }
        let again = try FakeManager()
        again.isReachable = false
        try await withAgent(directory, manager: again) { agent in
            let status = try await agent.status { $0.appliedDigest != nil }
            #expect(status.localEdits == ["certificates/mail"])
            #expect(try await served(by: two) == fingerprint)
        }
    }

    @Test func `edits that the gateway rejects are put back and said, and count no more`() async throws {
        let (directory, manager) = (try await member(), try FakeManager())
        let impossible = try GatewayConfiguration.serving(Sample.one.get(), port: 2525, at: "192.0.2.1")
        try await withAgent(directory, manager: manager) { agent in
            let connection = try await welcome(agent)
            connection.answer(.apart(true))
            _ = try await connection.report()
            try edit(directory, to: impossible)
            await agent.clock.tick()
            let status = try await agent.status { !$0.reasons.isEmpty }
            #expect(status.reasons.contains { $0.contains("192.0.2.1") })
            #expect(status.localEdits == [])
            #expect(status.appliedDigest == one.settings.digest)
            #expect(try await connection.report() == LocalEditReport(isDisconnected: true))
            #expect(try directory.apart() == Apart(isDisconnected: true))
            #expect(try await served(by: one) == Sample.one.get().fingerprint)
        }
    }

    @Test func `edits that were made while no agent ran and are refused at its start are put back`() async throws {
        let directory = try await apart()
        try edit(directory, to: try GatewayConfiguration.serving(Sample.one.get(), port: 2525, at: "192.0.2.1"))
        try await withAgent(directory, manager: try FakeManager()) { agent in
            let status = try await agent.status { $0.appliedDigest != nil }
            #expect(status.reasons.contains { $0.contains("192.0.2.1") })
            #expect(status.localEdits == [])
            #expect(try await served(by: one) == Sample.one.get().fingerprint)
        }
        #expect(try directory.apart() == Apart(isDisconnected: true))
    }

    @Test func `once all edits are settled they are forgotten, and the update takes their place`() async throws {
        let directory = try await apart()
        try edit(directory, to: two)
        let id = try #require(try directory.apart().edits.first?.id)
        try await withAgent(directory, manager: try FakeManager()) { agent in
            let (connection, hello) = try await agent.connection()
            #expect(hello.isDisconnected && hello.localEdits == 1)
            #expect(hello.running == two.settings.digest)
            connection.answer(.welcome(.at(1)))
            #expect(try await connection.report().edits.map(\.id) == [id])
            connection.answer(.apart(false))
            #expect(try await connection.report().edits.map(\.id) == [id])
            // Repeated, as after a connection that broke: all the same.
            for _ in 0..<2 {
                connection.answer(.settled([id]))
                #expect(try await connection.report() == LocalEditReport(isDisconnected: false))
            }
            try connection.push(one, revision: 3)
            #expect(try await connection.receipt(of: 3).outcome.isApplied)
            #expect(try await served(by: one) == Sample.one.get().fingerprint)
        }
        #expect(try directory.current().generation?.edits == [])
        #expect(try scratch.allFiles().filter { $0.key.hasPrefix("generations/") && $0.key.contains("keys/") }.count <= 2)
    }

    @Test func `an update over edits that are not settled is not taken`() async throws {
        let directory = try await apart()
        try edit(directory, to: two)
        try await withAgent(directory, manager: try FakeManager()) { agent in
            let (connection, _) = try await agent.connection()
            connection.answer(.welcome(.at(1)))
            _ = try await connection.report()
            try connection.push(one, revision: 3)
            _ = try await agent.status { $0.reasons.contains { $0.contains("edits of its own") } }
            #expect(try await served(by: two) == Sample.two.get().fingerprint)
            #expect(try directory.apart().edits.count == 1)
        }
    }

    // MARK: - Commands

    @Test func `a connected member takes no edits, and is told what to do`() async throws {
        let directory = try await member()
        let refusal = #expect(throws: Refusal(.conflict, "")) { try edit(directory, to: two) }
        #expect(refusal?.reason.contains("muster machine disconnect mx1") == true)
        #expect(try directory.current().generation?.settings == one.settings)
    }

    @Test func `an edit keeps what it began with, and back to that it is none`() async throws {
        let directory = try await apart()
        let base = one.settings[.mailFlowPolicies, "accepted"]?.digest
        try set(directory, .mailFlowPolicies, "accepted", ["tls": "required"])
        let first = try #require(try directory.apart().edits.first)
        try set(directory, .mailFlowPolicies, "accepted", ["tls": "off"])
        let second = try #require(try directory.apart().edits.first)
        #expect([first.base, second.base] == [base, base] && first.id != second.id)
        #expect(try directory.apart().edits.count == 1)
        try set(directory, .destinations, "bank.example", ["tls": "required"])
        #expect(try directory.apart().edits.map(\.base) == [base, nil])
        try set(directory, .mailFlowPolicies, "accepted", ["tls": "preferred"])
        try set(directory, .destinations, "bank.example", nil)
        #expect(try directory.apart() == Apart(isDisconnected: true))
        #expect(try directory.current().generation?.settings.digest == one.settings.digest)
    }

    @Test func `settings that do not hold together are refused, and so are too many`() async throws {
        let directory = try await apart()
        #expect(throws: Refusal(.wouldBreak, "")) { try set(directory, .mailFlowPolicies, "accepted", nil) }
        #expect(throws: Refusal(.limit, "")) {
            try directory.changeOwn(now: .now) { current in
                let entries = (0...Limits.localEdits).map {
                    EffectiveEntry(
                        section: .destinations, name: "d\($0).example", value: ["tls": "required"], origin: Generation.ownOrigin)
                }
                return (EffectiveConfiguration(sections: current.sections + [EffectiveSection(name: .destinations, entries: entries)]), [])
            }
        }
        #expect(try directory.apart() == Apart(isDisconnected: true))
    }

    @Test func `a machine that leaves keeps its edits as settings of its own, and nothing of being apart`() async throws {
        let directory = try await apart()
        try edit(directory, to: two)
        _ = try directory.leave()
        #expect(try directory.current().generation?.settings.digest == two.settings.digest)
        #expect(try directory.current().generation?.edits == [])
        #expect(try directory.apart() == Apart())
        try set(directory, .destinations, "bank.example", ["tls": "required"])
        #expect(try directory.apart() == Apart(), "a standalone machine has settings, not edits")
    }

    @Test func `a crash at any step of an edit leaves the old or the new, with its edits`() async throws {
        var step = 0
        while true {
            let scratch = Scratch()
            let directory = try await apart(in: scratch)
            let cut = PowerCut(at: step)
            // The cut refuses in the middle; what is left is looked at.
            try? edit(try scratch.machine(faults: cut), to: two)
            let generation = try #require(try directory.current().generation, "step \(step)")
            let edits = try directory.apart().edits
            if generation.settings.digest == two.settings.digest {
                #expect(edits.map(\.path) == ["certificates/mail"], "step \(step)")
            } else {
                #expect(generation.settings.digest == one.settings.digest && edits.isEmpty, "step \(step)")
            }
            guard cut.hasCut else { break }
            step += 1
        }
        #expect(step > 8)
    }

    // MARK: - Fixtures

    private func edit(_ directory: StateDirectory, to wanted: GatewayConfiguration) throws {
        let material =
            wanted.keys.map { Material(kind: .key, digest: $0.key, pem: Array($0.value.utf8)) }
            + wanted.chains.map { Material(kind: .chain, digest: $0.key, pem: Array($0.value.utf8)) }
        _ = try directory.changeOwn(now: .now) { _ in (wanted.settings, material) }
    }

    private func set(_ directory: StateDirectory, _ section: SectionName, _ name: String, _ value: JSONValue?) throws {
        _ = try directory.changeOwn(now: .now) { current in
            var entries = current[section]?.entries.filter { $0.name != name } ?? []
            if let value { entries.append(EffectiveEntry(section: section, name: name, value: value, origin: Generation.ownOrigin)) }
            return (
                EffectiveConfiguration(
                    sections: current.sections.filter { $0.name != section }
                        + (entries.isEmpty ? [] : [EffectiveSection(name: section, entries: entries)])), []
            )
        }
    }

    private func welcome(_ agent: RunningAgent) async throws -> FakeManager.Connection {
        let (connection, _) = try await agent.connection()
        connection.answer(.welcome(.at(1)))
        _ = try await connection.receipt()
        return connection
    }

    /// A member that has applied ``one``.
    private func member(in other: Scratch? = nil) async throws -> StateDirectory {
        let directory = try (other ?? scratch).machine()
        try await join(directory, try FakeManager())
        let laid = try directory.layOut(one, kind: .member, target: Target(position: 1, revision: 1, digest: one.settings.digest))
        try directory.switchCurrent(to: laid.number)
        return directory
    }

    /// The same, told that it is disconnected.
    private func apart(in other: Scratch? = nil) async throws -> StateDirectory {
        let directory = try await member(in: other)
        try (other ?? scratch).replace("apart.json", with: #"{"isDisconnected":true,"settled":[]}"#)
        return directory
    }
}

extension FakeManager.Connection {
    /// The member's next word on its own edits.
    fileprivate func report() async throws -> LocalEditReport {
        while let message = await next() {
            if case .localEdits(let report) = message { return report }
        }
        throw Refusal(.unavailable, "the connection ended")
    }

    /// The member's next receipt for a revision.
    fileprivate func receipt(of revision: Int) async throws -> Receipt {
        while true {
            let receipt = try await receipt()
            if receipt.target.revision == revision { return receipt }
        }
    }
}

extension Receipt.Outcome {
    fileprivate var isApplied: Bool {
        if case .applied = self { true } else { false }
    }
}
