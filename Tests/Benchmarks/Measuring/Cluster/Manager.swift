import AdminContract
import Certificates
import ClusterLog
import ClusterLogSQLite
import ClusterModel
import ClusterService
import Foundation
import Logging
import NIOCore
import NIOPosix
import Replication
import ReplicationTransport
import Synchronization

/// A manager in a process of its own: the same wiring as `muster manager run`, without the admin port, and with a member
/// port that notes when receipts were taken in.
struct ManagerRole {
    private let fixture: Fixture
    private let log: SQLiteLog
    private let ledger: Ledger
    private let desk: ChangeDesk
    private let fleet: FleetService
    private let port: CountingPort
    private let server: MemberPortServer

    /// `expecting` so many members to say what they run, from the start.
    static func run(scratch: String, name: String, expecting count: Int) async throws {
        let role = try await ManagerRole(Fixture(scratch: scratch, name: name), isRestart: count > 0)
        role.port.expect(count, from: 0)
        let running = Task { [fleet = role.fleet] in try await fleet.run() }
        try await role.listen()
        await OrderLoop().run { verb, words in try await role.perform(verb, words.compactMap { Int($0) }) }
        running.cancel()
    }

    private init(_ fixture: Fixture, isRestart: Bool) async throws {
        self.fixture = fixture
        let logger = Logger(label: "benchmark") { _ in SwiftLogNoOpLogHandler() }
        let settings = try fixture.directory.settings()
        let master = try fixture.directory.masterKey()
        log = try SQLiteLog(path: fixture.directory.database, create: false)
        ledger = try await Ledger.open(log: log, key: ManagerFoundation.logKey(master), now: systemClock)
        let state = await ledger.state
        let vault = KeyVault(log: log, master: master, clusterID: state.clusterID)
        let authority = try await ClusterAuthority.load(state, vault: vault)
        let enrolment = Enrolment(ledger: ledger, issuers: Issuers(vault: vault), log: log, now: systemClock, managers: { [] })
        desk = ChangeDesk(ledger: ledger, log: log)
        fleet = FleetService(ledger: ledger, enrolment: enrolment, vault: vault, log: log, now: systemClock, logger: logger)
        port = CountingPort(fleet)
        let key = try PrivateKey.generate(.ecdsaP256)
        let chain = try authority.issue(.manager(settings.manager), for: key, names: ["127.0.0.1"], lifetimeDays: 1, now: systemClock())
        // A manager that starts again listens where it did, so the port is none that the system gives to others meanwhile.
        let known = (try? String(contentsOf: fixture.port, encoding: .utf8)).flatMap { Int($0) }
        let place = isRestart ? known ?? 0 : Int.random(in: 20_000..<32_000)
        server = try MemberPortServer(
            host: "127.0.0.1", port: place, identity: ManagerIdentity(certificate: chain.pem, key: key.pem),
            authorities: authority.certificatePEM, clusterID: state.clusterID, delegate: port, group: MultiThreadedEventLoopGroup.singleton,
            now: systemClock, logger: logger)
    }

    private func listen() async throws {
        try "\(await server.start())".write(to: fixture.port, atomically: true, encoding: .utf8)
    }

    private func perform(_ verb: String, _ numbers: [Int]) async throws -> Answer {
        switch (verb, numbers.first, numbers.last) {
        case ("memory", _, _): return ["kib": try Machine.resident(), "members": Double(server.connections.members)]
        case ("small", let members?, _): return try await commit(members, ClusterSettings.smallCommit)
        case ("large", let members?, _): return try await commit(members) { ClusterSettings.largeCommit(round: $0.revision) }
        case ("expect", let members?, _):
            port.expect(members, from: 0)
            return [:]
        case ("synced", _, _): return try await synced()
        case ("commits", let count?, _): return try await commits(count)
        case ("desk", _, _): return try await deskCommit()
        case ("views", _, _): return try await views()
        default: throw BenchmarkError("the manager does not know \(verb)")
        }
    }

    /// One commit: when the append was answered, when the last receipt was in, and what it cost this process.
    private func commit(_ members: Int, _ edits: @Sendable (ClusterState) -> [Edit]) async throws -> Answer {
        let before = await ledger.state
        port.expect(members, from: before.head.position + 1)
        let (start, cpu) = (Machine.seconds(), Machine.cpu())
        let after = try await append(edits)
        let answered = Machine.seconds()
        let ends = try await port.ends()
        var answer: Answer = [
            "append": answered - start, "last": (ends.last ?? answered) - answered, "cpu": Machine.cpu() - cpu,
            "half": (ends.dropFirst(ends.count / 2).first ?? answered) - answered,
        ]
        answer.merge(try sizes(before, after)) { $1 }
        return answer
    }

    private func append(_ edits: @Sendable (ClusterState) -> [Edit]) async throws -> ClusterState {
        try await ledger.append(by: "admin") { state, _ throws(Refusal) in
            let revision = state.revision + 1
            return .settingsCommitted(
                SettingsCommitted(changeSet: "round-\(revision)", revision: revision, comment: "", edits: edits(state)))
        }
    }

    /// Bytes of a member's update, and of its receipt.
    private func sizes(_ before: ClusterState, _ after: ClusterState) throws -> Answer {
        guard let membership = after.memberships.values.first else { throw BenchmarkError("the cluster has no machines") }
        let configuration = after.configuration(of: membership)
        let target = Target(position: after.head.position, revision: after.revision, digest: configuration.digest)
        let head = Sighting(epoch: 0, head: after.head, seal: Digest(hashing: []))
        let plan = UpdatePlan(target: target, head: head, configuration: configuration, base: before.configuration(of: membership))
        let parts = try SectionChunks().parts(of: plan.update(material: []))
        let proofs = try configuration.assumedProofs()
        let receipt = Receipt(target: target, outcome: .applied(digest: target.digest, proofs: proofs), time: systemClock())
        return [
            "update": Double(parts.reduce(0) { $0 + $1.readableBytes }),
            "receipt": Double(try WireCodec.encode(MemberMessage.receipt(receipt)).count),
        ]
    }

    /// Waits until every expected member has said what it runs.
    private func synced() async throws -> Answer { ["end": try await port.ends().last ?? 0] }

    /// Commits one after another while something else goes on: how long each append took.
    private func commits(_ count: Int) async throws -> Answer {
        var times: [Double] = []
        for _ in 0..<count {
            let start = Machine.seconds()
            _ = try await append(ClusterSettings.smallCommit)
            times.append(Machine.seconds() - start)
            try await ContinuousClock().sleep(for: .milliseconds(50))
        }
        return ["longest": times.max() ?? 0, "median": times.sorted()[times.count / 2], "end": Machine.seconds()]
    }

    /// What an administrator waits for: an edit submitted, then committed with the check of every machine.
    private func deskCommit() async throws -> Answer {
        let start = Machine.seconds()
        _ = try await desk.submit(by: "admin") { _, committed throws(Refusal) in
            ClusterSettings.smallCommit(on: committed).map { edit in
                var edit = edit
                edit.basis = edit.entry.flatMap { committed.layer[edit.section, $0]?.revision }
                return edit
            }
        }
        let submitted = Machine.seconds()
        _ = try await desk.commit(by: "admin", comment: "")
        return ["submit": submitted - start, "commit": Machine.seconds() - submitted]
    }

    /// What `machine list` asks for, and how many machines are synced.
    private func views() async throws -> Answer {
        let state = await ledger.state
        let start = Machine.seconds()
        let views = try await fleet.views(of: state)
        return ["seconds": Machine.seconds() - start, "synced": Double(views.count { $0.state == .synced })]
    }
}

extension EffectiveConfiguration {
    /// What a machine's services serve when they serve what they should. The real proof is a handshake with each.
    func assumedProofs() throws(SettingError) -> [ServiceProof] {
        try intendedServices().map { intended in
            if case .none(let reason) = intended.probe { return ServiceProof(service: intended.service, served: nil, unprovable: reason) }
            return ServiceProof(service: intended.service, served: intended.fingerprint)
        }
    }
}

/// Passes everything on to the fleet service, and then notes receipts.
final class CountingPort: MemberPort {
    private struct Inner {
        var expected = 0
        var position = 0
        var heard: Set<ConnectionID> = []
        var ends: [Double] = []
        var waiter: CheckedContinuation<[Double], Never>?
    }

    private let fleet: FleetService
    private let inner = Mutex(Inner())

    init(_ fleet: FleetService) { self.fleet = fleet }

    /// From now on, each connection's first receipt for a target at or behind a position counts.
    func expect(_ count: Int, from position: Int) {
        inner.withLock { $0 = Inner(expected: count, position: position) }
    }

    /// When each of the expected receipts had been taken in.
    func ends() async throws -> [Double] {
        await withCheckedContinuation { continuation in
            let ends = inner.withLock { inner -> [Double]? in
                if inner.ends.count >= inner.expected { return inner.ends }
                inner.waiter = continuation
                return nil
            }
            if let ends { continuation.resume(returning: ends) }
        }
    }

    func opened(_ connection: ConnectionID, peer: Peer, link: any Link<ManagerMessage>) {
        fleet.opened(connection, peer: peer, link: link)
    }

    func received(_ message: MemberMessage, on connection: ConnectionID) {
        fleet.received(message, on: connection)
        guard case .receipt(let receipt) = message else { return }
        note(receipt, connection)
    }

    private func note(_ receipt: Receipt, _ connection: ConnectionID) {
        let done = inner.withLock { inner -> (CheckedContinuation<[Double], Never>, [Double])? in
            guard receipt.target.position >= inner.position, inner.heard.insert(connection).inserted else { return nil }
            inner.ends.append(Machine.seconds())
            guard inner.ends.count == inner.expected, let waiter = inner.waiter else { return nil }
            inner.waiter = nil
            return (waiter, inner.ends)
        }
        if let (waiter, ends) = done { waiter.resume(returning: ends) }
    }

    func closed(_ connection: ConnectionID) { fleet.closed(connection) }
}
