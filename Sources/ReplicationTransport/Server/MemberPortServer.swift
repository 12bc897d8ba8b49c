package import ClusterModel
package import Logging
package import NIOCore
import NIOExtras
import NIOPosix
package import Replication
import Synchronization

/// The manager's end of the wire: takes members, and strangers who want to join, on one TCP port.
///
/// Who a peer is, is found out on every connection; whether its membership is current is for the ``Replication/MemberPort`` to
/// know, which answers an `opened` with an `ended` and closes. It also hears the pings and pongs (which are answered here), so that
/// it knows who is alive. Nothing that it is called back with comes from within its own call of a link.
package final class MemberPortServer: Sendable {
    private enum State {
        case new
        case starting
        case listening(any Channel, ServerQuiescingHelper)
        case stopped
    }

    private let reception: Reception
    private let host: String
    private let port: Int
    private let group: any EventLoopGroup
    private let state = Mutex(State.new)

    /// Reads the certificates and the key; listens only when started, on a host's address and a port (0: any that is free).
    ///
    /// The authorities are certificates in PEM. The delegate is called on the group's threads. Throws `unreadable` for
    /// certificates and keys that cannot be used.
    package init(
        host: String, port: Int, identity: ManagerIdentity, authorities: String, clusterID: String, delegate: any MemberPort,
        group: any EventLoopGroup, terms: TransportTerms = TransportTerms(), now: @escaping WallClock, logger: Logger
    ) throws(Refusal) {
        self.host = host
        self.port = port
        self.group = group
        reception = try Reception(
            delegate, identity: identity, authorities: authorities, clusterID: clusterID, terms: terms, now: now, logger: logger)
    }

    /// Listens. Returns the port, which is news when it was 0.
    ///
    /// - Throws: `unavailable` when the address cannot be listened on, `conflict` when it was started before.
    package func start() async throws(Refusal) -> Int {
        let isNew = state.withLock { state in
            guard case .new = state else { return false }
            state = .starting
            return true
        }
        guard isNew else { throw Refusal(.conflict, "The member port was started before; make another.") }
        let quiescing = ServerQuiescingHelper(group: group)
        let bootstrap = ServerBootstrap(group: group)
            .serverChannelOption(.backlog, value: 1024)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .serverChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(quiescing.makeServerChannelHandler(channel: channel))
                }
            }
            .childChannelOption(.tcpOption(.tcp_nodelay), value: 1)
            .childChannelInitializer { [reception] channel in reception.prepare(channel) }
        let channel: any Channel
        do {
            channel = try await bootstrap.bind(host: host, port: port).get()
        } catch {
            state.withLock { $0 = .stopped }
            throw Refusal(.unavailable, "The member port cannot listen on \(host):\(port): \(error)")
        }
        let isWanted = state.withLock { state in
            guard case .starting = state else { return false }
            state = .listening(channel, quiescing)
            return true
        }
        guard isWanted else {
            await close(quiescing)
            throw Refusal(.unavailable, "The member port was stopped while it started.")
        }
        return channel.localAddress?.port ?? port
    }

    /// Takes no more connections, lets what is queued for members be written, and closes theirs. Returns when all are closed.
    package func stop() async {
        let quiescing = state.withLock { state -> ServerQuiescingHelper? in
            defer { state = .stopped }
            guard case .listening(_, let quiescing) = state else { return nil }
            return quiescing
        }
        if let quiescing { await close(quiescing) }
    }

    private func close(_ quiescing: ServerQuiescingHelper) async {
        let closed = group.any().makePromise(of: Void.self)
        quiescing.initiateShutdown(promise: closed)
        // It fails when there is nothing left to close.
        try? await closed.futureResult.get()
    }

    /// What new connections are shown and by whom they must be signed from now on; open ones stay. Nil: as before.
    package func replace(identity: ManagerIdentity? = nil, authorities: String? = nil) throws(Refusal) {
        try reception.replace(identity: identity, authorities: authorities)
    }

    /// How many members and strangers are connected.
    package var connections: (members: Int, strangers: Int) {
        (reception.admission.count(.member), reception.admission.count(.stranger))
    }
}
