import Certificates
import ClusterModel
import Logging
import NIOCore
import NIOHTTP1
import NIOSSL
import Synchronization

/// Receives connections: decides by the table what each one gets, and builds its pipeline.
struct Reception: Sendable {
    let table: ServiceTable
    let names: any HostNames
    let allowance: SessionAllowance
    let logger: Logger

    /// Prepares a connection; it is not read from before that is done.
    func prepare(_ channel: any Channel, at endpoint: Endpoint) -> EventLoopFuture<Void> {
        switch table.admit(channel, at: endpoint) {
        case .served(.mail(let service)): prepare(channel, at: endpoint, for: service)
        case .served(.web(let service)): prepare(channel, for: service)
        case .full(.mail): channel.eventLoop.makeCompletedFuture { try channel.pipeline.syncOperations.addHandler(TurnedAway()) }
        case .full(.web), .closed: channel.eventLoop.makeFailedFuture(NotServed())
        }
    }

    private func prepare(_ channel: any Channel, at endpoint: Endpoint, for service: MailService) -> EventLoopFuture<Void> {
        guard let peer = IPAddress(channel.remoteAddress) else {
            return channel.eventLoop.makeFailedFuture(NotServed())
        }
        let name =
            service.asksForHostNames
            ? names.hostName(of: peer, on: channel.eventLoop) : channel.eventLoop.makeSucceededFuture(nil)
        return name.flatMapThrowing { name in
            let terms = service.terms(address: peer, hostName: name)
            var logger = logger
            logger[metadataKey: "service"] = "\(service.name)"
            logger[metadataKey: "peer"] = "\(peer)"
            let session = SMTPSession(terms: terms, allowance: allowance, logger: logger) { eventLoop in
                // Certificate and authorities in force now; if the listener is gone meanwhile, those the session began with.
                let current = table.mailService(at: endpoint)
                guard let identity = current?.identity ?? service.identity else { throw NIOSSLError.failedToLoadCertificate }
                return try handshake(identity, trusting: terms.verifiesClients ? (current ?? service).authorities : nil)
            }
            try channel.pipeline.syncOperations.addHandlers([BackPressureHandler(), session])
        }
    }

    private func prepare(_ channel: any Channel, for service: WebService) -> EventLoopFuture<Void> {
        channel.eventLoop.makeCompletedFuture {
            let operations = channel.pipeline.syncOperations
            try operations.addHandlers([BackPressureHandler(), NIOSSLServerHandler(context: service.identity.context)])
            try operations.configureHTTPServerPipeline(withErrorHandling: true)
            try operations.addHandler(WebAnswer(hostname: service.hostname))
            let deadline = channel.eventLoop.scheduleTask(in: allowance.https) { channel.close(promise: nil) }
            channel.closeFuture.whenComplete { _ in deadline.cancel() }
        }
    }

    private func handshake(
        _ identity: ServerIdentity, trusting authorities: TrustedAuthorities?
    ) throws -> (handler: NIOSSLServerHandler, certificate: () -> ClientCertificate) {
        guard let authorities else { return (NIOSSLServerHandler(context: identity.context), { .none }) }
        let verdict = Verdict()
        let handler = NIOSSLServerHandler(context: try identity.contextAskingForCertificate()) { chain, promise in
            let bytes = chain.compactMap { try? $0.toDERBytes() }  // one that cannot be written again is not trusted either
            promise.completeWithTask {
                verdict.set(await authorities.trust(bytes) ? .verified : .unverified)
                // The handshake goes on either way: the dialogue says what follows from the verdict.
                return .certificateVerified
            }
        }
        return (handler, { verdict.get() })
    }
}

/// Closes a connection that there is nothing to say to.
private struct NotServed: Error {}

/// What was found of one client's certificate.
private final class Verdict: Sendable {
    private let certificate = Mutex(ClientCertificate.none)

    func set(_ found: ClientCertificate) { certificate.withLock { $0 = found } }
    func get() -> ClientCertificate { certificate.withLock { $0 } }
}

/// Says that there are too many connections, and closes.
private final class TurnedAway: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    func channelActive(context: ChannelHandlerContext) {
        let reply = context.channel.allocator.buffer(string: SMTPReply.tooManyConnections.text)
        context.writeAndFlush(wrapOutboundOut(reply), promise: nil)
        context.close(promise: nil)
    }
}
