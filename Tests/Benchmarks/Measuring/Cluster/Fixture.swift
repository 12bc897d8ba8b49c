import Certificates
import ClusterLog
import ClusterLogSQLite
import ClusterModel
import ClusterService
import Foundation
import GRDB
import Replication

/// A cluster on disk with a number of machines, made once and kept: the manager's data directory, and the members' identities.
struct Fixture {
    let directory: ManagerDirectory
    private let path: String
    private static let manager = "bench1"

    init(scratch: String, name: String) {
        path = "\(scratch)/\(name)"
        directory = ManagerDirectory(path: "\(path)/manager", keyPath: "\(path)/manager.key")
    }

    /// A member's identity and what it trusts.
    struct Member: Codable {
        var membership: String
        var certificate: String
        var key: String

        var identity: MemberIdentity { MemberIdentity(certificate: certificate, key: key) }
    }

    struct Members: Codable {
        var clusterID: String
        var authority: String
        var members: [Member]

        var trust: ManagerTrust { .authorities(pem: authority, clusterID: clusterID) }
    }

    private var membersFile: URL { URL(fileURLWithPath: "\(path)/members.json") }
    /// Where the manager listens, written by it.
    var port: URL { URL(fileURLWithPath: "\(path)/port") }

    func members() throws -> Members { try JSONDecoder().decode(Members.self, from: Data(contentsOf: membersFile)) }

    /// Makes the cluster unless it is there: machines that joined, their settings, and commits until the log has `entries` entries.
    func make(machines: Int, entries: Int = 0) async throws {
        guard !FileManager.default.fileExists(atPath: membersFile.path) else { return }
        try? FileManager.default.removeItem(atPath: path)
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
        let now = systemClock
        let master = MasterKey.generate()
        try directory.create(
            .init(
                manager: Fixture.manager, cluster: "bench", adminListen: "127.0.0.1:0", memberListen: "127.0.0.1:0", advertise: []),
            key: master)
        let log = try SQLiteLog(path: directory.database)
        _ = try await ManagerFoundation(cluster: "bench", manager: Fixture.manager, user: "admin").lay(in: log, master: master, now: now)
        let state = try await Ledger.open(log: log, key: ManagerFoundation.logKey(master), now: now).state
        let vault = KeyVault(log: log, master: master, clusterID: state.clusterID)
        let authority = try await ClusterAuthority.load(state, vault: vault)
        let made = try makeSelfSigned(SelfSignedRequest(commonName: "mail.example.com"), now: now())
        try await vault.store(made.key)
        try await vault.store(made.chain)
        await log.close()

        var writer = EntryWriter(head: state.head, key: ManagerFoundation.logKey(master), time: now())
        let joined = try Fixture.join(machines, authority: authority, group: try group(of: state), now: now(), to: &writer)
        try writer.commit(ClusterSettings.first(certificate: made.setting))
        var round = 0
        while writer.head.position < entries {
            try writer.commit(ClusterSettings.anyCommit(round: round))
            round += 1
        }
        try Fixture.insert(writer.entries, into: directory.database)
        let members = Members(clusterID: state.clusterID, authority: authority.certificatePEM, members: joined)
        try JSONEncoder().encode(members).write(to: membersFile)
    }

    private func group(of state: ClusterState) throws -> GroupID {
        guard let group = state.created?.group else { throw BenchmarkError("the log creates no cluster") }
        return group
    }

    private static func join(
        _ count: Int, authority: ClusterAuthority, group: GroupID, now: Timestamp, to writer: inout EntryWriter
    ) throws -> [Member] {
        var generator = SystemRandomNumberGenerator()
        var members: [Member] = []
        for number in 0..<count {
            let key = try PrivateKey.generate(.ecdsaP256)
            let membership = MembershipID(rawValue: randomIdentifier(using: &generator))
            let invitation = String(randomIdentifier(using: &generator).prefix(12))
            let chain = try authority.issue(.machine(membership), for: key, lifetimeDays: 365, now: now)
            try writer.add(
                .invitationCreated(
                    InvitationCreated(
                        id: invitation, secretHash: Digest(hashing: Array(invitation.utf8)), group: group, expires: now.adding(days: 1))))
            try writer.add(
                .machineJoined(
                    MachineJoined(
                        membership: membership, machine: "mx\(number)", group: group, invitation: invitation,
                        identityKey: key.facts.fingerprint, network: ClusterSettings.network(of: number))))
            members.append(Member(membership: membership.rawValue, certificate: chain.pem, key: key.pem))
        }
        return members
    }

    /// All in one transaction: the log itself takes an entry at a time, each with a sync of the disk.
    private static func insert(_ entries: [StoredEntry], into path: String) throws {
        let queue = try DatabaseQueue(path: path)
        try queue.write { database in
            let statement = try database.makeStatement(sql: "INSERT INTO entry (position, seal, bytes) VALUES (?, ?, ?)")
            for entry in entries { try statement.execute(arguments: [entry.position, Data(entry.seal.bytes), Data(entry.bytes)]) }
        }
        try queue.close()
    }
}

/// Writes a log's entries one after another without keeping the state that they make.
struct EntryWriter {
    private(set) var head: LogHead
    private(set) var entries: [StoredEntry] = []
    private var revision = 0
    private let key: LogKey
    private let time: Timestamp

    init(head: LogHead, key: LogKey, time: Timestamp) {
        self.head = head
        self.key = key
        self.time = time
    }

    mutating func add(_ event: ClusterEvent) throws {
        let entry = LogEntry(position: head.position + 1, previous: head.hash, time: time, author: "admin", event: try event.json())
        let stored = entry.stored(sealedBy: key)
        entries.append(stored)
        head = stored.head
    }

    mutating func commit(_ edits: [Edit]) throws {
        revision += 1
        try add(.settingsCommitted(SettingsCommitted(changeSet: "change-\(revision)", revision: revision, comment: "", edits: edits)))
    }
}

/// Where the time comes from.
let systemClock: WallClock = { Timestamp(Date()) }
