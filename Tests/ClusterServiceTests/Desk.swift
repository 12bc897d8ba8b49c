import AdminContract
import Certificates
import ClusterLog
import ClusterModel
import ClusterService
import Logging
import Replication
import Synchronization

/// A manager's services over a log in memory, with a clock that a test moves.
struct Desk {
    let log: any ClusterLog
    let master: MasterKey
    let ledger: Ledger
    let vault: KeyVault
    let authority: ClusterAuthority
    let enrolment: Enrolment
    let changes: ChangeDesk
    let fleet: FleetService
    let alerts: AlertDesk
    let admin: AdminDesk
    let clock: HandClock
    let caller = Caller(user: "ann", role: .administrator)

    static func make(log: any ClusterLog = InMemoryLog()) async throws -> Desk {
        let clock = HandClock()
        let master = MasterKey.generate()
        _ = try await ManagerFoundation(cluster: "acme", manager: "a1", user: "ann").lay(in: log, master: master, now: clock.now)
        return try await Desk(log: log, master: master, clock: clock)
    }

    init(log: any ClusterLog, master: MasterKey, clock: HandClock) async throws {
        self.log = log
        self.master = master
        self.clock = clock
        let key = ManagerFoundation.logKey(master)
        ledger = try await Ledger.open(log: log, key: key, now: clock.now, agents: try await AgentRegister.load(log))
        let state = await ledger.state
        vault = KeyVault(log: log, master: master, clusterID: state.clusterID)
        authority = try await ClusterAuthority.load(state, vault: vault)
        enrolment = Enrolment(
            ledger: ledger, issuers: Issuers(vault: vault), log: log, now: clock.now, managers: { ["127.0.0.1:1"] })
        changes = ChangeDesk(ledger: ledger, log: log)
        fleet = FleetService(
            ledger: ledger, enrolment: enrolment, vault: vault, log: log, now: clock.now,
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
        alerts = AlertDesk(log: log, now: clock.now)
        admin = AdminDesk(
            ledger: ledger, desk: changes, certificateDesk: CertificateDesk(changes: changes, vault: vault, now: clock.now),
            enrolment: enrolment, fleet: fleet, vault: vault, verification: LogVerification(log: log, key: key),
            alertDesk: alerts)
    }

    /// The join request of a new machine with one interface, `data1`.
    func request(_ machine: String, invitation: InvitationToken, address: String = "127.0.0.11", isPreview: Bool = false) throws
        -> JoinRequest
    {
        let key = try PrivateKey.generate(.ecdsaP256)
        return JoinRequest(
            invitation: invitation.id, secret: invitation.secret, machine: machine,
            certificateRequest: try CertificateRequest.make(key: key, commonName: machine).der,
            network: [
                NetworkEntry(section: .interfaces, name: "data1", value: ["hostname": "mx.example.com", "address": .string(address)])
            ], isPreview: isPreview)
    }

    func invite(hours: Int = 1) async throws -> InvitationToken {
        try await enrolment.invite(by: "ann", group: nil, seconds: hours * 3600)
    }

    @discardableResult
    func join(_ machine: String) async throws -> JoinAnswer {
        try await enrolment.join(request(machine, invitation: invite()))
    }

    func set(_ section: SectionName, _ entry: String, _ value: JSONValue, at level: Level = .cluster, by user: Caller? = nil) async throws {
        _ = try await admin.edit(
            EditRequest(edits: [EntryEdit(level: level, section: section, entry: entry, operation: .set(value))]), for: user ?? caller)
    }

    func commit(by user: Caller? = nil) async throws -> CommitView {
        try await admin.commit(CommitRequest(comment: ""), for: user ?? caller)
    }
}

/// A clock that stands still until a test moves it.
final class HandClock: Sendable {
    private let moment = Mutex(Timestamp(seconds: 1_800_000_000))

    var now: WallClock { { self.moment.withLock { $0 } } }

    func advance(seconds: Int64) { moment.withLock { $0 = $0.adding(seconds: seconds) } }
}
