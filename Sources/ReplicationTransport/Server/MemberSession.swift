import ClusterModel
import Logging
import NIOCore
import NIOExtras
import NIOSSL
import NIOTLS
import Replication

/// One accepted connection: finds out who is there, tells the member port, carries its messages.
final class MemberSession: ChannelDuplexHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundIn = ManagerMessage
    typealias OutboundOut = OutgoingFrame

    private enum State {
        case greeting
        case open(ConnectionID, Peer)
        /// Words were said; nothing is heard any more.
        case closing(ConnectionID?)
    }

    private let reception: Reception
    private let frames: FrameHandler
    private var stage = Admission.Stage.handshake
    private var state = State.greeting
    private var rules = StrangerRules()
    private var isShaken = false
    private var hasHeard = false

    init(_ reception: Reception, _ frames: FrameHandler) {
        self.reception = reception
        self.frames = frames
    }

    // MARK: - Who is there

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        switch event {
        case TLSUserEvent.handshakeCompleted(let negotiated): greet(negotiated, context)
        case is ChannelShouldQuiesceEvent: context.close(promise: nil)
        default: context.fireUserInboundEventTriggered(event)
        }
    }

    private func greet(_ negotiated: String?, _ context: ChannelHandlerContext) {
        guard case .greeting = state else { return }
        isShaken = true
        do throws(Refusal) {
            guard negotiated == TransportTLS.applicationProtocol else {
                noteTurnedAway(context)
                throw Refusal(.version, "This is a member port and speaks \(TransportTLS.applicationProtocol); ask for it by ALPN.")
            }
            // Asked on every connection: a resumed session skips the callbacks of the handshake.
            let peer = try reception.peer(of: certificate(context))
            let stage: Admission.Stage = peer.isMember ? .member : .stranger
            try reception.admission.settle(stage)
            self.stage = stage
            let connection = ConnectionID.next()
            state = .open(connection, peer)
            frames.open(limit: peer.isMember ? reception.terms.memberFrameBytes : reception.terms.strangerFrameBytes)
            reception.logger.debug("connection opened", metadata: ["connection": "\(connection.rawValue)", "peer": "\(peer)"])
            reception.port.opened(connection, peer: peer, link: ChannelLink<ManagerMessage>(context.channel))
        } catch {
            refuse(error, context)
        }
    }

    /// A member whose agent is of another age is there all the same, and people should see why it is not followed.
    private func noteTurnedAway(_ context: ChannelHandlerContext) {
        // Who cannot be told apart from others is nobody's member.
        guard case .member(let membership)? = try? reception.peer(of: certificate(context)) else { return }
        reception.port.turnedAway(
            membership,
            because: "its agent does not speak \(TransportTLS.applicationProtocol), as this manager does: upgrade the older of the two")
    }

    private func certificate(_ context: ChannelHandlerContext) throws(Refusal) -> [UInt8]? {
        let certificate: NIOSSLCertificate?
        do {
            certificate = try context.pipeline.syncOperations.nioSSL_peerCertificate()
        } catch {
            throw Refusal(.unauthenticated, "The connection has no TLS.")
        }
        return try certificate.map { certificate throws(Refusal) in try TransportTLS.der(certificate) }
    }

    // MARK: - What is said

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        guard case .open(let connection, let peer) = state else { return }
        let frame = unwrapInboundIn(data)
        do throws(Refusal) {
            let message = try WireCodec.decodeMember(Array(frame.readableBytesView))
            if !peer.isMember { try rules.check(message, from: peer) }
            if !hasHeard {
                hasHeard = true
                frames.setDeadline(peer.isMember ? nil : context.eventLoop.now + reception.terms.stranger)
            }
            if message == .ping { write(.pong, context) }
            reception.port.received(message, on: connection)
        } catch {
            refuse(error, context)
        }
    }

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        guard case .open = state else {
            promise?.fail(ChannelError.ioOnClosedChannel)
            return
        }
        do throws(Refusal) {
            context.write(wrapOutboundOut(try reception.frame(unwrapOutboundIn(data))), promise: promise)
        } catch {
            reception.logger.error("a message to a member cannot be sent", metadata: ["reason": "\(error)"])
            promise?.fail(error)
            refuse(error, context)
        }
    }

    private func write(_ message: ManagerMessage, _ context: ChannelHandlerContext) {
        // Small messages always fit; what does not is dropped with the connection.
        guard let frame = try? reception.frame(message) else { return }
        context.writeAndFlush(wrapOutboundOut(frame), promise: nil)
    }

    // MARK: - The end

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        if let refusal = error as? Refusal {
            refuse(refusal, context)
        } else {
            reception.logger.debug("connection failed", metadata: ["reason": "\(error)"])
            context.close(promise: nil)
        }
    }

    /// Says no and closes. Before the handshake is over there is nobody to say it to.
    private func refuse(_ refusal: Refusal, _ context: ChannelHandlerContext) {
        reception.logger.info(
            "connection refused",
            metadata: ["code": "\(refusal.code.rawValue)", "reason": "\(refusal)", "from": "\(context.remoteAddress?.description ?? "")"])
        switch state {
        case .greeting:
            state = .closing(nil)
            if isShaken { write(.refused(refusal.code, reason: refusal.reason), context) }
        case .open(let connection, _):
            state = .closing(connection)
            write(.refused(refusal.code, reason: refusal.reason), context)
        case .closing: break
        }
        context.close(promise: nil)
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        reception.admission.leave(stage)
    }

    func channelInactive(context: ChannelHandlerContext) {
        switch state {
        case .open(let connection, _), .closing(let connection?): reception.port.closed(connection)
        case .greeting, .closing(nil): break
        }
        state = .closing(nil)
        context.fireChannelInactive()
    }
}
