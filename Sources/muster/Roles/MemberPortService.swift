import ReplicationTransport
import ServiceLifecycle

/// The member port as a service of the group: bound, served, closed.
struct MemberPortService: Service {
    let server: MemberPortServer
    let onReady: @Sendable (Int) async -> Void

    func run() async throws {
        await onReady(try await server.start())
        try? await gracefulShutdown()  // cancelled: then it ends all the same
        await server.stop()
    }
}
