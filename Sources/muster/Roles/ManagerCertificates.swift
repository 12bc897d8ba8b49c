import Certificates
import ClusterModel
import ClusterService
import Logging
import ReplicationTransport
import ServiceLifecycle

/// What a manager shows on its two ports: certificates of its own, made in this process and never written down.
///
/// On the member port the CA vouches for it that every machine trusts and every open invitation pins; on the admin port the one that
/// issues. The CA comes along in the chain, so that a machine with an invitation can compare its fingerprint.
actor ManagerCertificates {
    struct Shown: Sendable {
        var members: ManagerIdentity
        var admin: ManagerIdentity
        /// The CAs by which members' certificates are taken, PEM.
        var accepted: String
    }

    private struct Made {
        var identity: ManagerIdentity
        var renewal: Timestamp
    }

    private let issuers: Issuers
    private let manager: String
    private let hostNames: [String]
    private let now: WallClock
    private var made: [Digest: Made] = [:]

    /// Days that a certificate is valid, and after which another is made: long before it ends, also in a process that runs for years.
    private static let days = 365
    private static let renewalDays = 240

    init(issuers: Issuers, manager: String, hostNames: [String], now: @escaping WallClock) {
        self.issuers = issuers
        self.manager = manager
        self.hostNames = hostNames
        self.now = now
    }

    /// What is to be shown in this state, made anew where it comes to its end.
    func shown(in state: ClusterState) async throws(Refusal) -> Shown {
        let rotation = try state.rotationOrRefusal()
        let members = try await identity(by: rotation.shown)
        let admin = try await identity(by: rotation.issuing)
        let used = [rotation.shown.fingerprint, rotation.issuing.fingerprint]
        made = made.filter { used.contains($0.key) }
        return Shown(members: members, admin: admin, accepted: Rotation.pem(rotation.accepted))
    }

    private func identity(by ca: ClusterCA) async throws(Refusal) -> ManagerIdentity {
        let time = now()
        if let known = made[ca.fingerprint], time < known.renewal { return known.identity }
        let authority = try await issuers.authority(ca)
        let identity: ManagerIdentity
        do {
            let key = try PrivateKey.generate(.ecdsaP256)
            let chain = try authority.issue(
                .manager(manager), for: key, names: hostNames, lifetimeDays: ManagerCertificates.days, now: time)
            identity = ManagerIdentity(certificate: chain.pem, key: key.pem)
        } catch {
            throw Refusal(.unavailable, "The manager's own certificate cannot be made: \(error)")
        }
        made[ca.fingerprint] = Made(identity: identity, renewal: time.adding(days: ManagerCertificates.renewalDays))
        return identity
    }
}

/// Keeps what the ports show in step with the cluster's CA, and new.
struct CertificateKeeper: Service {
    let certificates: ManagerCertificates
    let ledger: Ledger
    let logger: Logger
    var clock: any Clock<Duration> = ContinuousClock()
    let show: @Sendable (ManagerCertificates.Shown, ClusterState) async throws(Refusal) -> Void

    func run() async throws {
        await withTaskGroup(of: Void.self) { group in
            group.addTask(name: "certificates/states") {
                for await state in await ledger.states().cancelOnGracefulShutdown() { await look(at: state) }
            }
            group.addTask(name: "certificates/time") { await lookNowAndThen() }
            await group.next()
            group.cancelAll()
        }
    }

    private func lookNowAndThen() async {
        // The sleep throws when the manager ends.
        while !Task.isShuttingDownGracefully, (try? await clock.sleep(for: .seconds(Limits.watchSeconds))) != nil {
            await look(at: ledger.state)
        }
    }

    private func look(at state: ClusterState) async {
        do throws(Refusal) {
            try await show(certificates.shown(in: state), state)
        } catch {
            // What was shown before goes on being shown; the next look may do better.
            logger.error("the manager's certificate cannot be exchanged", metadata: ["reason": "\(error.reason)"])
        }
    }
}
