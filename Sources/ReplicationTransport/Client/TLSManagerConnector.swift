package import ClusterModel
package import NIOCore
import NIOPosix
import NIOSSL
package import Replication

/// The member's end of the wire: connects to a manager's member port.
///
/// Nothing is resumed from an earlier connection, so that the manager's certificate is judged each time. The stream of events is not
/// bounded here: a manager has at most one update on the way, and is trusted. Letting go of the stream, or ending the task that reads it,
/// closes the connection.
package struct TLSManagerConnector: ManagerConnector {
    private let group: any EventLoopGroup
    private let terms: TransportTerms
    private let now: WallClock

    package init(group: any EventLoopGroup, terms: TransportTerms = TransportTerms(), now: @escaping WallClock) {
        self.group = group
        self.terms = terms
        self.now = now
    }

    /// Connects and shakes hands, within ``TransportTerms/hello``; gives up at once when the task is cancelled.
    package func connect(to manager: String, as identity: MemberIdentity?, trusting trust: ManagerTrust) async throws(Refusal)
        -> (link: any Link<MemberMessage>, events: AsyncStream<MemberLinkEvent>)
    {
        let address = try HostPort(parsing: manager)
        let judge = try ManagerJudge(trust, now: now)
        let context = try TransportTLS.client(identity)
        let limit = identity == nil ? terms.strangerFrameBytes : terms.memberFrameBytes
        let (stream, events) = AsyncStream.makeStream(of: MemberLinkEvent.self)
        let ready = group.next().makePromise(of: (any Channel).self)
        let bootstrap = ClientBootstrap(group: ready.futureResult.eventLoop)
            .connectTimeout(terms.hello)
            .channelOption(.tcpOption(.tcp_nodelay), value: 1)
            .channelInitializer { [terms] channel in
                channel.eventLoop.makeCompletedFuture {
                    let ping = try OutgoingFrame(WireCodec.encode(MemberMessage.ping), limit: limit)
                    let frames = FrameHandler(
                        terms, limit: terms.frameBytes, countsParts: true, ping: ping, now: channel.eventLoop.now)
                    let session = ManagerSession(terms, frames, limit: limit, ready: ready, events: events)
                    let tls = try NIOSSLClientHandler(context: context, serverHostname: nil) { chain, promise in
                        promise.succeed(session.judge(chain, by: judge))
                    }
                    try channel.pipeline.syncOperations.addHandlers([tls, frames, session])
                }
            }
        let channel = try await channel(of: bootstrap, ready, at: address)
        events.onTermination = { _ in channel.close(promise: nil) }
        return (ChannelLink<MemberMessage>(channel), stream)
    }

    private func channel(
        of bootstrap: ClientBootstrap, _ ready: EventLoopPromise<any Channel>, at address: HostPort
    ) async throws(Refusal) -> any Channel {
        let late = Refusal(.unavailable, "The manager at \(address.host):\(address.port) did not answer in time.")
        let timeout = ready.futureResult.eventLoop.scheduleTask(in: terms.hello) { ready.fail(late) }
        defer { timeout.cancel() }
        let connection = bootstrap.connect(host: address.host, port: address.port)
        connection.whenFailure { error in
            ready.fail(
                error as? Refusal ?? Refusal(.unavailable, "The manager at \(address.host):\(address.port) does not answer: \(error)"))
        }
        // However it ends, the connection does too.
        ready.futureResult.whenFailure { _ in connection.whenSuccess { $0.close(promise: nil) } }
        do {
            return try await withTaskCancellationHandler {
                try await ready.futureResult.get()
            } onCancel: {
                ready.fail(Refusal(.unavailable, "The attempt to connect was given up."))
            }
        } catch {
            throw error as? Refusal ?? late
        }
    }
}
