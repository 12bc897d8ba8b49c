import AdminClient
import AdminServer
import Certificates
import ClusterLog
import ClusterLogSQLite
import ClusterModel
import ClusterService
import FoundationEssentials
import Logging
import NIOPosix
import ReplicationTransport
import ServiceLifecycle
import Synchronization
import UnixSignals

/// Where the time comes from, outside tests.
let systemClock: WallClock = { Timestamp(Date.now) }

/// Every concrete type of a manager, in the order in which it starts.
struct ManagerWiring {
    let directory: ManagerDirectory

    func run() async throws {
        let logger = Logger(label: "muster.manager") { StreamLogHandler.standardError(label: $0) }
        raiseOpenFiles(logger: logger)
        let settings = try directory.settings()
        let master = try directory.masterKey()
        let log = Failpoints.log(try SQLiteLog(path: directory.database, create: false))
        let agents = try await AgentRegister.load(log)
        let ledger = try await Ledger.open(log: log, key: ManagerFoundation.logKey(master), now: systemClock, agents: agents)
        let state = await ledger.state
        try ManagerWiring.check(master, opens: state, at: directory.keyPath)

        let vault = KeyVault(log: log, master: master, clusterID: state.clusterID)
        let issuers = Issuers(vault: vault)
        let places = Places(settings: settings)
        let enrolment = Enrolment(
            ledger: ledger, issuers: issuers, log: log, now: systemClock, managers: { places.advertised })
        let fleet = FleetService(ledger: ledger, enrolment: enrolment, vault: vault, log: log, now: systemClock, logger: logger)
        let desk = ChangeDesk(ledger: ledger, log: log)
        let certificateDesk = CertificateDesk(changes: desk, vault: vault, now: systemClock)
        let verification = LogVerification(log: log, key: ManagerFoundation.logKey(master))
        let alerts = AlertDesk(log: log, now: systemClock)
        let watch = AlertWatch(ledger: ledger, desk: alerts, now: systemClock, logger: logger)
        let machineWatch = MachineWatch(ledger: ledger, fleet: fleet, desk: alerts, logger: logger)
        let admin = AdminDesk(
            ledger: ledger, desk: desk, certificateDesk: certificateDesk, enrolment: enrolment, fleet: fleet, vault: vault,
            verification: verification, alertDesk: alerts)

        let certificates = ManagerCertificates(
            issuers: issuers, manager: settings.manager, hostNames: places.hostNames, now: systemClock)
        let shown = try await certificates.shown(in: state)
        let announce = Announcement(directory: directory, places: places, settings: settings)
        let adminPlace = try Endpoint(parsing: settings.adminListen)
        let adminPort = try makeAdminServer(
            service: admin, tokens: Tokens(ledger: ledger, now: systemClock), listen: .init(host: adminPlace.host, port: adminPlace.port),
            tls: .init(chainPEM: shown.admin.certificate, keyPEM: shown.admin.key), logger: logger,
            onReady: { port in await announce.adminReady(port) })
        let memberPlace = try Endpoint(parsing: settings.memberListen)
        let members = try MemberPortServer(
            host: memberPlace.host, port: memberPlace.port, identity: shown.members, authorities: shown.accepted,
            clusterID: state.clusterID,
            delegate: Failpoints.members(fleet), group: MultiThreadedEventLoopGroup.singleton, now: systemClock, logger: logger)
        let memberPort = MemberPortService(server: members, onReady: { port in await announce.memberReady(port) })
        let keeper = CertificateKeeper(
            certificates: certificates, ledger: ledger, logger: logger,
            show: { shown, state throws(Refusal) in
                try members.replace(identity: shown.members, authorities: shown.accepted)
                try adminPort.replace(tls: .init(chainPEM: shown.admin.certificate, keyPEM: shown.admin.key))
                await announce.trusts(Rotation.pem(try state.rotationOrRefusal().trusted))
            })

        let group = ServiceGroup(
            configuration: .init(
                services: [
                    .init(service: fleet), .init(service: watch), .init(service: machineWatch), .init(service: memberPort),
                    .init(service: adminPort), .init(service: keeper), .init(service: EndNotice()),
                ],
                gracefulShutdownSignals: [.sigterm, .sigint], logger: logger))
        do {
            try await group.run()
        } catch {
            await log.close()
            throw error
        }
        await log.close()
    }

    /// Another master key would let the manager start and then open nothing.
    private static func check(_ master: MasterKey, opens state: ClusterState, at path: String) throws(Refusal) {
        guard let created = state.created else {
            throw Refusal(.notFound, "The log holds no cluster. Make one: muster manager init")
        }
        guard created.masterKey == master.id else {
            throw Refusal(
                .unreadable,
                "The master key at \(path) is not this cluster's: the log names \(created.masterKey), and this is \(master.id). Give the right one with --master-key."
            )
        }
    }
}

/// Where this manager listens and is reached; ports become known when they are bound.
final class Places: Sendable {
    private let memberPlace: Mutex<Endpoint?>
    private let configured: [String]
    private let hosts: [String]

    init(settings: ManagerDirectory.Settings) {
        configured = settings.advertise
        memberPlace = Mutex(nil)
        let places = [settings.adminListen, settings.memberListen] + settings.advertise
        let listens = places.compactMap { try? Endpoint(parsing: $0).host }  // read before it is listened on
        hosts = ["localhost", "127.0.0.1"] + listens
    }

    /// Names and addresses for the certificate; an address that stands for all of them is none.
    var hostNames: [String] {
        var seen: Set<String> = []
        return hosts.filter { !["0.0.0.0", "::"].contains($0) && seen.insert($0).inserted }
    }

    /// What invitations carry.
    var advertised: [String] {
        configured.isEmpty ? memberPlace.withLock { $0.map { ["\($0)"] } ?? [] } : configured
    }

    func bound(_ place: Endpoint) { memberPlace.withLock { $0 = place } }
}
