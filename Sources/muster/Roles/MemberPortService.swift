import Certificates
import ClusterModel
import Logging
import NIOPosix
import Replication
import ReplicationTransport
import ServiceLifecycle

/// The member port as a service of the group: bound, served, closed.
struct MemberPortService: Service {
    let place: Endpoint
    let identity: ManagerIdentity
    let authority: ClusterAuthority
    let clusterID: String
    let fleet: any MemberPort
    let now: WallClock
    let logger: Logger
    let onReady: @Sendable (Int) async -> Void

    func run() async throws {
        let server = try MemberPortServer(
            host: place.host, port: place.port, identity: identity, authorities: authority.certificatePEM, clusterID: clusterID,
            delegate: fleet, group: MultiThreadedEventLoopGroup.singleton, now: now, logger: logger)
        await onReady(try await server.start())
        try? await gracefulShutdown()  // cancelled: then it ends all the same
        await server.stop()
    }
}
