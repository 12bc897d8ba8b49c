import ClusterModel
import NIOCore
import NIOSSL
import NIOTLS
import Replication

/// The member's side of one connection: ready after the handshake, then events until the end.
final class ManagerSession: ChannelDuplexHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundIn = MemberMessage
    typealias OutboundOut = OutgoingFrame

    private enum State {
        case connecting
        case open
        case closed
    }

    private let terms: TransportTerms
    private let frames: FrameHandler
    private let limit: Int
    private let ready: EventLoopPromise<any Channel>
    private let events: AsyncStream<MemberLinkEvent>.Continuation
    private var state = State.connecting
    private var reason: String?
    private var known = KnownSections()
    /// What the certificate callback found; a handshake without its approval is none.
    private var verdict: Result<Void, Refusal>?

    /// `limit` is the most bytes that the manager takes in one frame; `ready` is kept once the handshake is over.
    init(
        _ terms: TransportTerms, _ frames: FrameHandler, limit: Int, ready: EventLoopPromise<any Channel>,
        events: AsyncStream<MemberLinkEvent>.Continuation
    ) {
        self.terms = terms
        self.frames = frames
        self.limit = limit
        self.ready = ready
        self.events = events
    }

    /// What TLS asks about the manager's certificates.
    func judge(_ chain: [NIOSSLCertificate], by judge: ManagerJudge) -> NIOSSLVerificationResult {
        do throws(Refusal) {
            try judge.check(chain)
            verdict = .success(())
            return .certificateVerified
        } catch {
            verdict = .failure(error)
            return .failed
        }
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        guard case TLSUserEvent.handshakeCompleted(let negotiated) = event, case .connecting = state else {
            context.fireUserInboundEventTriggered(event)
            return
        }
        guard case .success = verdict else {
            fail(Refusal(.forbidden, "What answers does not show that it is a manager."), context)
            return
        }
        guard negotiated == TransportTLS.applicationProtocol else {
            let spoken = TransportTLS.applicationProtocol
            fail(
                Refusal(
                    .version,
                    "The manager there does not speak \(spoken), as this agent does: upgrade the older of the two, or correct the port if it is not the member port."
                ), context)
            return
        }
        state = .open
        frames.open(limit: terms.frameBytes)
        frames.setDeadline(nil)
        ready.succeed(context.channel)
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        guard case .open = state else { return }
        let frame = unwrapInboundIn(data)
        do throws(Refusal) {
            let message = try WireCodec.decodeManager(Array(frame.readableBytesView), known: known)
            if case .update(let update) = message { known.remember(update) }
            if message == .ping {
                let pong = try OutgoingFrame(WireCodec.encode(MemberMessage.pong), limit: limit)
                context.writeAndFlush(wrapOutboundOut(pong), promise: nil)
            }
            events.yield(.received(message))
        } catch {
            fail(error, context)
        }
    }

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        do throws(Refusal) {
            let frame = try OutgoingFrame(WireCodec.encode(unwrapOutboundIn(data)), limit: limit)
            context.write(wrapOutboundOut(frame), promise: promise)
        } catch {
            promise?.fail(error)
            fail(error, context)
        }
    }

    func close(context: ChannelHandlerContext, mode: CloseMode, promise: EventLoopPromise<Void>?) {
        if reason == nil { reason = "The member closed the connection." }
        context.close(mode: mode, promise: promise)
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        switch error {
        case let refusal as Refusal: fail(refusal, context)
        case NIOSSLError.uncleanShutdown: fail(Refusal(.unavailable, "The connection was cut."), context)
        case NIOSSLError.handshakeFailed(.sslError([.eofDuringHandshake])):
            // A manager that has no place for more connections does this, too.
            fail(Refusal(.unavailable, "The connection was closed in the middle of the handshake."), context)
        case NIOSSLError.handshakeFailed:
            fail(Refusal(.forbidden, "What answers does not speak TLS 1.3 as a manager does."), context)
        default: fail(Refusal(.unavailable, "The connection failed: \(error)"), context)
        }
    }

    func channelInactive(context: ChannelHandlerContext) {
        let reason = reason ?? "The manager closed the connection."
        switch state {
        case .connecting: ready.fail(Refusal(.unavailable, reason))
        case .open: events.yield(.closed(reason: reason))
        case .closed: break
        }
        state = .closed
        events.finish()
        context.fireChannelInactive()
    }

    private func fail(_ refusal: Refusal, _ context: ChannelHandlerContext) {
        if reason == nil { reason = refusal.reason }
        if case .connecting = state {
            // The callback knows better than TLS why the handshake failed.
            if case .failure(let verdict) = verdict { ready.fail(verdict) } else { ready.fail(refusal) }
            state = .closed
        }
        context.close(promise: nil)
    }
}
