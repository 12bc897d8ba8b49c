import ClusterModel
import FoundationEssentials
import Gateways
import MemberAgent
import Replication
import Synchronization
import Testing

/// A disk that fails without ending anybody: an I/O error, a full disk, a write that is cut short.
final class BadDisk: DiskFaults {
    /// How long it fails.
    enum Trouble: CaseIterable, Sendable {
        /// One step fails.
        case once
        /// All steps fail from there on, until the disk is healed.
        case lasting
        /// The disk is full in the middle of a write, and stays so.
        case full
    }

    private struct State {
        var count = 0
        var start = Int.max
        var isHit = false
    }

    private let root: String
    private let trouble: Trouble
    private let state = Mutex(State())

    init(_ trouble: Trouble, at root: String) {
        self.trouble = trouble
        self.root = root
    }

    var isHit: Bool { state.withLock { $0.isHit } }

    /// Fails at the n-th step from now, counted from 0.
    func arm(in steps: Int) { state.withLock { $0 = State(count: 0, start: steps) } }

    func heal() { state.withLock { $0.start = .max } }

    func before(_ step: DiskStep) throws(Refusal) {
        let fails = state.withLock { state in
            defer { state.count += 1 }
            // A full disk still removes, renames and flushes; it does not take what is new.
            let isMet = trouble != .full || [.create, .write, .makeDirectory, .link].contains(step.kind)
            let fails = (trouble == .once ? state.count == state.start : state.count >= state.start) && isMet
            state.isHit = state.isHit || fails
            return fails
        }
        guard fails else { return }
        if step.kind == .write { try? Data("{\"torn".utf8).write(to: URL(filePath: "\(root)/\(step.path)")) }
        throw Refusal(.unavailable, "the disk failed: \(step)")
    }
}

@Suite("An agent on a failing disk serves what it served, says so, and gets there once the disk works", .timeLimit(.minutes(2)))
struct BadDiskTests {
    let address = ownAddress()
    let (one, two): (GatewayConfiguration, GatewayConfiguration)

    init() throws {
        one = try GatewayConfiguration.serving(Sample.one.get(), port: 2525, at: address)
        two = try GatewayConfiguration.serving(Sample.two.get(), port: 2525, at: address)
    }

    @Test(arguments: BadDisk.Trouble.allCases)
    func `at every step of an update`(_ trouble: BadDisk.Trouble) async throws {
        var step = 0
        while try await updates(trouble, at: step) { step += 1 }
        #expect(step > 10)
    }

    /// Updates on a disk that fails at a step; false when the update needs no such step.
    private func updates(_ trouble: BadDisk.Trouble, at step: Int) async throws -> Bool {
        let (scratch, manager) = (Scratch(), try FakeManager())
        let disk = BadDisk(trouble, at: scratch.path)
        let directory = try await member(scratch, of: manager)
        let isHit = try await withAgent(scratch.machine(faults: disk), manager: manager) { agent in
            let (connection, _) = try await agent.connection()
            connection.answer(.welcome(.at(1)))
            _ = try await connection.receipt()
            disk.arm(in: step)
            try connection.push(two, base: one, revision: 2)
            let outcome = try await connection.receipt().outcome
            let isHit = disk.isHit
            if case .rejected(let reasons) = outcome {
                #expect(isHit && reasons.contains { $0.contains("the disk failed") }, "step \(step): \(reasons)")
                #expect(try await served(by: one) == Sample.one.get().fingerprint, "step \(step)")
                disk.heal()
                // The disk works again, and an administrator has said so: muster machine retry.
                try connection.push(two, base: one, revision: 2)
                guard case .applied = try await connection.receipt().outcome else {
                    Issue.record("step \(step): not applied on a disk that works")
                    return isHit
                }
            }
            disk.heal()
            #expect(try await served(by: two) == Sample.two.get().fingerprint, "step \(step)")
            return isHit
        }
        let (current, damages) = try directory.current()
        #expect(current?.settings.digest == two.settings.digest, "step \(step)")
        #expect(damages.isEmpty, "step \(step)")
        return isHit
    }

    @Test(arguments: BadDisk.Trouble.allCases)
    func `at every step of becoming standalone`(_ trouble: BadDisk.Trouble) async throws {
        var step = 0
        while try await flattens(trouble, at: step) { step += 1 }
        #expect(step > 10)
    }

    /// Is told that the membership ended, on a disk that fails at a step; false when that needs no such step.
    private func flattens(_ trouble: BadDisk.Trouble, at step: Int) async throws -> Bool {
        let (scratch, manager) = (Scratch(), try FakeManager())
        let disk = BadDisk(trouble, at: scratch.path)
        let directory = try await member(scratch, of: manager)
        let key = try #require(try directory.membership()).identity.key
        let isHit = try await withAgent(scratch.machine(faults: disk), manager: manager) { agent in
            let (connection, _) = try await agent.connection()
            connection.answer(.welcome(.at(1)))
            _ = try await connection.receipt()
            disk.arm(in: step)
            // Whoever connects again is told again.
            manager.answering { message, connection in
                if case .hello = message { connection.answer(.ended(Ended(reason: "removed by anna", time: .now))) }
            }
            connection.answer(.ended(Ended(reason: "removed by anna", time: .now)))
            while await connection.next() != nil {}
            #expect(try await served(by: one) == Sample.one.get().fingerprint, "step \(step)")
            let isHit = disk.isHit
            disk.heal()
            while try directory.membershipFacts() != nil || directory.current().generation?.kind != .standalone {
                await agent.clock.tick()
            }
            await agent.clock.tick()
            #expect(try await served(by: one) == Sample.one.get().fingerprint, "step \(step)")
            return isHit
        }
        // What the failing disk left is cleared away at the latest when the agent starts again.
        try await withAgent(scratch.machine(), manager: try FakeManager()) { agent async throws -> Void in
            #expect(try await agent.status { _ in true }.mode == .standalone, "step \(step)")
            #expect(try await served(by: one) == Sample.one.get().fingerprint, "step \(step)")
        }
        #expect(try scratch.allFiles().values.allSatisfy { !$0.contains(key) }, "step \(step): the identity's key is still there")
        return isHit
    }

    private func member(_ scratch: Scratch, of manager: FakeManager) async throws -> StateDirectory {
        let directory = try scratch.machine()
        try await join(directory, manager)
        let laid = try directory.layOut(one, kind: .member, target: Target(position: 1, revision: 1, digest: one.settings.digest))
        try directory.switchCurrent(to: laid.number)
        return directory
    }
}
