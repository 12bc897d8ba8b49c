import ClusterLog
import ClusterModel
import Replication
import ReplicationTransport

/// Fixed pieces of work whose instructions Tests/Benchmarks/guard counts: one thread, no disk, no network, no clock.
///
/// What prepares a piece is not counted; what runs inside ``counted(_:)`` is.
struct Workload {
    private static let machines = 300
    private let members: [MembershipID]
    private var state = ClusterState()
    private let entries: [StoredEntry]
    private let key = LogKey(bytes: Array(repeating: 7, count: 32))
    private static let start = Timestamp(seconds: 1_790_000_000)

    /// Does one piece of work. Without a name it is none: `nothing` is what a start costs.
    @discardableResult
    init(_ name: String) throws {
        (members, entries) = try Workload.history(key)
        var verifier = LogVerifier(key: key)
        for stored in entries {
            let entry = try verifier.verify(stored)
            try state.fold(ClusterEvent(entry.event), head: stored.head, time: entry.time, author: entry.author)
        }
        switch name {
        case "nothing": counted {}
        case "fold": try fold()
        case "resolve": counted { _ = state.configurations() }
        case "digest": try digest()
        case "encode": try encode()
        case "decode": try decode()
        case "publish": publish()
        case "judge": try judge()
        default: throw BenchmarkError("there is no workload \(name)")
        }
    }

    /// A cluster with machines and settings, entry by entry.
    private static func history(_ key: LogKey) throws -> ([MembershipID], [StoredEntry]) {
        var writer = EntryWriter(head: .empty, key: key, time: start)
        let group = GroupID(rawValue: "group-0")
        try writer.add(
            .clusterCreated(
                ClusterCreated(
                    clusterID: "0123456789abcdef", cluster: "bench", group: group, groupName: "main", manager: "m", authority: "",
                    authorityKey: .zero, masterKey: "key")))
        var members: [MembershipID] = []
        for number in 0..<machines {
            let member = MembershipID(rawValue: "member-\(100_000 + number)")
            members.append(member)
            try writer.add(
                .invitationCreated(
                    InvitationCreated(id: "i\(number)", secretHash: .zero, group: group, expires: start.adding(days: 1))))
            try writer.add(
                .machineJoined(
                    MachineJoined(
                        membership: member, machine: "mx\(number)", group: group, invitation: "i\(number)", identityKey: .zero,
                        network: ClusterSettings.network(of: number))))
        }
        try writer.commit(ClusterSettings.first(certificate: certificate))
        for round in 0..<100 { try writer.commit(ClusterSettings.anyCommit(round: round)) }
        return (members, writer.entries)
    }

    private static var certificate: CertificateSetting {
        var facts = CertificateFacts()
        facts.subject = "CN=mail.example.com"
        facts.issuer = facts.subject
        facts.serial = "01"
        facts.signature = "ecdsa-with-sha256"
        return CertificateSetting(
            origin: .imported, key: KeyFacts(fingerprint: .zero, algorithm: "ecdsa-p256"), chain: [facts], chainBlob: .zero)
    }

    /// Verify and fold the log.
    private func fold() throws {
        try counted {
            var state = ClusterState()
            var verifier = LogVerifier(key: key)
            for stored in entries {
                let entry = try verifier.verify(stored)
                try state.fold(ClusterEvent(entry.event), head: verifier.head, time: entry.time, author: entry.author)
            }
        }
    }

    /// Bring cluster and group together anew, digests of every entry and section.
    private func digest() throws {
        guard let membership = state.memberships[members[0]] else { throw BenchmarkError("a membership is missing") }
        counted { for _ in 0..<10 { _ = state.configuration(of: membership).digest } }
    }

    /// Plan, fill and encode an update for each machine.
    private func encode() throws {
        let (before, after) = (state.configurations(), try state.applying(ClusterSettings.largeCommit(round: 1)).configurations())
        try counted {
            let chunks = SectionChunks()
            for member in members {
                guard let configuration = after[member] else { continue }
                let target = Target(position: state.head.position, revision: state.revision, digest: configuration.digest)
                let plan = UpdatePlan(target: target, head: sighting, configuration: configuration, base: before[member])
                _ = try plan.materialLacking()
                _ = try OutgoingFrame(chunks.parts(of: plan.update(material: [])), limit: Limits.frameBytes)
            }
        }
    }

    private var sighting: Sighting { Sighting(epoch: 0, head: state.head, seal: .zero) }

    /// Read an update with everything in it and ten that change one entry, and put together what they mean.
    private func decode() throws {
        guard let membership = state.memberships[members[0]] else { throw BenchmarkError("a membership is missing") }
        var base: EffectiveConfiguration?
        var state = state
        var frames: [[UInt8]] = []
        for _ in 0...10 {
            let configuration = state.configuration(of: membership)
            let target = Target(position: 1, revision: 1, digest: configuration.digest)
            let plan = UpdatePlan(target: target, head: sighting, configuration: configuration, base: base)
            frames.append(try WireCodec.encode(ManagerMessage.update(plan.update(material: []))))
            base = configuration
            state = try state.applying(ClusterSettings.smallCommit(on: state))
        }
        try counted {
            var known = KnownSections()
            var running: EffectiveConfiguration?
            for frame in frames {
                guard case .update(let update) = try WireCodec.decodeManager(frame, known: known) else { continue }
                known.remember(update)
                running = try assemble(base: running, update: update)
            }
        }
    }

    /// Machines connect, say hello, get their target and say that they applied it; then the target changes.
    private func publish() {
        func targets(_ position: Int, of state: ClusterState) -> [MembershipID: MachineTarget] {
            state.configurations().mapValues {
                MachineTarget(target: Target(position: position, revision: position, digest: $0.digest), configuration: $0)
            }
        }
        let first = targets(1, of: state)
        // A commit of these edits is never refused.
        let second = (try? state.applying(ClusterSettings.smallCommit(on: state))).map { targets(2, of: $0) } ?? [:]
        let head = Sighting(epoch: 0, head: LogHead(position: 2, hash: .zero), seal: .zero)
        counted {
            var publisher = Publisher()
            _ = publisher.stateChanged(targets: first, ended: [:], head: head, now: Workload.start)
            for (index, member) in members.enumerated() {
                let connection = ConnectionID(rawValue: UInt64(index))
                _ = publisher.opened(connection, membership: member, now: Workload.start)
                let hello = Hello(agent: "1", clock: Workload.start, running: nil)
                _ = publisher.hello(connection, hello, standing: .held, now: Workload.start)
                guard let target = first[member]?.target else { continue }
                let receipt = Receipt(target: target, outcome: .applied(digest: target.digest, proofs: []), time: Workload.start)
                _ = publisher.receipt(connection, receipt, now: Workload.start)
            }
            _ = publisher.stateChanged(targets: second, ended: [:], head: head, now: Workload.start)
        }
    }

    /// Hold every machine against its target, as `machine list` does.
    private func judge() throws {
        let targets = state.configurations().mapValues {
            MachineTarget(target: Target(position: 1, revision: 1, digest: $0.digest), configuration: $0)
        }
        counted {
            for target in targets.values {
                var record = MachineRecord()
                let outcome = Receipt.Outcome.applied(digest: target.target.digest, proofs: [])
                record.take(Receipt(target: target.target, outcome: outcome, time: Workload.start), target: target.target.digest)
                _ = MachineStatus(of: target, record: record)
            }
        }
    }
}

/// Instructions are counted between the beginning and the end of this function, by its name.
@inline(never)
private func counted<Failure: Error>(_ body: () throws(Failure) -> Void) throws(Failure) { try body() }

extension Digest {
    fileprivate static let zero = Digest(hashing: [])
}
