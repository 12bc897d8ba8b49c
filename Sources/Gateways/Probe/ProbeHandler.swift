import ClusterModel
import NIOCore
import NIOSSL
import NIOTLS

/// Leads one connection to a finished handshake and takes the certificate that the server proved there.
final class ProbeHandler: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    /// Why a probe saw no certificate.
    enum Failure: Error {
        case closed
        /// With the line that says so, if there was one.
        case noTLS(String?)
    }

    private let tls: NIOSSLClientHandler
    private let found: EventLoopPromise<Digest>
    private let isMail: Bool
    private var dialogue: ProbeDialogue?
    private var splitter = LineSplitter()

    /// `dialogue` leads to TLS; without one, the handshake comes first.
    init(tls: NIOSSLClientHandler, dialogue: ProbeDialogue?, found: EventLoopPromise<Digest>) {
        self.tls = tls
        self.dialogue = dialogue
        isMail = dialogue != nil
        self.found = found
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        guard dialogue != nil else { return }
        splitter.add(unwrapInboundIn(data).readableBytesView)
        while let item = splitter.next() {
            guard case .line(let line) = item,
                let action = dialogue?.hear(String(decoding: line, as: UTF8.self), limit: Limits.smtpReplyLines)
            else { return giveUp(Failure.noTLS(nil), context: context) }
            switch action {
            case .wait: break
            case .send(let line): send(line, context: context)
            case .handshake: return handshake(context: context)
            case .giveUp: return giveUp(Failure.noTLS(dialogue?.heard), context: context)
            }
        }
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if let event = event as? TLSUserEvent, case .handshakeCompleted = event {
            do {
                guard let leaf = tls.peerCertificate else { throw Failure.noTLS(nil) }
                found.succeed(Digest(hashing: try leaf.toDERBytes()))
                if isMail { send("QUIT", context: context) }
                context.close(promise: nil)
            } catch {
                giveUp(error, context: context)
            }
        }
        context.fireUserInboundEventTriggered(event)
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        giveUp(error, context: context)
    }

    func channelInactive(context: ChannelHandlerContext) {
        found.fail(Failure.closed)
        context.fireChannelInactive()
    }

    private func handshake(context: ChannelHandlerContext) {
        dialogue = nil
        // Anything behind the reply was not encrypted, and a server must not send it.
        guard splitter.isEmpty else { return giveUp(Failure.noTLS(nil), context: context) }
        do {
            try context.pipeline.syncOperations.addHandler(tls, position: .first)
        } catch {
            giveUp(error, context: context)
        }
    }

    private func send(_ line: String, context: ChannelHandlerContext) {
        context.writeAndFlush(wrapOutboundOut(context.channel.allocator.buffer(string: line + "\r\n")), promise: nil)
    }

    private func giveUp(_ error: any Error, context: ChannelHandlerContext) {
        found.fail(error)
        context.close(promise: nil)
    }
}
