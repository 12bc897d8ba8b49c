import HTTPTypes
import Logging
import NIOCore
import NIOHTTPTypes
import NIOSSL
import NIOTLS

/// Ends a connection of the admin port that takes too long for what it does, or has no place.
///
/// Sits behind TLS and HTTP, so that only whole heads count as something: a byte now and then does not.
final class VisitHandler: ChannelDuplexHandler, RemovableChannelHandler {
    typealias InboundIn = HTTPRequestPart
    typealias InboundOut = HTTPRequestPart
    typealias OutboundIn = HTTPResponsePart
    typealias OutboundOut = HTTPResponsePart

    private let terms: AdminTerms
    private let doorkeeper: Doorkeeper
    private let logger: Logger
    private var visit: Visit?
    private var number: Int?
    private var alarm: Scheduled<Void>?
    private var context: ChannelHandlerContext?
    /// Who was not let in comes again on another connection.
    private var isUnwelcome = false

    init(_ terms: AdminTerms, _ doorkeeper: Doorkeeper, _ logger: Logger) {
        self.terms = terms
        self.doorkeeper = doorkeeper
        self.logger = logger
    }

    func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
        number = doorkeeper.enter(context.channel)
        visit = Visit(terms, now: context.eventLoop.now)
        arm()
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        alarm?.cancel()
        self.context = nil
        if let number { doorkeeper.leave(number) }
    }

    private func arm() {
        alarm?.cancel()
        guard let context, let deadline = visit?.deadline else { return }
        alarm = context.eventLoop.assumeIsolated().scheduleTask(deadline: deadline) { self.end("it took too long") }
    }

    /// Without a word, and without waiting for one: TLS would ask the peer to agree.
    private func end(_ reason: String) {
        guard let context else { return }
        logger.debug(
            "connection to the admin port ended", metadata: ["reason": "\(reason)", "from": "\(context.remoteAddress?.description ?? "")"])
        do {
            try context.pipeline.syncOperations.context(handlerType: NIOSSLServerHandler.self).close(promise: nil)
        } catch {
            context.close(promise: nil)  // TLS is gone already
        }
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        switch event {
        case TLSUserEvent.handshakeCompleted:
            visit?.shook(at: context.eventLoop.now)
            arm()
            context.fireUserInboundEventTriggered(event)
        case VisitEvent.displaced: end("others came, and it had shown no token")
        case VisitEvent.recognized: recognize()
        default: context.fireUserInboundEventTriggered(event)
        }
    }

    private func recognize() {
        guard let number, visit?.isKnown == false else { return }
        visit?.isKnown = true
        if !doorkeeper.recognize(number) { end("there are too many administrators") }
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch unwrapInboundIn(data) {
        case .head: visit?.began(at: context.eventLoop.now)
        case .body: break
        case .end: visit?.asked()
        }
        arm()
        context.fireChannelRead(data)
    }

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        switch unwrapOutboundIn(data) {
        case .head(let head):
            isUnwelcome = isUnwelcome || head.status == .unauthorized
            visit?.answers(at: context.eventLoop.now)
            arm()
            context.write(data, promise: promise)
        case .body: context.write(data, promise: promise)
        case .end:
            let written = promise ?? context.eventLoop.makePromise()
            written.futureResult.assumeIsolated().whenComplete { _ in self.wrote() }
            context.write(data, promise: written)
        }
    }

    private func wrote() {
        guard let context else { return }
        visit?.took(at: context.eventLoop.now)
        arm()
        if isUnwelcome { context.close(promise: nil) }
    }
}
