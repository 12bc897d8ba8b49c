import ClusterModel
package import Logging
package import NIOCore
package import NIOSSL
import NIOTLS

/// How long a session may be silent and how often it may err.
package struct SessionAllowance: Sendable {
    package var idle = TimeAmount.seconds(Int64(Limits.smtpIdleSeconds))
    package var handshake = TimeAmount.seconds(Int64(Limits.handshakeSeconds))
    package var errors = Limits.smtpErrors
    /// Open connections of one service.
    package var connections = Limits.serviceConnections
    package var https = TimeAmount.seconds(Int64(Limits.httpsSeconds))

    package init() {}
}

/// Carries an ``SMTPDialogue`` over a channel: bytes in, replies out, and the TLS handler in between when it is time.
package final class SMTPSession: ChannelInboundHandler {
    package typealias InboundIn = ByteBuffer
    package typealias OutboundOut = ByteBuffer

    /// Makes the handler for a handshake that begins now, with the certificate that is in force now.
    package typealias Handshake = (any EventLoop) throws -> (handler: NIOSSLServerHandler, certificate: () -> ClientCertificate)

    private enum Phase {
        case talking
        case handshaking(certificate: () -> ClientCertificate)
        case over
    }

    private var dialogue: SMTPDialogue
    private let allowance: SessionAllowance
    private let handshake: Handshake
    private let logger: Logger
    private var splitter = LineSplitter()
    private var phase = Phase.talking
    private var deadline: Scheduled<Void>?

    package init(terms: SMTPTerms, allowance: SessionAllowance, logger: Logger, handshake: @escaping Handshake) {
        dialogue = SMTPDialogue(terms: terms, errorLimit: allowance.errors)
        self.allowance = allowance
        self.handshake = handshake
        self.logger = logger
    }

    package func channelActive(context: ChannelHandlerContext) {
        send(dialogue.banner, context: context)
        wait(allowance.idle, context: context)
        context.fireChannelActive()
    }

    package func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        guard case .talking = phase else { return }
        splitter.add(unwrapInboundIn(data).readableBytesView)
        while case .talking = phase, let item = splitter.next() {
            let answer =
                switch item {
                case .line(let line): dialogue.answer(line, isPipelined: !splitter.isEmpty)
                case .tooLong: dialogue.answerTooLong()
                }
            perform(answer, context: context)
        }
    }

    package func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if case .handshaking(let certificate) = phase, let event = event as? TLSUserEvent, case .handshakeCompleted = event {
            let shown = certificate()
            logger.info("TLS session", metadata: ["outcome": "success", "clientCertificate": "\(shown)"])
            dialogue.tlsStarted(shown)
            phase = .talking
            wait(allowance.idle, context: context)
        }
        context.fireUserInboundEventTriggered(event)
    }

    package func errorCaught(context: ChannelHandlerContext, error: any Error) {
        if case .handshaking = phase {
            logger.info("TLS session", metadata: ["outcome": "failed", "reason": "\(error)"])
        }
        end(context: context)
    }

    package func channelInactive(context: ChannelHandlerContext) {
        phase = .over
        deadline?.cancel()
        context.fireChannelInactive()
    }

    private func perform(_ answer: SMTPDialogue.Answer, context: ChannelHandlerContext) {
        send(answer.reply, context: context)
        switch answer.action {
        case .proceed: wait(allowance.idle, context: context)
        case .close: end(context: context)
        case .startTLS: startTLS(context: context)
        }
    }

    /// The reply is on its way in clear text; what is read from here on goes through the TLS handler, or nowhere.
    private func startTLS(context: ChannelHandlerContext) {
        do {
            let (handler, certificate) = try handshake(context.eventLoop)
            phase = .handshaking(certificate: certificate)
            // Nothing lies behind STARTTLS, or the dialogue would have ended; if that were wrong, it still is not heard later.
            splitter = LineSplitter()
            wait(allowance.handshake, context: context)
            try context.pipeline.syncOperations.addHandler(handler, position: .first)
        } catch {
            logger.error("TLS could not be started", metadata: ["reason": "\(error)"])
            end(context: context)
        }
    }

    private func send(_ reply: SMTPReply, context: ChannelHandlerContext) {
        context.writeAndFlush(wrapOutboundOut(context.channel.allocator.buffer(string: reply.text)), promise: nil)
    }

    private func end(context: ChannelHandlerContext) {
        phase = .over
        deadline?.cancel()
        context.close(promise: nil)
    }

    /// Ends the session unless it comes on before this time has passed.
    private func wait(_ time: TimeAmount, context: ChannelHandlerContext) {
        deadline?.cancel()
        deadline = context.eventLoop.assumeIsolated().scheduleTask(in: time) {
            if case .talking = self.phase { self.send(.timedOut, context: context) }
            self.end(context: context)
        }
    }
}
